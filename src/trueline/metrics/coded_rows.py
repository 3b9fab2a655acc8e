"""Versions of a job's events in a few bytes each, with numbers for what stands at some paths of their documents.

A filter on such a path is put to the different values once; which events pass is then told from their numbers. Rows
stand in blocks, in the order in which they came, so that what a block has no part in costs nothing.

Times are microseconds since 1970. Tables are arrow's, arrays numpy's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import pyarrow as pa

from trueline.metrics.groups import GROUPS
from trueline.metrics.growing import Codes, GroupedRows, Numbers
from trueline.metrics.reviewed_events import BANDED_GROUPS, BANDS, summed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from trueline.metrics.hours import Window

CODED: Final = pa.schema(
    [
        ("version", pa.uint64()),
        ("subject_key", pa.uint64()),
        ("ts", pa.int64()),
        ("outcome", pa.string()),
        ("consensus_changed_at", pa.int64()),
        ("band", pa.int8()),
        ("sign", pa.int8()),
    ]
)
"""Versions of events: set with a sign of 1, taken back with -1. The outcome is as in `tally.EVENTS`, the band as in
`reviewed_events.BANDED`.

No two versions of a job have the same number, but for one that is set and taken back."""

BYTES_A_ROW: Final = 25
"""Without the numbers of paths, and without when a consensus changed, which few rows have."""

_BYTES_A_MARKED_ROW: Final = 24
_NO_SUBJECT: Final = np.uint64(0)
_OUTCOMES: Final = 1 << 24
"""More than there are pairs of labels, so that a subject and an outcome make one number."""
_ROWS_OF_A_BLOCK: Final = 1 << 18
_FEW: Final = 6
"""Ranges of numbers that are compared with one after the other; more are looked up."""
_MOST_BITS: Final = 24
_NARROWEST: Final = (np.uint8, np.uint16, np.uint32)


class Moment(NamedTuple):
    """Events of one marked subject at one moment."""

    subject_key: int
    ts: int
    events: int


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


class _Block:
    """Rows that came one after the other."""

    __slots__ = (
        "band",
        "bucket",
        "changed_at",
        "codes",
        "first",
        "group",
        "last",
        "size",
        "taken_back",
        "ts",
        "version",
    )

    def __init__(self, paths: Sequence[str], *, by_bucket: bool) -> None:
        self.size = 0
        self.ts = np.empty(_ROWS_OF_A_BLOCK, np.int64)
        self.version = np.empty(_ROWS_OF_A_BLOCK, np.uint64)
        self.group = np.empty(_ROWS_OF_A_BLOCK, np.uint32)
        self.band = np.empty(_ROWS_OF_A_BLOCK, np.int8)
        self.bucket = np.empty(_ROWS_OF_A_BLOCK if by_bucket else 0, np.uint32)
        self.changed_at: NDArray[np.int64] | None = None  # where any row came with a consensus
        self.taken_back = np.empty(0, np.int64)  # the rows with a sign of -1
        self.codes: dict[str, NDArray[np.unsignedinteger]] = {
            path: np.zeros(_ROWS_OF_A_BLOCK, np.uint8) for path in paths
        }
        self.first = self.last = 0

    @property
    def room(self) -> int:
        return _ROWS_OF_A_BLOCK - self.size

    @property
    def nbytes(self) -> int:
        fixed: list[NDArray[Any]] = [self.ts, self.version, self.group, self.band, self.bucket, *self.codes.values()]
        return sum(column.nbytes for column in fixed) + (0 if self.changed_at is None else self.changed_at.nbytes)

    def append(
        self,
        rows: slice,
        events: Mapping[str, NDArray[Any]],
        group: NDArray[np.int64],
        bucket: NDArray[np.int64],
        codes: Mapping[str, NDArray[np.uint32]],
    ) -> None:
        before, size = self.size, self.size + rows.stop - rows.start
        ts, changed_at, sign = (events[name][rows] for name in ("ts", "consensus_changed_at", "sign"))
        self.ts[before:size] = ts
        self.version[before:size] = events["version"][rows]
        self.group[before:size] = group[rows]
        self.band[before:size] = events["band"][rows]
        if len(self.bucket):
            self.bucket[before:size] = bucket[rows]
        if self.changed_at is None and changed_at.any():
            self.changed_at = np.zeros(_ROWS_OF_A_BLOCK, np.int64)
        if self.changed_at is not None:
            self.changed_at[before:size] = changed_at
        self.taken_back = np.concatenate([self.taken_back, before + np.flatnonzero(sign < 0)])
        for path, numbers in codes.items():
            self.put(path, slice(before, size), numbers[rows])
        self.first = int(ts.min()) if not before else min(self.first, int(ts.min()))
        self.last = int(ts.max()) if not before else max(self.last, int(ts.max()))
        self.size = size

    def put(self, path: str, rows: slice | NDArray[np.int64], numbers: NDArray[np.uint32]) -> None:
        """Set the numbers of some rows at a path, in as few bytes as they fit into."""
        codes, highest = self.codes[path], int(numbers.max(initial=0))
        if highest > np.iinfo(codes.dtype).max:
            codes = self.codes[path] = codes.astype(_fitting(highest))
        codes[rows] = numbers

    def renumber(self, path: str, places: NDArray[np.uint32]) -> None:
        """Put other numbers in the place of a path's."""
        self.codes[path] = places.astype(_fitting(int(places.max())))[self.codes[path]]

    def now(self) -> _BlockNow:
        """What it is now, whatever comes."""
        size, none = self.size, self.changed_at is None
        return _BlockNow(
            self.ts[:size],
            self.group[:size],
            self.band[:size],
            self.bucket[:size],
            None if none or self.changed_at is None else self.changed_at[:size],
            self.taken_back,
            {path: codes[:size] for path, codes in self.codes.items()},
            self.first,
            self.last,
        )


