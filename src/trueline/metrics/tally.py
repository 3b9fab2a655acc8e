"""The events of a job counted ahead, so that a question about whole hours costs what its answer has, not its events.

Every event is counted by its hour and its *outcome*, what stands with it: the decision, and the consensus of votes
that it came with. That is the whole truth of most events. The others belong to *marked* subjects: those with a
consensus of their own, given after their events, or that a training learned from. Of these each event is kept, in a
few bytes, so that it can be moved from the count of its outcome to that of what holds with the state of its subject.

Times are microseconds since 1970. Tables are arrow's, arrays numpy's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from trueline.metrics.counts import Count
from trueline.metrics.growing import Codes, Rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

HOUR: Final = 3_600_000_000

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

_NONE: Final = -1
_LATEST, _EARLIEST = np.iinfo(np.int64).max, np.iinfo(np.int64).min


@dataclass(frozen=True, slots=True)
class Window:
    """``start <= ts < end``, both of them whole hours; None is open."""

    start: int | None = None
    end: int | None = None

    def holds(self, ts: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of these moments are in it."""
        inside = np.ones(len(ts), np.bool_)
        if self.start is not None:
            inside &= ts >= self.start
        if self.end is not None:
            inside &= ts < self.end
        return inside


@dataclass(frozen=True, slots=True)
class Bound:
    """The earliest or latest ``@timestamp`` of a population."""

    ts: int
    exact: bool
    """Else it is somewhere in the hour of `ts`: a version was taken back that had been the first or last of it."""


@dataclass(frozen=True, slots=True)
class ChangedEvents:
    """Events of one subject at one moment, which changed after training."""

    changed_at: int
    ts: int
    subject_key: int
    events: int


@dataclass(frozen=True, slots=True)
class _State:
    """A state that marked subjects are in."""

    later: str | None
    """What they came to after their events; None where they have no consensus of their own."""
    learned: str | None
    from_consensus: bool

    def seen(self, first: str) -> tuple[str, bool, bool]:
        """Consensus, whether in the knowledge base, whether changed since, of an event that came with `first`."""
        consensus = first if self.later is None else self.later
        if self.learned is None:
            return consensus, False, False
        return consensus, True, consensus != self.learned if consensus else self.from_consensus


