"""Looking through versions of events as they are at one moment: which pass, and what those come to.

See `coded_rows`. Times are microseconds since 1970. Tables are arrow's, arrays numpy's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import pyarrow as pa

from trueline.metrics.groups import GROUPS
from trueline.metrics.reviewed_events import BANDED_GROUPS, BANDS, summed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from trueline.metrics.hours import Window
    from trueline.metrics.passing import Passing

OUTCOMES: Final = 1 << 24
"""More than there are pairs of labels, so that a subject and an outcome make one number, which is a group."""
NO_SUBJECT: Final = np.uint64(0)
"""Stands for all subjects that are not marked."""

_MANY: Final = 8
"""Less than one in so many are few."""


class BucketRows(NamedTuple):
    """Versions of events of a job grouped by bucket, an element each."""

    keys: NDArray[np.uint64]
    """Of buckets."""
    bucket: NDArray[np.uint32]
    """The place in `keys`."""
    decisions: list[str]
    decision: NDArray[np.int64]
    """The place in `decisions`."""
    band: NDArray[np.int8]
    sign: NDArray[np.int8]


class BlockNow(NamedTuple):
    """The rows of a block at one moment: nothing that they say is changed in place."""

    ts: NDArray[np.int64]
    group: NDArray[np.uint32]
    band: NDArray[np.int8]
    bucket: NDArray[np.uint32]
    changed_at: NDArray[np.int64] | None
    taken_back: NDArray[np.int64]
    codes: dict[str, NDArray[Any]]
    first: int
    last: int
    """When the first and the last happened."""

    def takes_back(self, rows: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Which of these rows take others back."""
        found = np.zeros(len(self.ts), np.bool_)
        found[self.taken_back] = True
        which: NDArray[np.bool_] = found[rows]
        return which

    def signs(self, rows: NDArray[np.intp]) -> NDArray[np.int8]:
        """The sign of each of these rows."""
        return np.where(self.takes_back(rows), np.int8(-1), np.int8(1))

    def passing(self, window: Window, at_paths: Sequence[tuple[str, Passing]]) -> NDArray[np.intp]:
        """The rows of a window that pass at every path; those of the first path are looked at first."""
        tests: list[tuple[Callable[[NDArray[Any]], NDArray[np.bool_]], NDArray[Any]]]
        tests = [(which.met, self.codes[path]) for path, which in at_paths]
        if (window.start is not None and window.start > self.first) or (
            window.end is not None and window.end <= self.last
        ):
            tests.append((window.holds, self.ts))
        (test, column), *others = tests
        met = test(column)
        rows: NDArray[np.intp] | None = None  # once they are few, the other tests look at those only
        for test, column in others:
            if rows is None and _are_few(met):
                rows = np.flatnonzero(met)
            if rows is None:
                met = met & test(column)  # what was looked up is not to be written to
            else:
                rows = rows[test(column[rows])]
        return np.flatnonzero(met) if rows is None else rows


class RowsNow(NamedTuple):
    """All rows at one moment that may be of a window, which may be looked through while others come."""

    window: Window
    blocks: list[BlockNow]
    groups: NDArray[np.uint64]
    subjects: NDArray[np.uint64]
    outcomes: list[str]
    buckets: NDArray[np.uint64]

    def select(self, at_paths: Sequence[tuple[str, Passing]]) -> SelectedRows:
        """The rows of the window that pass at every one of some paths, of one at least."""
        tests = sorted(at_paths, key=lambda each: each[1].share)
        chosen = []
        for block in self.blocks:
            rows = block.passing(self.window, tests)
            if len(rows):
                chosen.append((block, rows, block.group[rows]))
        return SelectedRows(chosen, self)