class _BlockNow(NamedTuple):
    """The rows of a block at one moment: nothing that they say is changed in place."""

    ts: NDArray[np.int64]
    group: NDArray[np.uint32]
    band: NDArray[np.int8]
    bucket: NDArray[np.uint32]
    changed_at: NDArray[np.int64] | None
    taken_back: NDArray[np.int64]
    codes: dict[str, NDArray[np.unsignedinteger]]
    first: int
    last: int

    def overlaps(self, window: Window) -> bool:
        """Whether any row may be of a window."""
        return (window.end is None or self.first < window.end) and (window.start is None or self.last >= window.start)

    def takes_back(self, rows: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Which of these rows take others back."""
        found = np.zeros(len(self.ts), np.bool_)
        found[self.taken_back] = True
        which: NDArray[np.bool_] = found[rows]
        return which

    def signs(self, rows: NDArray[np.intp]) -> NDArray[np.int8]:
        """The sign of each of these rows."""
        return np.where(self.takes_back(rows), np.int8(-1), np.int8(1))

    def passing(self, window: Window, passing: Mapping[str, _Passing]) -> NDArray[np.intp]:
        """The rows of a window whose numbers pass at every path."""
        met = [which.met(self.codes[path]) for path, which in passing.items()]
        if (window.start is not None and window.start > self.first) or (
            window.end is not None and window.end <= self.last
        ):
            met.append(window.holds(self.ts))
        for other in met[1:]:
            met[0] &= other
        return np.flatnonzero(met[0])


class CodedRows:
    """All versions of one job's events. Not for several threads at once."""

    def __init__(self, paths: Sequence[str], marked: NDArray[np.uint64], *, by_bucket: bool) -> None:
        """Without a row.

        Args:
            paths: Whose numbers rows come with.
            marked: The keys of subjects whose events are told apart by subject.
            by_bucket: Whether a subject is a bucket: then the bucket of each row is kept.
        """
        self._paths = list(paths)
        self.by_bucket = by_bucket
        self._buckets = Numbers()
        self._outcomes = Codes()
        self._groups = Numbers()  # subject and outcome, packed
        self._subjects = Numbers()
        self._subjects.add(np.array([_NO_SUBJECT]))
        self._subjects.add(np.unique(marked))
        self._of_marked = GroupedRows(row=np.int64)  # by the number of the subject
        self._blocks: list[_Block] = []

    def __len__(self) -> int:
        return sum(block.size for block in self._blocks)

    @property
    def nbytes(self) -> int:
        """The memory that it takes."""
        return sum(block.nbytes for block in self._blocks) + _BYTES_A_MARKED_ROW * len(self._of_marked)

    @property
    def taken_back(self) -> int:
        """How many of the rows take others back."""
        return sum(len(block.taken_back) for block in self._blocks)

    @property
    def paths(self) -> tuple[str, ...]:
        """Those whose numbers it has."""
        return tuple(self._paths)

    def append(self, events: pa.Table, codes: Mapping[str, NDArray[np.uint32]]) -> None:
        """Add versions of events, with the columns of `CODED`, and the numbers at every path."""
        columns = {name: events[name].to_numpy() for name in CODED.names if name != "outcome"}
        outcome = self._outcomes.of(events["outcome"].combine_chunks())
        subject = np.maximum(self._subjects.find(columns["subject_key"]), 0)
        group = self._groups.add((subject * _OUTCOMES + outcome).astype(np.uint64))
        bucket = self._buckets.add(columns["subject_key"]) if self.by_bucket else group
        begin = len(self)
        done = 0
        while done < len(group):
            if not self._blocks or not self._blocks[-1].room:
                self._blocks.append(_Block(self._paths, by_bucket=self.by_bucket))
            rows = slice(done, min(done + self._blocks[-1].room, len(group)))
            self._blocks[-1].append(rows, columns, group, bucket, codes)
            done = rows.stop
        of_marked = np.flatnonzero(subject)
        self._of_marked.append(subject[of_marked], row=begin + of_marked)

    def unmarked(self, keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """Those of the subjects whose events are not told apart."""
        return keys[self._subjects.find(keys) < 0]

    def mark(self, keys: NDArray[np.uint64], subject_keys: NDArray[np.uint64], versions: NDArray[np.uint64]) -> None:
        """Tell the events of subjects apart by subject from now on; of those that are marked already nothing changes.

        Args:
            keys: Of the subjects.
            subject_keys: Of their versions, each named once or twice,
            versions: and these.
        """
        keys = self.unmarked(keys)
        number = self._subjects.add(keys)
        if self.by_bucket:
            bucket = self._buckets.find(keys)
            is_among: _Among | _AmongBuckets = _AmongBuckets(bucket[bucket >= 0], len(self._buckets))
            number = number[bucket >= 0]
        else:
            new = np.flatnonzero(np.isin(subject_keys, keys))
            order = new[np.argsort(versions[new])]
            is_among, number = _Among(versions[order]), self._subjects.find(subject_keys[order])
        if not len(number):
            return
        for place, block in enumerate(self._blocks):
            rows, at = is_among.rows(block)
            if len(rows):
                outcome = self._groups.numbers[block.group[rows]] % _OUTCOMES
                block.group = block.group.copy()  # somebody may be looking through it
                block.group[rows] = self._groups.add(number[at].astype(np.uint64) * np.uint64(_OUTCOMES) + outcome)
                self._of_marked.append(number[at], row=place * _ROWS_OF_A_BLOCK + rows)

    def add(self, path: str) -> None:
        """Have numbers at one more path: 0 until they are `put`."""
        self._paths.append(path)
        for block in self._blocks:
            block.codes[path] = np.zeros(_ROWS_OF_A_BLOCK, np.uint8)

    def put(self, path: str, begin: int, numbers: NDArray[np.uint32]) -> None:
        """Set the numbers at a path, of rows that follow each other."""
        while len(numbers):
            block, row = divmod(begin, _ROWS_OF_A_BLOCK)
            size = min(_ROWS_OF_A_BLOCK - row, len(numbers))
            self._blocks[block].put(path, slice(row, row + size), numbers[:size])
            begin, numbers = begin + size, numbers[size:]

    def put_versions(
        self, path: str, window: Window | None, versions: NDArray[np.uint64], numbers: NDArray[np.uint32]
    ) -> None:
        """Set the numbers at a path, of the rows that set these versions or take them back.

        All other rows keep what they had: those whose versions the store has let go of cancel anyway.

        Args:
            path: Which.
            window: In which they are; None: not known.
            versions: Of the rows.
            numbers: One for each.
        """
        order = np.argsort(versions)
        among, numbers = _Among(versions[order]), numbers[order]
        for block in self._blocks:
            if window is None:
                rows, at = among.rows(block)
            elif block.now().overlaps(window):
                inside = np.flatnonzero(window.holds(block.ts[: block.size]))
                at = among.places(block.version[inside])
                rows, at = inside[at >= 0], at[at >= 0]
            else:
                continue
            block.put(path, rows, numbers[at])

    def standing(self, versions: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Whether there are rows that set these versions and none that take them back."""
        order = np.argsort(versions)
        left = np.zeros(len(versions), np.int64)
        among = _Among(versions[order])
        for block in self._blocks:
            rows, at = among.rows(block)
            np.add.at(left, order[at], block.now().signs(rows))
        return left > 0

    def drop(self, path: str) -> None:
        """Forget the numbers at a path."""
        self._paths.remove(path)
        for block in self._blocks:
            del block.codes[path]

    def renumber(self, path: str, places: NDArray[np.uint32]) -> None:
        """Put other numbers in the place of a path's: `places` has them, by what they were."""
        for block in self._blocks:
            block.renumber(path, places)

    def now(self) -> RowsNow:
        """All rows as they are now; made at once, however many there are."""
        return RowsNow(
            [block.now() for block in self._blocks],
            self._groups.numbers,
            self._subjects.numbers,
            list(self._outcomes.texts),
            self._buckets.numbers,
        )

    def moments(
        self, subjects: NDArray[np.uint64], window: Window, passing: Mapping[str, NDArray[np.bool_]], most: int
    ) -> list[Moment]:
        """When decided events happened of marked subjects that are of a window and pass.

        Args:
            subjects: The keys of the subjects.
            window: As in `RowsNow.select`.
            passing: Likewise.
            most: Rows of each subject that are looked at, the latest, and all that are level with the last of them.
        """
        decided = np.array([not text.startswith("\0") for text in self._outcomes.texts], np.bool_)
        is_decided = decided[(self._groups.numbers % _OUTCOMES).astype(np.intp)]

        def met(block: _BlockNow, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
            wanted = window.holds(block.ts[rows]) & is_decided[block.group[rows]]
            for path, which in passing.items():
                wanted &= which[block.codes[path][rows]]
            return wanted

        numbers = np.unique(self._subjects.find(subjects))
        found = []
        for number in numbers[numbers > 0].tolist():
            place = self._of_marked["row"][self._of_marked.of(np.array([number]))]
            found += self._moments_of(int(self._subjects.numbers[number]), place, met, most)
        return found

    def _moments_of(
        self,
        subject: int,
        place: NDArray[np.int64],
        met: Callable[[_BlockNow, NDArray[np.int64]], NDArray[np.bool_]],
        most: int,
    ) -> list[Moment]:
        moments, signs = [np.empty(0, np.int64)], [np.empty(0, np.int8)]
        for number in np.unique(place // _ROWS_OF_A_BLOCK).tolist():
            block = self._blocks[number].now()
            rows = place[place // _ROWS_OF_A_BLOCK == number] % _ROWS_OF_A_BLOCK
            rows = rows[met(block, rows)]
            moments.append(block.ts[rows])
            signs.append(block.signs(rows))
        ts, sign = np.concatenate(moments), np.concatenate(signs)
        if len(ts) > most:  # what takes a version back has its moment, so no half of the two is left out
            latest = ts >= np.partition(ts, -most)[-most]
            ts, sign = ts[latest], sign[latest]
        different, which_one = np.unique(ts, return_inverse=True)
        events = np.bincount(which_one, sign, len(different)).astype(np.int64)
        left = events > 0
        return [Moment(subject, *each) for each in zip(different[left].tolist(), events[left].tolist(), strict=True)]


class RowsNow(NamedTuple):
    """All rows at one moment, which may be looked through while others come."""

    blocks: list[_BlockNow]
    groups: NDArray[np.uint64]
    subjects: NDArray[np.uint64]
    outcomes: list[str]
    buckets: NDArray[np.uint64]

    def select(self, window: Window, passing: Mapping[str, NDArray[np.bool_]]) -> SelectedRows:
        """The rows of a window that pass at every one of some paths, of one at least.

        `passing` says of each number at a path whether it passes.
        """
        tests = {path: _Passing(which) for path, which in passing.items()}
        chosen = []
        for block in self.blocks:
            if block.overlaps(window):
                rows = block.passing(window, tests)
                if len(rows):
                    chosen.append((block, rows, block.group[rows]))
        return SelectedRows(chosen, self)


class SelectedRows:
    """Rows that were selected, as they were counted then."""

    def __init__(self, chosen: list[tuple[_BlockNow, NDArray[np.intp], NDArray[np.uint32]]], of: RowsNow) -> None:
        self._chosen = chosen
        groups, self._groups, self._subjects = of.groups, of.groups, of.subjects
        outcomes, self._outcomes, self._buckets = of.outcomes, of.outcomes, of.buckets
        self._size = len(groups)
        counts = _counted([group for _, _, group in chosen], self._size)
        for block, rows, group in chosen:
            if len(block.taken_back):
                counts -= 2 * np.bincount(group[block.takes_back(rows)], minlength=self._size)
        self._found = np.flatnonzero(counts)
        self._events = counts[self._found]
        self._outcome, self._marked = self._of_groups(self._found)
        decided = np.array([not text.startswith("\0") for text in outcomes], np.bool_)
        self._decided = decided[(groups[self._found] % _OUTCOMES).astype(np.intp)]

    def _of_groups(self, found: NDArray[np.int64]) -> tuple[pa.Array, NDArray[np.uint64]]:
        """The outcomes of groups and the keys of their subjects, 0 where these are not marked."""
        packed = self._groups[found]
        outcome = pa.array((packed % _OUTCOMES).astype(np.int32))
        texts = pa.DictionaryArray.from_arrays(outcome, pa.array(self._outcomes, pa.string())).cast(pa.string())
        return texts, self._subjects[(packed // _OUTCOMES).astype(np.intp)]

    def __len__(self) -> int:
        return sum(len(rows) for _, rows, _ in self._chosen)

    def groups(self, *, with_changes: bool) -> pa.Table:
        """The events in groups, with the columns of `GROUPS`; with when consensus changed, where that is asked for."""
        changed_at = np.zeros(self._size, np.int64)
        if with_changes:
            is_marked = np.zeros(self._size, np.bool_)
            is_marked[self._found] = self._marked != _NO_SUBJECT
            for block, rows, group in self._chosen:
                if block.changed_at is not None:
                    of_marked = is_marked[group]
                    np.maximum.at(changed_at, group[of_marked], block.changed_at[rows[of_marked]])
        columns = (self._outcome, self._marked, changed_at[self._found], self._events)
        return pa.table(dict(zip(GROUPS.names, columns, strict=True)), GROUPS)

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
        of_group = of_outcome[(self._groups % _OUTCOMES).astype(np.intp)]
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
        wanted = np.zeros(self._size, np.bool_)
        wanted[self._found] = self._decided if passing is None else passing & self._decided
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

    def _with_taken_back(self) -> Iterator[tuple[_BlockNow, NDArray[np.intp]]]:
        return ((block, rows) for block, rows, _ in self._chosen if len(block.taken_back))

    def _edge(self, wanted: NDArray[np.bool_], unsure: NDArray[np.int64], order: int) -> int | None:
        """The first moment in an order of time, 1 or -1, but for those that are not sure."""
        best: int | None = None
        blocks = sorted(self._chosen, key=lambda each: each[0].first if order > 0 else -each[0].last)
        for block, rows, group in blocks:
            nearest = block.first if order > 0 else block.last
            if best is not None and order * nearest >= order * best:
                break
            ts = block.ts[rows[wanted[group]]]
            doubted = _within(unsure, block)
            if len(doubted):
                ts = ts[~np.isin(ts, doubted)]
            if len(ts):
                found = int(ts.min() if order > 0 else ts.max())
                best = found if best is None or order * found < order * best else best
        return best

    def _left(self, wanted: NDArray[np.bool_], unsure: NDArray[np.int64]) -> list[int]:
        """Those moments among these that events are left of."""
        if not len(unsure):
            return []
        left = np.zeros(len(unsure), np.int64)
        for block, rows, group in self._chosen:
            if not len(_within(unsure, block)):
                continue
            of_wanted = rows[wanted[group]]
            among = of_wanted[np.isin(block.ts[of_wanted], unsure)]
            sign = block.signs(among)
            np.add.at(left, np.searchsorted(unsure, block.ts[among]), sign)
        moments: list[int] = unsure[left > 0].tolist()
        return moments


def _within(moments: NDArray[np.int64], block: _BlockNow) -> NDArray[np.int64]:
    """Those of sorted moments that rows of a block may have."""
    return moments[np.searchsorted(moments, block.first) : np.searchsorted(moments, block.last, "right")]


class _Among:
    """Finds the rows of some numbers, sorted, among many."""

    def __init__(self, numbers: NDArray[np.uint64]) -> None:
        self._numbers = numbers
        # hashed, as most numbers of one time begin alike
        self._maybe = np.zeros(1 << min(len(numbers).bit_length() + 7, _MOST_BITS), np.bool_)
        self._maybe[self._hashed(numbers)] = True

    def _hashed(self, numbers: NDArray[np.uint64]) -> NDArray[np.intp]:
        # the golden ratio's bits spread numbers that follow each other (Knuth, The Art of Computer Programming 3, 6.4)
        shift = np.uint64(65 - len(self._maybe).bit_length())
        return (numbers * np.uint64(0x9E3779B97F4A7C15) >> shift).astype(np.intp)

    def places(self, numbers: NDArray[np.uint64]) -> NDArray[np.intp]:
        """The place of each of these among them; -1 where it is not."""
        at = np.minimum(np.searchsorted(self._numbers, numbers), len(self._numbers) - 1)
        return np.where(self._numbers[at] == numbers, at, -1)

    def rows(self, block: _Block) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """The rows of a block with one of them for a version, and the place of each among them."""
        numbers = block.version[: block.size]
        if not len(numbers) or not len(self._numbers):
            return np.empty(0, np.intp), np.empty(0, np.intp)
        if numbers.max() < self._numbers[0] or numbers.min() > self._numbers[-1]:
            return np.empty(0, np.intp), np.empty(0, np.intp)
        maybe = np.flatnonzero(self._maybe[self._hashed(numbers)])
        at = self.places(numbers[maybe])
        return maybe[at >= 0], at[at >= 0]


class _AmongBuckets:
    """Finds the rows of some buckets, by their numbers."""

    def __init__(self, buckets: NDArray[np.int64], size: int) -> None:
        self._buckets = buckets
        self._places = np.full(size, -1, np.int32)
        self._places[buckets] = np.arange(len(buckets))

    def rows(self, block: _Block) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """The rows of a block that are of one of them, and the place of each among them."""
        bucket = block.bucket[: block.size]
        if len(self._buckets) == 1:
            found = np.flatnonzero(bucket == self._buckets[0])
            return found, np.zeros(len(found), np.intp)
        place = self._places[bucket]
        found = np.flatnonzero(place >= 0)
        return found, place[found].astype(np.intp)


def _fitting(highest: int) -> type[np.unsignedinteger]:
    return next(kind for kind in _NARROWEST if highest <= np.iinfo(kind).max)


class _Passing:
    """Tells which numbers pass: by comparing where those that do lie in few ranges, which is several times faster."""

    def __init__(self, passing: NDArray[np.bool_]) -> None:
        self._passing = passing
        edges = np.flatnonzero(np.diff(passing, prepend=False, append=False))
        self._ranges: list[list[int]] | None = None if len(edges) > 2 * _FEW else edges.reshape(-1, 2).tolist()

    def met(self, codes: NDArray[np.unsignedinteger]) -> NDArray[np.bool_]:
        """Whether each of these passes."""
        if self._ranges is None:
            looked_up: NDArray[np.bool_] = self._passing[codes]
            return looked_up
        highest, number = np.iinfo(codes.dtype).max, codes.dtype.type
        found: NDArray[np.bool_] | None = None
        for begin, end in self._ranges:
            if begin > highest:
                continue
            last = min(end - 1, highest)
            if begin == last:
                met = codes == number(begin)
            elif begin == 0:
                met = codes <= number(last)
            else:  # a number below the range wraps around to beyond it
                met = codes - number(begin) <= number(last - begin)
            found = met if found is None else np.logical_or(found, met, out=found)
        return np.zeros(len(codes), np.bool_) if found is None else found


def _joined(parts: list[NDArray[Any]], kind: type[np.generic]) -> NDArray[Any]:
    return np.concatenate(parts) if parts else np.empty(0, kind)


def _counted(groups: list[NDArray[np.uint32]], size: int) -> NDArray[np.int64]:
    if not groups:
        return np.zeros(size, np.int64)
    counted: NDArray[np.int64] = np.bincount(np.concatenate(groups), minlength=size).astype(np.int64)
    return counted
