"""The events of a job counted ahead, so that a question about whole hours costs what its answer has, not its events.

Every event is counted by its hour and its *outcome*, what stands with it: the decision, and the consensus of votes
that it came with. That is the whole truth of most events. The others belong to *marked* subjects: those with a
consensus of their own, given after their events, or that a training learned from. Of these each event is kept, in a
few bytes, so that it can be moved from one count to another when the state of its subject changes.

What is counted is counted as what the numbers ask for: decision, consensus, whether the subject is in the knowledge
base, whether it changed since.

Times are microseconds since 1970. Tables are arrow's, arrays numpy's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from trueline.metrics.changed_events import ChangedEvents, ChangedRows, LastChanged, leading
from trueline.metrics.groups import PlacedGroups
from trueline.metrics.growing import GroupedRows, Numbers, columns_of
from trueline.metrics.hours import HOUR, Hours, Span, Window, first_and_last
from trueline.metrics.kinds import Kinds, count_table
from trueline.metrics.told_ids import ToldIds

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trueline.metrics.counts import Count
    from trueline.metrics.kinds import Kind

EVENTS: Final = pa.schema(
    [
        ("subject_key", pa.uint64()),
        ("ts", pa.int64()),
        ("outcome", pa.string()),
        ("consensus_changed_at", pa.int64()),
        ("bucket_id", pa.string()),
        ("sign", pa.int8()),
    ]
)
"""Versions of events: set with a sign of 1, taken back with -1.

The outcome is the decision, a NUL and the consensus: empty where not decided yet, and where there is none."""

HOURS: Final = pa.schema(
    [
        ("hour", pa.int64()),
        ("outcome", pa.string()),
        ("events", pa.int64()),
        ("taken_back", pa.int64()),
        ("first", pa.int64()),
        ("last", pa.int64()),
    ]
)
"""Events counted by the hour, in hours since 1970; `first` and `last` may be of versions taken back, if any were."""

CONSENSUS: Final = pa.schema([("subject_key", pa.uint64()), ("label", pa.string()), ("changed_at", pa.int64())])
"""What subjects came to after their events: a label, Undecided, or empty where all votes are withdrawn."""

LEARNED: Final = pa.schema([("subject_key", pa.uint64()), ("label", pa.string()), ("from_consensus", pa.bool_())])
"""What a training learned of subjects."""


@dataclass(frozen=True, slots=True)
class Bound:
    """The earliest or latest ``@timestamp`` of a population."""

    ts: int
    exact: bool
    """Else it is somewhere in the hour of `ts`: a version was taken back that had been the first or last of it."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Some of a job's events, by what a tally knows of them."""

    window: Window
    kinds: NDArray[np.bool_] | None = None
    """Which of `Tally.kinds` they are of, in that order; None: of any."""
    subjects: NDArray[np.uint64] | None = None
    """The keys of the marked subjects that they are of; None: of any."""

    @property
    def is_everything(self) -> bool:
        """Whether no event is left out."""
        return self.window == Window() and self.kinds is None and self.subjects is None


@dataclass(frozen=True, slots=True)
class LatestMissed:
    """The latest events that were decided otherwise than what they came to."""

    hours: tuple[int, ...]
    """In which they are, since 1970, ascending: all that have any, or the last ones with enough of them."""
    events: int
    """How many of them there are at the least."""
    moments: frozenset[tuple[int, int]]
    """The keys of marked subjects and when theirs happened."""
    others: bool
    """Whether there are any of subjects that are not marked: those came with that consensus."""


_NONE: Final = -1