class Tally:
    """One job's events, counted. Not for several threads at once."""

    def __init__(self, hours: pa.Table) -> None:
        """`hours` has the columns of `HOURS`; no subject is marked yet."""
        self._outcomes = Codes()
        self._labels = Codes()
        self._hours = np.empty(0, np.int64)
        self._counts = np.zeros((0, 8), np.int64)  # a row an hour, a column an outcome
        self._first = np.empty(0, np.int64)
        self._last = np.empty(0, np.int64)
        self._unsure = np.empty(0, np.bool_)
        self._keys = np.empty(0, np.uint64)  # of marked subjects, in order
        self._numbers = np.empty(0, np.int64)  # theirs, by which all else knows them
        self._subjects = Rows(later=np.int32, changed_at=np.int64, learned=np.int32, from_consensus=np.bool_)
        self._names: list[str] = []
        self._events = Rows(ts=np.int64, subject=np.int64, outcome=np.int32, changed_at=np.int64, sign=np.int8)
        self._training: int | None = None
        hour, events, taken_back, first, last = (
            _array(hours[name]) for name in ("hour", "events", "taken_back", "first", "last")
        )
        self._count(hour, self._codes(hours), events, (first, last), taken_back > 0)

    # --- events

    def add(self, events: pa.Table) -> None:
        """Count versions of events, with the columns of `EVENTS`."""
        ts, sign = _array(events["ts"]), _array(events["sign"])
        self._count(ts // HOUR, self._codes(events), sign, (ts, ts), sign < 0)
        subject = self._find(_array(events["subject_key"]))
        kept = subject != _NONE
        if kept.any():
            self._keep(events.filter(pa.array(kept)), subject[kept])

    def _count(
        self,
        hour: NDArray[np.int64],
        code: NDArray[np.int64],
        events: NDArray[Any],
        span: tuple[NDArray[np.int64], NDArray[np.int64]],
        taken_back: NDArray[np.bool_],
    ) -> None:
        place = self._places(hour)
        np.add.at(self._counts, (place, code), events)
        decided = self._decided()[code]
        for moment, bounds, at in ((span[0], self._first, np.minimum), (span[1], self._last, np.maximum)):
            at.at(bounds, place[decided], moment[decided])
        self._unsure[place[decided & taken_back]] = True

    def _codes(self, rows: pa.Table) -> NDArray[np.int64]:
        found = self._outcomes.of(rows["outcome"].combine_chunks())
        if len(self._outcomes) > self._counts.shape[1]:
            wider = np.zeros((len(self._hours), 2 * len(self._outcomes)), np.int64)
            wider[:, : self._counts.shape[1]] = self._counts
            self._counts = wider
        return found

    def _decided(self) -> NDArray[np.bool_]:
        """Which outcomes have a decision."""
        return np.array([not text.startswith("\0") for text in self._outcomes.texts], np.bool_)

    def _places(self, hour: NDArray[np.int64]) -> NDArray[np.intp]:
        """Where the counts of these hours stand; hours that are new get their place."""
        new = np.setdiff1d(hour, self._hours)
        if len(new):
            at = np.searchsorted(self._hours, new)
            self._hours = np.insert(self._hours, at, new)
            self._counts = np.insert(self._counts, at, 0, axis=0)
            self._first = np.insert(self._first, at, _LATEST)
            self._last = np.insert(self._last, at, _EARLIEST)
            self._unsure = np.insert(self._unsure, at, values=False)
        return np.searchsorted(self._hours, hour)

    def _keep(self, events: pa.Table, subject: NDArray[np.int64]) -> None:
        self._events.append(
            events.num_rows,
            ts=_array(events["ts"]),
            subject=subject,
            outcome=self._codes(events),
            changed_at=_array(events["consensus_changed_at"]),
            sign=_array(events["sign"]),
        )
        if events.num_rows and events["bucket_id"][0].as_py():
            found, rows = np.unique(subject, return_index=True)
            for number, name in zip(found.tolist(), events["bucket_id"].take(pa.array(rows)).to_pylist(), strict=True):
                self._names[number] = name

    # --- subjects

    def unmarked(self, keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """Those of the subjects that are not marked, each once."""
        return np.unique(keys[self._find(keys) == _NONE])

    def mark(self, keys: NDArray[np.uint64], events: pa.Table) -> None:
        """Mark subjects that are not; `events`, with the columns of `EVENTS`, are all of theirs, counted already."""
        keys, size = np.sort(keys), len(keys)
        at = np.searchsorted(self._keys, keys)
        self._numbers = np.insert(self._numbers, at, len(self._subjects) + np.arange(size))
        self._keys = np.insert(self._keys, at, keys)
        self._subjects.append(size, later=_NONE, changed_at=0, learned=_NONE, from_consensus=0)
        self._names += [""] * size
        self._keep(events, self._find(_array(events["subject_key"])))

    def _find(self, keys: NDArray[np.uint64]) -> NDArray[np.int64]:
        """The numbers of subjects, `_NONE` for one that is not marked."""
        if not len(self._keys):
            return np.full(len(keys), _NONE, np.int64)
        place = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
        return np.where(self._keys[place] == keys, self._numbers[place], _NONE)

    def set_consensus(self, consensus: pa.Table) -> None:
        """Set what marked subjects came to, with the columns of `CONSENSUS`."""
        number = self._find(_array(consensus["subject_key"]))
        self._subjects["later"][number] = self._labels.of(consensus["label"].combine_chunks())
        self._subjects["changed_at"][number] = _array(consensus["changed_at"])

    def knows(self, training: int | None) -> bool:
        """Whether it can tell the states against a training; against none it always can."""
        return training is None or training == self._training

    def learn(self, training: int, learned: pa.Table) -> None:
        """Take in what a training learned of marked subjects, with the columns of `LEARNED`, and of no others."""
        number = self._find(_array(learned["subject_key"]))
        self._subjects["learned"][:] = _NONE
        self._subjects["learned"][number] = self._labels.of(learned["label"].combine_chunks())
        self._subjects["from_consensus"][:] = False
        self._subjects["from_consensus"][number] = _array(learned["from_consensus"])
        self._training = training

    # --- questions

    def counts(self, window: Window, training: int | None) -> tuple[Count, ...]:
        """The count table of a window."""
        low, high = self._span(window)
        by_outcome = self._counts[low:high, : len(self._outcomes)].sum(axis=0)
        state, states = self._states(training)
        inside = self._inside(window)
        joint = self._events["outcome"][inside] * len(states) + state[self._events["subject"][inside]]
        moved = np.bincount(joint, self._events["sign"][inside], len(self._outcomes) * len(states)).astype(np.int64)
        by_state = moved.reshape(len(self._outcomes), len(states))
        by_outcome = by_outcome - by_state.sum(axis=1)
        counted: dict[tuple[str, str, bool, bool], int] = {}
        for code, text in enumerate(self._outcomes.texts):
            decision, first = text.split("\0")
            if not decision:
                continue
            _add(counted, (decision, first, False, False), int(by_outcome[code]))
            for each in np.flatnonzero(by_state[code]).tolist():
                _add(counted, (decision, *states[each].seen(first)), int(by_state[code, each]))
        return tuple(
            Count(decision, consensus or None, trained, changed, events)
            for (decision, consensus, trained, changed), events in counted.items()
            if events
        )

    def bounds(self, window: Window) -> tuple[Bound, Bound] | None:
        """The earliest and the latest ``@timestamp`` of a window's decided events; None where there are none."""
        low, high = self._span(window)
        decided = self._counts[low:high, : len(self._outcomes)][:, self._decided()].sum(axis=1)
        filled = np.flatnonzero(decided)
        if not len(filled):
            return None
        begin, end = low + int(filled[0]), low + int(filled[-1])
        return (
            Bound(int(self._first[begin]), exact=not self._unsure[begin]),
            Bound(int(self._last[end]), exact=not self._unsure[end]),
        )

    def changed_events(self, window: Window, training: int, limit: int) -> list[ChangedEvents]:
        """The events whose subject changed after training, latest change first, then latest ``ts``.

        So many of them at the least, and all that are level with the last one.
        """
        rows = self._changed(window, training)
        if not len(rows):
            return []
        subject = self._events["subject"][rows]
        changed_at = np.where(
            self._subjects["later"][subject] == _NONE,
            self._events["changed_at"][rows],
            self._subjects["changed_at"][subject],
        )
        order = np.lexsort((subject, -self._events["ts"][rows], -changed_at))
        subject, ts, sign = subject[order], *(self._events[name][rows][order] for name in ("ts", "sign"))
        # versions of one event that took each other's place stand side by side here, and cancel
        begins = np.flatnonzero(np.append(True, (subject[1:] != subject[:-1]) | (ts[1:] != ts[:-1])))
        standing = np.add.reduceat(sign.astype(np.int64), begins)
        keys = np.empty(len(self._subjects), np.uint64)
        keys[self._numbers] = self._keys
        found: list[ChangedEvents] = []
        size = 0
        for place, events in zip(begins[standing > 0].tolist(), standing[standing > 0].tolist(), strict=True):
            each = ChangedEvents(int(changed_at[order[place]]), int(ts[place]), int(keys[subject[place]]), events)
            if size >= limit and (each.changed_at, each.ts) != (found[-1].changed_at, found[-1].ts):
                break
            found.append(each)
            size += events
        return found

    def changed_buckets(self, window: Window, training: int, limit: int) -> list[str]:
        """The ids of the buckets that changed after training, most events first, then id."""
        rows = self._changed(window, training)
        events = np.bincount(self._events["subject"][rows], self._events["sign"][rows])
        numbers = np.flatnonzero(events > 0).tolist()
        return [name for _, name in sorted((-int(events[each]), self._names[each]) for each in numbers)[:limit]]

    def _changed(self, window: Window, training: int) -> NDArray[np.intp]:
        state, states = self._states(training)
        changed = np.zeros((len(self._outcomes), len(states)), np.bool_)
        for code, text in enumerate(self._outcomes.texts):
            decision, first = text.split("\0")
            changed[code] = [bool(decision) and each.seen(first)[2] for each in states]
        meets = changed[self._events["outcome"], state[self._events["subject"]]]
        return np.flatnonzero(meets & window.holds(self._events["ts"]))

    def _states(self, training: int | None) -> tuple[NDArray[np.int64], list[_State]]:
        """The states that marked subjects are in against a training, and which of them each is in."""
        texts: list[str | None] = [*self._labels.texts, None]  # so that `_NONE` finds None
        later = self._subjects["later"] % len(texts)
        learned = self._subjects["learned"] % len(texts) if training is not None else len(texts) - 1
        coded = ((later * len(texts)) + learned).astype(np.int64) * 2
        if training is not None:
            coded += self._subjects["from_consensus"]
        there = np.flatnonzero(np.bincount(coded, minlength=1))
        place = np.zeros(2 * len(texts) ** 2, np.int64)
        place[there] = np.arange(len(there))
        states = [
            _State(texts[each // 2 // len(texts)], texts[each // 2 % len(texts)], bool(each % 2))
            for each in there.tolist()
        ]
        return place[coded], states

    def _inside(self, window: Window) -> NDArray[np.bool_] | slice:
        return slice(None) if window == Window() else window.holds(self._events["ts"])

    def _span(self, window: Window) -> tuple[int, int]:
        low = 0 if window.start is None else int(np.searchsorted(self._hours, window.start // HOUR))
        high = len(self._hours) if window.end is None else int(np.searchsorted(self._hours, window.end // HOUR))
        return low, high


def _add(counted: dict[tuple[str, str, bool, bool], int], alike: tuple[str, str, bool, bool], events: int) -> None:
    counted[alike] = counted.get(alike, 0) + events


def _array(column: pa.ChunkedArray) -> NDArray[Any]:
    found: NDArray[Any] = column.to_numpy()
    return found