class SelectedRows:
    """Rows that were selected, as they were counted then."""

    def __init__(self, chosen: list[tuple[BlockNow, NDArray[np.intp], NDArray[np.uint32]]], of: RowsNow) -> None:
        self._chosen = chosen
        self._groups, self._subjects, self._outcomes, self._buckets = of.groups, of.subjects, of.outcomes, of.buckets
        self._size = len(of.groups)
        gone = [group[block.takes_back(rows)] for block, rows, group in chosen if len(block.taken_back)]
        self._found, self._events = _counted([group for _, _, group in chosen], gone, self._size)
        self._outcome, self._marked = self._of_groups(self._found)
        self._decided = decided(of.groups[self._found], of.outcomes)

    def _of_groups(self, found: NDArray[np.int64]) -> tuple[pa.DictionaryArray, NDArray[np.uint64]]:
        """The outcomes of groups and the keys of their subjects, 0 where these are not marked."""
        packed = self._groups[found]
        outcome = pa.array((packed % OUTCOMES).astype(np.int32))
        texts = pa.DictionaryArray.from_arrays(outcome, pa.array(self._outcomes, pa.string()))
        return texts, self._subjects[(packed // OUTCOMES).astype(np.intp)]

    def __len__(self) -> int:
        return sum(len(rows) for _, rows, _ in self._chosen)

    def groups(self, *, with_changes: bool) -> pa.Table:
        """The events in groups, with the columns of `GROUPS`; with when consensus changed, where that is asked for."""
        changed_at = self._changed_at() if with_changes else np.zeros(len(self._found), np.int64)
        columns = (self._outcome, self._marked, changed_at, self._events)
        return pa.table(dict(zip(GROUPS.names, columns, strict=True)), GROUPS)

    def _changed_at(self) -> NDArray[np.int64]:
        """When the consensus that events of marked subjects came with changed, at the latest of each group; else 0."""
        told = [(block.changed_at, rows, group) for block, rows, group in self._chosen if block.changed_at is not None]
        if not told:
            return np.zeros(len(self._found), np.int64)
        latest, is_marked = np.zeros(self._size, np.int64), self._by_group(self._marked != NO_SUBJECT)
        for changed_at, rows, group in told:
            of_marked = is_marked[group]
            np.maximum.at(latest, group[of_marked], changed_at[rows[of_marked]])
        return latest[self._found]

    def _by_group(self, wanted: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """The same by the numbers of groups, of what is said of each of `groups`."""
        found = np.zeros(self._size, np.bool_)
        found[self._found] = wanted
        return found

    def banded_groups(self) -> pa.Table:
        """The events in groups and by band, with the columns of `BANDED_GROUPS`."""
        alike = [group.astype(np.int64) * BANDS + block.band[rows] + 1 for block, rows, group in self._chosen]
        signs = [block.signs(rows).astype(np.int64) for block, rows, _ in self._chosen]
        if not alike:
            return BANDED_GROUPS.empty_table()
        different, events = summed(np.concatenate(alike), np.concatenate(signs))
        outcome, marked = self._of_groups(different // BANDS)
        columns = (outcome, (different % BANDS - 1).astype(np.int8), marked, events)
        return pa.table(dict(zip(BANDED_GROUPS.names, columns, strict=True)), BANDED_GROUPS)

    def of_buckets(self) -> BucketRows:
        """The rows themselves, in a job grouped by bucket."""
        decisions = list(dict.fromkeys(text.split("\0")[0] for text in self._outcomes))
        of_outcome = np.array([decisions.index(text.split("\0")[0]) for text in self._outcomes], np.int64)
        of_group = of_outcome[(self._groups % OUTCOMES).astype(np.intp)]
        return BucketRows(
            self._buckets,
            _joined([block.bucket[rows] for block, rows, _ in self._chosen], np.uint32),
            decisions,
            _joined([of_group[group] for _, _, group in self._chosen], np.int64),
            _joined([block.band[rows] for block, rows, _ in self._chosen], np.int8),
            _joined([block.signs(rows) for block, rows, _ in self._chosen], np.int8),
        )

    def bounds(self, passing: NDArray[np.bool_] | None = None) -> tuple[int, int] | None:
        """The first and the last ``@timestamp`` of decided events of those groups that pass; None where there are none.

        `passing` has an element for each of `groups`; None: all pass.
        """
        of_found = self._decided if passing is None else passing & self._decided
        # groups of which no event is left cancel as all that was taken back does: they need not be told apart
        wanted = None if of_found.all() else self._by_group(of_found)
        # a version that was taken back has the moment of what takes it back
        gone = [block.ts[rows[block.takes_back(rows)]] for block, rows in self._with_taken_back()]
        unsure = np.unique(np.concatenate(gone)) if gone else np.empty(0, np.int64)
        earliest, latest = self._edge(wanted, unsure, 1), self._edge(wanted, unsure, -1)
        if earliest is not None and latest is not None:
            unsure = unsure[(unsure < earliest) | (unsure > latest)]  # between them nothing changes these
        for ts in self._left(wanted, unsure):
            earliest = ts if earliest is None else min(ts, earliest)
            latest = ts if latest is None else max(ts, latest)
        return None if earliest is None or latest is None else (earliest, latest)

    def _with_taken_back(self) -> Iterator[tuple[BlockNow, NDArray[np.intp]]]:
        return ((block, rows) for block, rows, _ in self._chosen if len(block.taken_back))

    def _edge(self, wanted: NDArray[np.bool_] | None, unsure: NDArray[np.int64], order: int) -> int | None:
        """The first moment in an order of time, 1 or -1, but for those that are not sure."""
        best: int | None = None
        blocks = sorted(self._chosen, key=lambda each: each[0].first if order > 0 else -each[0].last)
        for block, rows, group in blocks:
            nearest = block.first if order > 0 else block.last
            if best is not None and order * nearest >= order * best:
                break
            ts = block.ts[rows if wanted is None else rows[wanted[group]]]
            doubted = _within(unsure, block)
            if len(doubted):
                ts = ts[~np.isin(ts, doubted)]
            if len(ts):
                found = int(ts.min() if order > 0 else ts.max())
                best = found if best is None or order * found < order * best else best
        return best

    def _left(self, wanted: NDArray[np.bool_] | None, unsure: NDArray[np.int64]) -> list[int]:
        """Those moments among these that events are left of."""
        if not len(unsure):
            return []
        left = np.zeros(len(unsure), np.int64)
        for block, rows, group in self._chosen:
            if not len(_within(unsure, block)):
                continue
            of_wanted = rows if wanted is None else rows[wanted[group]]
            among = of_wanted[np.isin(block.ts[of_wanted], unsure)]
            sign = block.signs(among)
            np.add.at(left, np.searchsorted(unsure, block.ts[among]), sign)
        moments: list[int] = unsure[left > 0].tolist()
        return moments


def decided(groups: NDArray[np.uint64], outcomes: Sequence[str]) -> NDArray[np.bool_]:
    """Whether the events of each of these groups are decided."""
    of_outcome = np.array([not text.startswith("\0") for text in outcomes], np.bool_)
    found: NDArray[np.bool_] = of_outcome[(groups % OUTCOMES).astype(np.intp)]
    return found


def _within(moments: NDArray[np.int64], block: BlockNow) -> NDArray[np.int64]:
    """Those of sorted moments that rows of a block may have."""
    return moments[np.searchsorted(moments, block.first) : np.searchsorted(moments, block.last, "right")]


def _are_few(met: NDArray[np.bool_]) -> bool:
    """Whether it is faster to look at these rows alone than at all of them again."""
    return int(np.count_nonzero(met)) * _MANY < len(met)


def _joined(parts: list[NDArray[Any]], kind: type[np.generic]) -> NDArray[Any]:
    return np.concatenate(parts) if parts else np.empty(0, kind)


def _counted(
    groups: list[NDArray[np.uint32]], taken_back: list[NDArray[np.uint32]], size: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The groups of rows that have events, and how many; those of rows that take others back are named in both."""
    every, gone = _joined(groups, np.uint32), _joined(taken_back, np.uint32)
    if len(every) * _MANY < size:
        found, counts = np.unique(every, return_counts=True)
        counts -= 2 * np.bincount(np.searchsorted(found, gone), minlength=len(found))
        standing = np.flatnonzero(counts)
        return found[standing].astype(np.int64), counts[standing].astype(np.int64)
    counts = np.bincount(every, minlength=size)
    if len(gone):
        counts -= 2 * np.bincount(gone, minlength=size)
    standing = np.flatnonzero(counts)
    return standing.astype(np.int64), counts[standing].astype(np.int64)
