"""Versions of a job's events in a few bytes each, with numbers for what stands at some paths of their documents.

A filter on such a path is put to the different values once; which events pass is then told from their numbers. Where
hardly two values are alike, rows have the values themselves, as doubles, NaN where nothing stands. Rows stand in
blocks, in the order in which they came, so that what a block has no part in costs nothing.

Times are microseconds since 1970. Tables are arrow's, arrays numpy's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import pyarrow as pa

from trueline.metrics.growing import Codes, GroupedRows, Numbers
from trueline.metrics.selected_rows import NO_SUBJECT, OUTCOMES, BlockNow, RowsNow, decided

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from trueline.metrics.hours import Window
    from trueline.metrics.passing import Passing

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
_ROWS_OF_A_BLOCK: Final = 1 << 18
_MOST_BITS: Final = 24
_NARROWEST: Final = (np.uint8, np.uint16, np.uint32)


class Moment(NamedTuple):
    """Events of one marked subject at one moment."""

    subject_key: int
    ts: int
    events: int


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
        self.codes: dict[str, NDArray[Any]] = {path: np.zeros(_ROWS_OF_A_BLOCK, np.uint8) for path in paths}
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
        codes: Mapping[str, NDArray[Any]],
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

    def put(self, path: str, rows: slice | NDArray[np.int64], numbers: NDArray[Any]) -> None:
        """Set the numbers, or the values, of some rows at a path, in as few bytes as they fit into."""
        if not len(numbers):
            return
        codes = self.codes[path]
        if numbers.dtype.kind == "f":
            if codes.dtype.kind != "f":  # no row was set yet
                codes = np.full(_ROWS_OF_A_BLOCK, np.nan, np.float32)
            if codes.dtype == np.float32 and not _are_short(numbers):
                codes = codes.astype(np.float64)
        elif (highest := int(numbers.max(initial=0))) > np.iinfo(codes.dtype).max:
            codes = codes.astype(_fitting(highest))
        self.codes[path] = codes
        codes[rows] = numbers

    def renumber(self, path: str, places: NDArray[Any]) -> None:
        """Put other numbers, or values, in the place of a path's numbers."""
        if places.dtype.kind == "f":
            values = places[self.codes[path]]
            self.codes[path] = values.astype(np.float32) if _are_short(values) else values
        else:
            self.codes[path] = places.astype(_fitting(int(places.max())))[self.codes[path]]

    def overlaps(self, window: Window) -> bool:
        """Whether any row may be of a window."""
        return (window.end is None or self.first < window.end) and (window.start is None or self.last >= window.start)

    def now(self) -> BlockNow:
        """What it is now, whatever comes."""
        size = self.size
        return BlockNow(
            self.ts[:size],
            self.group[:size],
            self.band[:size],
            self.bucket[:size],
            None if self.changed_at is None else self.changed_at[:size],
            self.taken_back,
            {path: codes[:size] for path, codes in self.codes.items()},
            self.first,
            self.last,
        )


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
        self._subjects.add(np.array([NO_SUBJECT]))
        self._subjects.add(np.unique(marked))
        self._of_marked = GroupedRows(row=np.int64)  # by the number of the subject
        self._blocks: list[_Block] = []

    def __len__(self) -> int:
        return sum(block.size for block in self._blocks)

    @property
    def nbytes(self) -> int:
        """The memory that it takes."""
        return sum(block.nbytes for block in self._blocks) + _BYTES_A_MARKED_ROW * len(self._of_marked)

    def nbytes_of(self, path: str) -> int:
        """The memory that the numbers, or values, at a path take of it."""
        return sum(block.codes[path].nbytes for block in self._blocks)

    def bytes_a_row(self, path: str) -> int:
        """How many bytes a number, or value, at a path takes where it takes most."""
        return max((block.codes[path].itemsize for block in self._blocks), default=1)

    @property
    def taken_back(self) -> int:
        """How many of the rows take others back."""
        return sum(len(block.taken_back) for block in self._blocks)

    @property
    def paths(self) -> tuple[str, ...]:
        """Those whose numbers it has."""
        return tuple(self._paths)

    def append(self, events: pa.Table, codes: Mapping[str, NDArray[Any]]) -> None:
        """Add versions of events, with the columns of `CODED`, and the numbers, or values, at every path."""
        columns = {name: events[name].to_numpy() for name in CODED.names if name != "outcome"}
        outcome = self._outcomes.of(events["outcome"].combine_chunks())
        subject = np.maximum(self._subjects.find(columns["subject_key"]), 0)
        group = self._groups.add((subject * OUTCOMES + outcome).astype(np.uint64))
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
                outcome = self._groups.numbers[block.group[rows]] % OUTCOMES
                block.group = block.group.copy()  # somebody may be looking through it
                block.group[rows] = self._groups.add(number[at].astype(np.uint64) * np.uint64(OUTCOMES) + outcome)
                self._of_marked.append(number[at], row=place * _ROWS_OF_A_BLOCK + rows)

    def add(self, path: str) -> None:
        """Have numbers, or values, at one more path: 0, or NaN, until they are `put`."""
        self._paths.append(path)
        for block in self._blocks:
            block.codes[path] = np.zeros(_ROWS_OF_A_BLOCK, np.uint8)

    def put(self, path: str, begin: int, numbers: NDArray[Any]) -> None:
        """Set the numbers, or values, at a path, of rows that follow each other."""
        while len(numbers):
            block, row = divmod(begin, _ROWS_OF_A_BLOCK)
            size = min(_ROWS_OF_A_BLOCK - row, len(numbers))
            self._blocks[block].put(path, slice(row, row + size), numbers[:size])
            begin, numbers = begin + size, numbers[size:]

    def put_versions(
        self, path: str, window: Window | None, versions: NDArray[np.uint64], numbers: NDArray[Any]
    ) -> None:
        """Set the numbers, or values, at a path, of the rows that set these versions or take them back.

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
            elif block.overlaps(window):
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
        """Forget the numbers, or values, at a path."""
        self._paths.remove(path)
        for block in self._blocks:
            del block.codes[path]

    def renumber(self, path: str, places: NDArray[Any]) -> None:
        """Put other numbers, or values, in the place of a path's numbers: `places` has them, by what they were."""
        for block in self._blocks:
            block.renumber(path, places)

    def now(self, window: Window) -> RowsNow:
        """All rows that may be of a window as they are now; made at once, however many there are."""
        return RowsNow(
            window,
            [block.now() for block in self._blocks if block.overlaps(window)],
            self._groups.numbers,
            self._subjects.numbers,
            list(self._outcomes.texts),
            self._buckets.numbers,
        )

    def moments(
        self, subjects: NDArray[np.uint64], window: Window, at_paths: Sequence[tuple[str, Passing]], most: int
    ) -> list[Moment]:
        """When decided events happened of marked subjects that are of a window and pass.

        Args:
            subjects: The keys of the subjects.
            window: When they happened.
            at_paths: As in `RowsNow.select`.
            most: Rows of each subject that are looked at, the latest, and all that are level with the last of them.
        """
        is_decided = decided(self._groups.numbers, self._outcomes.texts)

        def met(block: BlockNow, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
            wanted = window.holds(block.ts[rows]) & is_decided[block.group[rows]]
            for path, which in at_paths:
                wanted &= which.met(block.codes[path][rows])
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
        met: Callable[[BlockNow, NDArray[np.int64]], NDArray[np.bool_]],
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


def _are_short(values: NDArray[np.floating]) -> bool:
    """Whether half the bytes of a double say the same."""
    return np.array_equal(values.astype(np.float32), values, equal_nan=True)