class Tally:
    """One job's events, counted. Not for several threads at once."""

    def __init__(self, hours: pa.Table) -> None:
        """`hours` has the columns of `HOURS`; no subject is marked yet."""
        self.ids = ToldIds()  # of marked subjects
        self._kinds = Kinds()
        self._labels = self._kinds.labels
        self._hours = Hours()
        self._subjects = Numbers()  # the keys of marked subjects
        self._states = columns_of(later=np.int64, changed_at=np.int64, learned=np.int64, from_consensus=np.bool_)
        self._changed = columns_of(events=np.int64)  # of each subject's events, those that changed after training
        self._names: list[str] = []
        self._events = GroupedRows(
            ts=np.int64, decision=np.int64, first=np.int64, kind=np.int64, changed_at=np.int64, sign=np.int64
        )
        self._training: int | None = None
        self._last_changed = LastChanged()
        hour, events, taken_back, first, last = (
            _array(hours[name]) for name in ("hour", "events", "taken_back", "first", "last")
        )
        decision, consensus = self._labels.pairs(hours["outcome"])
        self._count(hour, decision, self._kinds_of(decision, consensus), events, Span(first, last, taken_back > 0))

    # --- events

    def add(self, events: pa.Table) -> None:
        """Count versions of events, with the columns of `EVENTS`."""
        ts, sign = _array(events["ts"]), _array(events["sign"]).astype(np.int64)
        decision, first = self._labels.pairs(events["outcome"])
        subject = self._subjects.find(_array(events["subject_key"]))
        kind = self._kinds_now(decision, first, subject)
        self._count(ts // HOUR, decision, kind, sign, Span(ts, ts, sign < 0))
        kept = subject != _NONE
        if kept.any():
            self._keep(events.filter(pa.array(kept)), subject[kept], decision[kept], first[kept], kind[kept])

    def _count(
        self,
        hour: NDArray[np.int64],
        decision: NDArray[np.int64],
        kind: NDArray[np.int64],
        events: NDArray[np.int64],
        span: Span,
    ) -> None:
        place = self._hours.places(hour)
        self._hours.add(place, kind, events)
        self._hours.note(place, decision, events, span)

    def _keep(
        self,
        events: pa.Table,
        subject: NDArray[np.int64],
        decision: NDArray[np.int64],
        first: NDArray[np.int64],
        kind: NDArray[np.int64],
    ) -> None:
        sign = _array(events["sign"]).astype(np.int64)
        if len(self.ids):
            self.ids.forget(zip(events["subject_key"].to_pylist(), events["ts"].to_pylist(), strict=True))
        self._events.append(
            subject,
            ts=_array(events["ts"]),
            decision=decision,
            first=first,
            kind=kind,
            changed_at=_array(events["consensus_changed_at"]),
            sign=sign,
        )
        np.add.at(self._changed["events"], subject, sign * self._kinds.have_changed(kind))
        self._look_again(np.arange(len(self._events) - len(sign), len(self._events)))
        if events.num_rows and events["bucket_id"][0].as_py():
            found, rows = np.unique(subject, return_index=True)
            for number, name in zip(found.tolist(), events["bucket_id"].take(pa.array(rows)).to_pylist(), strict=True):
                self._names[number] = name

    # --- kinds

    def _kinds_now(
        self, decision: NDArray[np.int64], first: NDArray[np.int64], subject: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """What events count as with the states of their subjects; `_NONE` has no state."""
        if not len(self._subjects):
            return self._kinds_of(decision, first)
        marked = subject != _NONE
        later = np.where(marked, self._states["later"][subject], _NONE)
        learned = np.where(marked, self._states["learned"][subject], _NONE)
        consensus = np.where(later == _NONE, first, later)
        trained = learned != _NONE
        changed = trained & np.where(consensus == 0, self._states["from_consensus"][subject], consensus != learned)
        return self._kinds_of(decision, consensus, trained, changed)

    def _kinds_of(
        self,
        decision: NDArray[np.int64],
        consensus: NDArray[np.int64],
        trained: NDArray[np.bool_] | int = 0,
        changed: NDArray[np.bool_] | int = 0,
    ) -> NDArray[np.int64]:
        found = self._kinds.of(decision, consensus, trained, changed)
        self._hours.widen(len(self._kinds))
        return found

    def _move(self, rows: NDArray[np.int64]) -> None:
        """Count kept events as what they are now, where the states of their subjects have changed."""
        events, subject = self._events, self._events.group[rows]
        kind = self._kinds_now(events["decision"][rows], events["first"][rows], subject)
        before = events["kind"][rows]
        moved = np.flatnonzero(kind != before)
        moving, kind, before, subject = rows[moved], kind[moved], before[moved], subject[moved]
        place, sign = self._hours.places(events["ts"][moving] // HOUR), events["sign"][moving]
        self._hours.add(place, before, -sign)
        self._hours.add(place, kind, sign)
        more = self._kinds.have_changed(kind).astype(np.int64) - self._kinds.have_changed(before)
        np.add.at(self._changed["events"], subject, sign * more)
        events["kind"][moving] = kind
        self._look_again(rows)  # when they changed may be another moment though they count as before

    # --- subjects

    def unmarked(self, keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """Those of the subjects that are not marked, each once."""
        return np.unique(keys[self._subjects.find(keys) == _NONE])

    def mark(self, keys: NDArray[np.uint64], events: pa.Table) -> None:
        """Mark subjects that are not; `events`, with the columns of `EVENTS`, are all of theirs, counted already."""
        size = len(keys)
        self._subjects.add(keys)
        self._states.append(size, later=_NONE, changed_at=0, learned=_NONE, from_consensus=0)
        self._changed.append(size, events=0)
        self._names += [""] * size
        decision, first = self._labels.pairs(events["outcome"])
        subject = self._subjects.find(_array(events["subject_key"]))
        self._keep(events, subject, decision, first, self._kinds_of(decision, first))

    def set_consensus(self, consensus: pa.Table) -> None:
        """Set what marked subjects came to, with the columns of `CONSENSUS`."""
        number = self._subjects.find(_array(consensus["subject_key"]))
        self._states["later"][number] = self._labels.of(consensus["label"].combine_chunks())
        self._states["changed_at"][number] = _array(consensus["changed_at"])
        self._move(self._events.of(np.unique(number)))

    def knows(self, training: int | None) -> bool:
        """Whether it can tell the states against a training; against none it always can."""
        return training is None or training == self._training

    def learn(self, training: int, learned: pa.Table) -> None:
        """Take in what a training learned of marked subjects, with the columns of `LEARNED`, and of no others."""
        number = self._subjects.find(_array(learned["subject_key"]))
        self._states["learned"][:] = _NONE
        self._states["learned"][number] = self._labels.of(learned["label"].combine_chunks())
        self._states["from_consensus"][:] = False
        self._states["from_consensus"][number] = _array(learned["from_consensus"])
        self._training = training
        self._move(np.arange(len(self._events)))

    # --- questions

    def kinds(self) -> tuple[Kind, ...]:
        """What events were ever counted as; only becomes more."""
        return self._kinds.told()

    def knows_all_kinds(self, selection: Selection) -> bool:
        """Whether no kind came up since those of a selection were chosen."""
        return selection.kinds is None or len(selection.kinds) == len(self._kinds)

    def counts(self, selection: Selection, training: int | None) -> tuple[Count, ...]:
        """The count table of a selection of whole hours, of all subjects."""
        hours, window = self._hours, selection.window
        by_kind = hours.total if window == Window() else hours.counts[hours.span(window)].sum(axis=0)
        if selection.kinds is not None:
            by_kind = by_kind[: len(selection.kinds)] * selection.kinds
        kinds = self._kinds.told()[: len(by_kind)]
        return count_table(kinds, by_kind[: len(kinds)].tolist(), trained=training is not None)

    def placed(self, groups: pa.Table) -> PlacedGroups:
        """What groups of events, with the columns of `GROUPS`, count as now."""
        decision, first = self._labels.pairs(groups["outcome"])
        marked, changed_at = _array(groups["marked"]), _array(groups["first_changed_at"])
        subject = np.where(marked == 0, _NONE, self._subjects.find(marked))
        if len(self._subjects):
            later = (subject != _NONE) & (self._states["later"][subject] != _NONE)
            changed_at = np.where(later, self._states["changed_at"][subject], changed_at)
        kind = self._kinds_now(decision, first, subject)
        return PlacedGroups(marked, _array(groups["events"]), kind, changed_at, self.kinds())

    def bounds(self, selection: Selection) -> tuple[Bound, Bound] | None:
        """The earliest and the latest ``@timestamp`` of a selection of whole hours, decided events of all subjects.

        None where there are none.
        """
        hours = self._hours
        span = hours.span(selection.window)
        kinds = None
        if selection.kinds is None:
            begin, end = first_and_last(hours.decided[:, span].T)
        else:
            decision = self._kinds.decisions[: len(selection.kinds)]
            # of decisions beyond those no event is counted yet
            kinds = np.flatnonzero(selection.kinds & (decision > 0) & (decision < len(hours.decided)))
            begin, end = first_and_last(hours.counts[span], kinds)
        if begin is None or end is None:
            return None
        return self._bound(span.start + begin, kinds), self._bound(span.start + end, kinds, last=True)

    def _bound(self, place: int, kinds: NDArray[np.intp] | None, *, last: bool = False) -> Bound:
        """When the first or the last event of an hour and some kinds, all decided, happened; there must be one.

        None: of all kinds that are decided.
        """
        hours = self._hours
        decided = hours.decided[:, place]
        selected = decided
        if kinds is not None:
            selected = np.bincount(self._kinds.decisions[kinds], hours.counts[place, kinds], len(decided))
        there = np.flatnonzero(selected)
        # the moments that are kept are those of all events with a decision
        exact = not hours.unsure[there, place].any() and (kinds is None or (selected == decided)[there].all())
        moment = hours.last[there, place].max() if last else hours.first[there, place].min()
        return Bound(int(moment), exact=bool(exact))

    def latest_missed(self, window: Window, label: str, limit: int) -> LatestMissed:
        """The latest so many events of a window that came to a label which they were not decided as.

        Hours that are only partly in the window are among them where they have such events, whenever these happened.
        """
        hours, code = self._hours, self._labels.code(label)
        decision, consensus = self._kinds.decisions, self._kinds.consensus
        missed = (consensus == code) & (decision != code) & (decision != 0)
        span = hours.span(window.widened())
        events = hours.counts[span][:, np.flatnonzero(missed)].sum(axis=1)
        places = np.flatnonzero(events)[::-1]
        hour = hours.hours[span][places]
        whole = window.holds(hour * HOUR) & window.holds((hour + 1) * HOUR - 1)
        enough = np.cumsum(np.where(whole, events[places], 0))
        few = int(np.searchsorted(enough, limit)) + 1
        rows = np.flatnonzero(missed[self._events["kind"]])
        rows = rows[np.isin(self._events["ts"][rows] // HOUR, hour[:few])]
        keys = self._subjects.numbers[self._events.group[rows]].tolist()
        return LatestMissed(
            hours=tuple(hour[:few][::-1].tolist()),
            events=int(enough[:few][-1]) if len(enough) else 0,
            moments=frozenset(zip(keys, self._events["ts"][rows].tolist(), strict=True)),
            others=int(events[places[:few]].sum()) > int(self._events["sign"][rows].sum()),
        )

    def changed_events(self, selection: Selection, limit: int) -> list[ChangedEvents]:
        """The events whose subject changed after the training, latest change first, then latest ``ts``.

        So many of them at the least, and all that are level with the last one.
        """
        changed = self._changed_rows(selection)
        wanted = limit
        while True:
            found = self._standing(changed.leading(wanted))
            if wanted >= len(changed.row) or sum(each.events for each in found) >= limit:
                return found
            wanted *= 4  # versions took each other's place: look at more

    def _standing(self, of: ChangedRows) -> list[ChangedEvents]:
        """What is left of versions when those that took each other's place cancel, in the order of `changed_events`."""
        found: dict[tuple[int, int, int], int] = {}
        subject, sign = self._events.group[of.row], self._events["sign"][of.row]
        columns = (-of.changed_at, -of.ts, subject, sign)
        for *alike, one in zip(*(column.tolist() for column in columns), strict=True):
            key = (alike[0], alike[1], alike[2])
            found[key] = found.get(key, 0) + one
        keys = self._subjects.numbers
        return [
            ChangedEvents(-at, -moment, int(keys[number]), events)
            for (at, moment, number), events in sorted(found.items())
            if events > 0
        ]

    def divided(self, window: Window, most: int) -> list[Window]:
        """A window in parts of about so many events at the most: see `Hours.divided`."""
        return self._hours.divided(window, most)

    @property
    def events(self) -> int:
        """How many events there are, decided or not."""
        return int(self._hours.total.sum())

    @property
    def marked(self) -> NDArray[np.uint64]:
        """The keys of the marked subjects."""
        return self._subjects.numbers.copy()

    @property
    def size(self) -> int:
        """How many versions of events it keeps: another number after each that came."""
        return len(self._events)

    def changed_size(self, selection: Selection) -> int:
        """How many events' subjects changed after the training."""
        if selection.is_everything:
            return int(self._changed["events"].sum())
        return int(self._events["sign"][self._changed_rows(selection).row].sum())

    def names(self, keys: list[int]) -> list[str]:
        """The ids of marked buckets."""
        return [self._names[number] for number in self._subjects.find(np.array(keys, np.uint64)).tolist()]

    def changed_buckets(self, selection: Selection, limit: int) -> list[str]:
        """The ids of the buckets that changed after the training, most events first, then id."""
        if selection.is_everything:
            events = self._changed["events"]
        else:
            rows = self._changed_rows(selection).row
            events = np.bincount(self._events.group[rows], self._events["sign"][rows]).astype(np.int64)
        numbers = np.flatnonzero(events > 0)
        numbers = numbers[leading(events[numbers], events[numbers], limit)]
        return [name for _, name in sorted((-int(events[each]), self._names[each]) for each in numbers)[:limit]]

    def _changed_rows(self, selection: Selection) -> ChangedRows:
        if selection.kinds is not None or selection.subjects is not None:
            return self._with_moments(self._changed_of(selection))
        known = self._last_changed.of(selection.window)
        if known is None:
            known = self._with_moments(self._changed_of(selection))
            self._last_changed.remember(selection.window, known)
        return known

    def _with_moments(self, rows: NDArray[np.int64]) -> ChangedRows:
        subject = self._events.group[rows]
        later = self._states["later"][subject] != _NONE
        changed_at = np.where(later, self._states["changed_at"][subject], self._events["changed_at"][rows])
        return ChangedRows(rows, changed_at, self._events["ts"][rows])

    def _look_again(self, rows: NDArray[np.int64]) -> None:
        """Have what changed be what it is now, where these rows may have come in or out of it."""

        def changed() -> ChangedRows:
            return self._with_moments(rows[self._kinds.have_changed(self._events["kind"][rows])])

        self._last_changed.look_again(rows, changed)

    def _changed_of(self, selection: Selection) -> NDArray[np.int64]:
        subjects = np.flatnonzero(self._changed["events"])
        if selection.subjects is not None:
            subjects = np.intersect1d(subjects, self._subjects.find(selection.subjects))
        rows = self._events.of(subjects)
        kind = self._events["kind"][rows]
        changed = self._kinds.have_changed(kind)
        if selection.kinds is not None:
            changed &= np.pad(selection.kinds, (0, len(self._kinds) - len(selection.kinds)))[kind]
        rows = rows[changed]
        window = selection.window
        return rows if window == Window() else rows[window.holds(self._events["ts"][rows])]


def _array(column: pa.ChunkedArray) -> NDArray[Any]:
    found: NDArray[Any] = column.to_numpy()
    return found
