"""The reviews of a job whose events are each a subject, counted ahead by the hour: see `tally`.

Counted is by what the report asks for: decision, consensus and band of confidence. Of subjects with a state of their
own, which are few, every event is kept, so that it moves when its consensus does; on which occasion they were reviewed
is put to the counts when these are asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from trueline.metrics.groups import OUTCOME
from trueline.metrics.growing import Codes, GroupedRows, Numbers, columns_of
from trueline.metrics.hours import HOUR, Hours, Window
from trueline.metrics.occasions import UNSAID, Occasion, Occasions
from trueline.metrics.reviews import Mass, ReviewCount

if TYPE_CHECKING:
    from numpy.typing import NDArray

BANDED: Final = pa.schema(
    [
        ("subject_key", pa.uint64()),
        ("ts", pa.int64()),
        ("outcome", pa.string()),
        ("band", pa.int8()),
        ("sign", pa.int8()),
    ]
)
"""Versions of events, as `tally.EVENTS`; the band is a tenth of confidence from 0 to 9, -1 where there is none."""

BANDED_HOURS: Final = pa.schema(
    [("hour", pa.int64()), ("outcome", pa.string()), ("band", pa.int8()), ("events", pa.int64())]
)
"""Events counted by the hour, as `tally.HOURS`."""

BANDED_GROUPS: Final = pa.schema(
    [("outcome", OUTCOME), ("band", pa.int8()), ("marked", pa.uint64()), ("events", pa.int64())]
)
"""Events counted by outcome, band and, where it has a state, by subject; 0 stands for all others."""

SAID: Final = pa.schema([("subject_key", pa.uint64()), ("probability", pa.float64()), ("reason", pa.string())])
"""The review probabilities that votes say of subjects, and the reasons; null, and empty, where none does."""

DRAWN: Final = pa.schema(
    [("subject_key", pa.uint64()), ("decision", pa.string()), ("probability", pa.float64()), ("reason", pa.string())]
)
"""The subjects drawn for audits, and among those of which decision."""

LABELS: Final = 1 << 12
"""More than there are labels in a job."""
BANDS: Final = 11

_EXACT: Final = 2.0**53
_NONE: Final = -1


class ReviewedEvents:
    """One job's events, counted. Not for several threads at once."""

    def __init__(self, hours: pa.Table) -> None:
        """`hours` has the columns of `BANDED_HOURS`; no subject has a state yet."""
        self._labels = Codes([""])
        self._kinds = Numbers()
        self._hours = Hours()
        self._subjects = Numbers()
        self._states = columns_of(later=np.int64)
        self._occasions = Occasions()
        self._events = GroupedRows(
            ts=np.int64, decision=np.int64, first=np.int64, band=np.int64, kind=np.int64, sign=np.int64
        )
        decision, first = self._labels.pairs(hours["outcome"])
        kind = self._kinds_of(decision, first, as_array(hours["band"]))
        self._hours.add(self._hours.places(as_array(hours["hour"])), kind, as_array(hours["events"]))

    def add(self, events: pa.Table) -> None:
        """Count versions of events, with the columns of `BANDED`."""
        subject = self._subjects.find(as_array(events["subject_key"]))
        ts, sign = as_array(events["ts"]), as_array(events["sign"]).astype(np.int64)
        decision, first = self._labels.pairs(events["outcome"])
        kind = self._kinds_of(decision, self._consensus(first, subject), as_array(events["band"]))
        self._hours.add(self._hours.places(ts // HOUR), kind, sign)
        kept = subject != _NONE
        if kept.any():
            self._keep(events.filter(pa.array(kept)))

    def unmarked(self, keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """Those of the subjects that have had no state yet, each once."""
        return np.unique(keys[self._subjects.find(keys) == _NONE])

    def mark(self, keys: NDArray[np.uint64], events: pa.Table) -> None:
        """Have subjects that are `unmarked` get states; `events`, with the columns of `BANDED`, are all of theirs."""
        self._subjects.add(keys)
        self._states.append(len(keys), later=_NONE)
        self._occasions.grow(len(self._subjects))
        self._keep(events)

    def decisions(self) -> list[str]:
        """All that were ever made, and further labels."""
        return self._labels.texts[1:]

    def set_consensus(self, keys: NDArray[np.uint64], labels: pa.ChunkedArray) -> None:
        """Set what marked subjects came to: a label, Undecided, or empty where all votes are withdrawn."""
        number = self._subjects.find(keys)
        self._states["later"][number] = self._labels.of(labels.combine_chunks())
        events, rows = self._events, self._events.of(np.unique(number))
        consensus = self._consensus(events["first"][rows], events.group[rows])
        kind, before = self._kinds_of(events["decision"][rows], consensus, events["band"][rows]), events["kind"][rows]
        place, sign = self._hours.places(events["ts"][rows] // HOUR), events["sign"][rows]
        self._hours.add(place, before, -sign)
        self._hours.add(place, kind, sign)
        events["kind"][rows] = kind

    def say(self, said: pa.Table) -> None:
        """Set what votes say of how marked subjects came to be reviewed, with the columns of `SAID`."""
        self._occasions.say(self._subjects.find(as_array(said["subject_key"])), said)

    def draw(self, drawn: pa.Table) -> None:
        """Set which marked subjects were drawn for audits, with the columns of `DRAWN`: all there are."""
        decision = self._labels.of(drawn["decision"].combine_chunks())
        number = self._subjects.find(as_array(drawn["subject_key"]))
        self._occasions.draw(number, decision, drawn)

    def counts(self, window: Window) -> list[ReviewCount]:
        """Of a window of whole hours, as `trueline.ledger.reviews.ReviewQuery.counts`."""
        hours = self._hours
        by_kind = (hours.total if window == Window() else hours.counts[hours.span(window)].sum(axis=0)).copy()
        found = []
        for kind, occasion, events in self._by_occasion(window):
            by_kind[kind] -= events
            found.append((kind, self._occasions.different[occasion], events))
        found += [
            (kind, Occasion(), int(by_kind[kind])) for kind in np.flatnonzero(by_kind[: len(self._kinds)]).tolist()
        ]
        return [
            ReviewCount(decision, consensus or None, Mass.single(events), band, *occasion)
            for kind, occasion, events in found
            for decision, consensus, band in (self._told(kind),)
            if decision and events
        ]

    def counts_of(self, groups: pa.Table, *, of_others: bool = False) -> list[ReviewCount] | None:
        """The same of a population whose events are counted already, with the columns of `BANDED_GROUPS`.

        None where a subject has a state that was not told of; `of_others`, that of some is none here.
        """
        marked = as_array(groups["marked"])
        subject = self._subjects.find(marked)
        if not of_others and ((subject == _NONE) & (marked != 0)).any():
            return None
        decision, first = self._labels.pairs(groups["outcome"])
        consensus = self._consensus(first, subject)
        occasion = np.full(len(marked), UNSAID)
        drawn = np.flatnonzero((subject != _NONE) & (consensus != 0))
        occasion[drawn] = self._occasions.of(subject[drawn], decision[drawn])
        packed = (decision * LABELS + consensus) * BANDS + as_array(groups["band"]) + 1
        sides = len(self._occasions.different)
        different, events = summed(packed * sides + occasion, as_array(groups["events"]))
        found = []
        for both, size in zip(different.tolist(), events.tolist(), strict=True):
            alike, number = divmod(both, sides)
            decided, came_to, band = self._unpacked(alike)
            if decided and size:
                occasion_of = self._occasions.different[number]
                found.append(ReviewCount(decided, came_to or None, Mass.single(size), band, *occasion_of))
        return found

    @property
    def marked(self) -> NDArray[np.uint64]:
        """The keys of the subjects that are told apart."""
        return self._subjects.numbers.copy()

    def _by_occasion(self, window: Window) -> list[tuple[int, int, int]]:
        """Kind, number of the occasion, and events: of those that were reviewed on an occasion that is known."""
        events = self._events
        occasion = self._occasions.of(events.group, events["decision"])
        consensus = self._kinds.numbers[events["kind"]] // BANDS % LABELS
        rows = np.flatnonzero((occasion != UNSAID) & (consensus != 0))
        if window != Window():
            rows = rows[window.holds(events["ts"][rows])]
        sides = len(self._occasions.different)
        both, sizes = summed(events["kind"][rows] * sides + occasion[rows], events["sign"][rows])
        return [(*divmod(each, sides), size) for each, size in zip(both.tolist(), sizes.tolist(), strict=True) if size]

    def _keep(self, events: pa.Table) -> None:
        subject = self._subjects.find(as_array(events["subject_key"]))
        decision, first = self._labels.pairs(events["outcome"])
        band = as_array(events["band"]).astype(np.int64)
        self._events.append(
            subject,
            ts=as_array(events["ts"]),
            decision=decision,
            first=first,
            band=band,
            kind=self._kinds_of(decision, self._consensus(first, subject), band),
            sign=as_array(events["sign"]).astype(np.int64),
        )

    def _consensus(self, first: NDArray[np.int64], subject: NDArray[np.int64]) -> NDArray[np.int64]:
        if not len(self._subjects):
            return first
        later = np.where(subject == _NONE, _NONE, self._states["later"][subject])
        return np.where(later == _NONE, first, later)

    def _kinds_of(
        self, decision: NDArray[np.int64], consensus: NDArray[np.int64], band: NDArray[Any]
    ) -> NDArray[np.int64]:
        packed = (decision * LABELS + consensus) * BANDS + band + 1
        found = self._kinds.add(packed.astype(np.uint64))
        self._hours.widen(len(self._kinds))
        return found

    def _told(self, kind: int) -> tuple[str, str, int | None]:
        return self._unpacked(int(self._kinds.numbers[kind]))

    def _unpacked(self, packed: int) -> tuple[str, str, int | None]:
        """Decision, consensus and band."""
        outcome, band = divmod(packed, BANDS)
        decision, consensus = divmod(outcome, LABELS)
        return self._labels.texts[decision], self._labels.texts[consensus], band - 1 if band else None


def summed(keys: NDArray[np.int64], numbers: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The different keys, and the sum of the numbers of each. Exact."""
    is_exact = int(np.abs(numbers).sum(dtype=np.float64)) < _EXACT  # of whole numbers, as sums of doubles
    if len(keys) and int(keys.max()) <= max(1 << 16, 4 * len(keys)) and is_exact:
        sums = np.bincount(keys, numbers).astype(np.int64)
        found = np.unique(keys) if len(keys) < len(sums) // 8 else np.flatnonzero(np.bincount(keys))
        return found.astype(np.int64), sums[found]
    different, place = np.unique(keys, return_inverse=True)
    sums = np.zeros(len(different), np.int64)
    np.add.at(sums, place, numbers)
    return different, sums


def as_array(column: pa.ChunkedArray) -> NDArray[Any]:
    """A column without nulls."""
    found: NDArray[Any] = column.to_numpy()
    return found
