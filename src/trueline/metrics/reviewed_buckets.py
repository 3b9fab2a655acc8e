"""The reviews of a job grouped by bucket, counted ahead over all time.

A bucket's events of one decision are one subject of the report, as sure as the least sure of them: so their number by
band of confidence is kept of each bucket and decision. A part of all time cannot be told from it: for that the events
themselves are kept in a few bytes each, by the hour, once such a part was asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from trueline.metrics.by_hour import RowsByHour
from trueline.metrics.chances import NO_CHANCE, Chances
from trueline.metrics.growing import Codes, Numbers, columns_of
from trueline.metrics.hours import HOUR, Window
from trueline.metrics.reviewed_events import BANDS, LABELS, as_array, summed
from trueline.metrics.reviews import Mass, ReviewCount

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

BANDED_BUCKETS = pa.schema(
    [("subject_key", pa.uint64()), ("decision", pa.string()), ("band", pa.int8()), ("events", pa.int64())]
)
"""Events counted by bucket, decision and band."""

BUCKETS = pa.schema(
    [("subject_key", pa.uint64()), ("decision", pa.string()), ("lowest", pa.int8()), ("events", pa.int64())]
)
"""Events counted by bucket and decision, with the lowest of their bands."""

_NO_BAND = -1
_ABOVE_ALL = 127


class ReviewedBuckets:
    """One job's buckets, counted. Not for several threads at once."""

    def __init__(self, buckets: pa.Table) -> None:
        """`buckets` has the columns of `BANDED_BUCKETS`; no bucket has a consensus yet."""
        self._labels = Codes([""])
        self._subjects = Numbers()
        self._states = columns_of(consensus=np.int64)
        self._chances = Chances()
        self._pairs = Numbers()  # bucket and decision, packed
        self._counted = columns_of(subject=np.int64, decision=np.int64, events=np.int64, lowest=np.int64)
        self._bands = np.zeros((0, BANDS), np.int32)
        self._rows: RowsByHour | None = None
        decision = self._labels.of(buckets["decision"].combine_chunks())
        self._count(as_array(buckets["subject_key"]), decision, as_array(buckets["band"]), as_array(buckets["events"]))

    @property
    def has_events(self) -> bool:
        """Whether parts of all time can be told."""
        return self._rows is not None

    def keep_events(self, events: Iterable[pa.Table]) -> None:
        """Have parts of all time told, too: `events`, with the columns of `BANDED`, are all there are."""
        self._rows = RowsByHour(pair=np.uint32, band=np.int8, sign=np.int8)
        for some in events:
            self._keep(self._rows, some, self._pairs_of(some))

    def add(self, events: pa.Table) -> None:
        """Count versions of events, with the columns of `reviewed_events.BANDED`."""
        pair = self._pairs_of(events)
        self._add(pair, as_array(events["band"]), as_array(events["sign"]))
        if self._rows is not None:
            self._keep(self._rows, events, pair)

    def decisions(self) -> list[str]:
        """All that were ever made, and further labels."""
        return self._labels.texts[1:]

    def set_consensus(self, keys: NDArray[np.uint64], labels: pa.ChunkedArray) -> None:
        """Set what buckets came to: a label, Undecided, or empty where all votes are withdrawn."""
        number = self._numbers(keys)  # which may bring more rows
        self._states["consensus"][number] = self._labels.of(labels.combine_chunks())

    def say(self, said: pa.Table) -> None:
        """Set what votes say of the review probability of buckets, with the columns of `reviewed_events.SAID`."""
        self._chances.say(self._numbers(as_array(said["subject_key"])), said["probability"].to_pylist())

    def draw(self, drawn: pa.Table) -> None:
        """Set which buckets were drawn for audits, with the columns of `reviewed_events.DRAWN`: all there are."""
        decision = self._labels.of(drawn["decision"].combine_chunks())
        number = self._numbers(as_array(drawn["subject_key"]))
        self._chances.draw(number, decision, drawn["probability"].to_pylist())

    def counts(self, window: Window, beside: Iterable[pa.Table] = ()) -> list[ReviewCount] | None:
        """As `trueline.ledger.reviews.ReviewQuery.counts`; None of a part of all time where its events are not kept.

        Args:
            window: Of whole hours.
            beside: Versions of events outside of it that are counted, too, with the columns of `BANDED`.
        """
        if window == Window():
            return self._counted_over_all()
        if self._rows is None:
            return None
        kept = self._rows.of(window)
        others = list(beside)
        pair = np.concatenate([kept["pair"], *(self._pairs_of(each) for each in others)])
        band = np.concatenate([kept["band"], *(as_array(each["band"]) for each in others)])
        sign = np.concatenate([kept["sign"], *(as_array(each["sign"]) for each in others)])
        size, lowest = self._sizes(pair, band, sign)
        rows = np.flatnonzero((size > 0) & (self._counted["decision"] > 0))
        subject, decision = (self._counted[name][rows] for name in ("subject", "decision"))
        return self._told(subject, decision, size[rows], lowest[rows])

    def counts_of(self, buckets: pa.Table) -> list[ReviewCount] | None:
        """The same of a population whose events are counted already, with the columns of `BUCKETS`.

        None where there is a decision that was not told of.
        """
        decision = self._labels.of(buckets["decision"].combine_chunks())
        if not decision.all():
            return None
        subject = self._numbers(as_array(buckets["subject_key"]))
        lowest = as_array(buckets["lowest"]).astype(np.int64)
        return self._told(subject, decision, as_array(buckets["events"]), lowest)

    def _counted_over_all(self) -> list[ReviewCount]:
        counted = self._counted
        rows = np.flatnonzero((counted["events"] > 0) & (counted["decision"] > 0))
        return self._told(*(counted[name][rows] for name in ("subject", "decision", "events", "lowest")))

    def _sizes(
        self, pair: NDArray[np.int64], band: NDArray[np.int8], sign: NDArray[np.int8]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Of each bucket and decision, how many of these events there are, and the lowest of their bands."""
        pairs = len(self._pairs)
        if (sign > 0).all():
            lowest = np.full(pairs, _ABOVE_ALL, np.int8)
            np.minimum.at(lowest, pair, np.where(band == _NO_BAND, np.int8(_ABOVE_ALL), band))
            return np.bincount(pair, minlength=pairs), np.where(lowest == _ABOVE_ALL, _NO_BAND, lowest).astype(np.int64)
        # what takes a version back takes its band back, too
        alike = pair.astype(np.int64) * BANDS + band + 1
        bands = np.bincount(alike, sign, pairs * BANDS).astype(np.int64).reshape(pairs, BANDS)
        return bands.sum(axis=1), _lowest(bands)

    def _told(
        self,
        subject: NDArray[np.int64],
        decision: NDArray[np.int64],
        size: NDArray[np.int64],
        lowest: NDArray[np.int64],
    ) -> list[ReviewCount]:
        """Count what is alike of buckets and decisions that have events, each there once."""
        consensus: NDArray[np.int64] = self._states["consensus"][subject]
        chance = np.full(len(subject), NO_CHANCE)
        reviewed = np.flatnonzero(consensus)
        chance[reviewed] = self._chances.of(subject[reviewed], decision[reviewed])
        labels, chances = len(self._labels.texts), len(self._chances.probabilities)
        alike = ((decision * labels + consensus) * BANDS + lowest + 1) * chances + chance
        different, events = summed(alike, size)
        _, subjects = summed(alike, np.ones(len(alike), np.int64))
        _, squares = summed(alike, size**2)
        found = []
        for each, *mass in zip(*(array.tolist() for array in (different, events, subjects, squares)), strict=True):
            rest, chance_of = divmod(each, chances)
            outcome, band = divmod(rest, BANDS)
            decided, came_to = divmod(outcome, labels)
            found.append(
                ReviewCount(
                    self._labels.texts[decided],
                    self._labels.texts[came_to] or None,
                    Mass(*mass),
                    band - 1 if band else None,
                    self._chances.probabilities[chance_of],
                )
            )
        return found

    def _numbers(self, keys: NDArray[np.uint64]) -> NDArray[np.int64]:
        number = self._subjects.add(keys)
        if len(self._subjects) > len(self._states):
            self._states.append(len(self._subjects) - len(self._states), consensus=0)
            self._chances.grow(len(self._subjects))
        return number

    def _count(
        self,
        keys: NDArray[np.uint64],
        decision: NDArray[np.int64],
        band: NDArray[np.int8],
        events: NDArray[np.int64],
    ) -> None:
        self._add(self._pair(keys, decision), band, events)

    def _pairs_of(self, events: pa.Table) -> NDArray[np.int64]:
        decision, _ = self._labels.pairs(events["outcome"])
        return self._pair(as_array(events["subject_key"]), decision)

    def _pair(self, keys: NDArray[np.uint64], decision: NDArray[np.int64]) -> NDArray[np.int64]:
        """The place of each bucket and decision; new ones get one."""
        before = len(self._pairs)
        place = self._pairs.add((self._numbers(keys) * LABELS + decision).astype(np.uint64))
        if len(self._pairs) > before:
            self._grow(self._pairs.numbers[before:])
        return place

    def _add(self, place: NDArray[np.int64], band: NDArray[np.int8], events: NDArray[Any]) -> None:
        np.add.at(self._bands, (place, band.astype(np.int64) + 1), events.astype(np.int32))
        place = np.unique(place)
        bands = self._bands[place]
        self._counted["events"][place] = bands.sum(axis=1)
        self._counted["lowest"][place] = _lowest(bands)

    @staticmethod
    def _keep(rows: RowsByHour, events: pa.Table, pair: NDArray[np.int64]) -> None:
        rows.append(
            as_array(events["ts"]) // HOUR, pair=pair, band=as_array(events["band"]), sign=as_array(events["sign"])
        )

    def _grow(self, pairs: NDArray[np.uint64]) -> None:
        self._counted.append(
            len(pairs),
            subject=(pairs // LABELS).astype(np.int64),
            decision=(pairs % LABELS).astype(np.int64),
            events=0,
            lowest=_NO_BAND,
        )
        if len(self._counted) > len(self._bands):
            more = max(len(self._counted), 2 * len(self._bands)) - len(self._bands)
            self._bands = np.pad(self._bands, ((0, more), (0, 0)))


def _lowest(bands: NDArray[Any]) -> NDArray[np.int64]:
    """The lowest band with events, of each row; the first column is of those without one."""
    known = bands[:, 1:] > 0
    return np.where(known.any(axis=1), known.argmax(axis=1), _NO_BAND)
