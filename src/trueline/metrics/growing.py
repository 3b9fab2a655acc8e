"""Columns in memory that grow: rows that are added, numbers and texts that keep coming back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

_NONE = -1
_MANY = 10_000
_STEPS = 16


class Columns:
    """Arrays that grow together, one element a row; each answers to its name."""

    def __init__(self, kinds: dict[str, type[np.generic]]) -> None:
        self._arrays: dict[str, NDArray[Any]] = {name: np.empty(64, kind) for name, kind in kinds.items()}
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, name: str) -> NDArray[Any]:
        """A view: what is set in it is set in the rows."""
        return self._arrays[name][: self._size]

    def append(self, size: int, **columns: NDArray[Any] | int) -> None:
        """Add so many rows; a number stands for a column that is the same in all."""
        needed = self._size + size
        for name, array in self._arrays.items():
            if needed > len(array):
                grown = np.empty(max(needed, 2 * len(array)), array.dtype)
                grown[: self._size] = array[: self._size]
                self._arrays[name] = grown
            self._arrays[name][self._size : needed] = columns[name]
        self._size = needed


def columns_of(**kinds: type[np.generic]) -> Columns:
    """Columns of these names and kinds, without a row."""
    return Columns(kinds)


class GroupedRows:
    """Rows that each belong to a group, numbered from 0; those of some groups are found without a look at the others.

    An index of the rows by group is made anew whenever a quarter of them has come since; the latest are looked through.
    """

    def __init__(self, **kinds: type[np.generic]) -> None:
        self._columns = columns_of(group=np.int64, **kinds)
        self._indexed = np.empty(0, np.int64)  # rows in the order of their groups
        self._starts = np.zeros(1, np.int64)  # where each group's rows begin in that

    def __len__(self) -> int:
        return len(self._columns)

    def __getitem__(self, name: str) -> NDArray[Any]:
        """A view: what is set in it is set in the rows."""
        return self._columns[name]

    @property
    def group(self) -> NDArray[np.int64]:
        """The group of each row."""
        return self._columns["group"]

    def append(self, group: NDArray[np.int64], **columns: NDArray[Any]) -> None:
        """Add rows."""
        self._columns.append(len(group), group=group, **columns)
        if len(self) > 1_000 + len(self._indexed) * 5 // 4:
            self._indexed = np.argsort(self.group, kind="stable")
            self._starts = np.searchsorted(self.group[self._indexed], np.arange(int(self.group.max()) + 2))

    def of(self, groups: NDArray[np.int64]) -> NDArray[np.int64]:
        """The rows of these groups, each named once."""
        known = groups[groups < len(self._starts) - 1]
        starts, ends = self._starts[known], self._starts[known + 1]
        sizes = ends - starts
        # one range after the other, without a turn of Python for each
        places = np.arange(sizes.sum()) + np.repeat(starts - np.concatenate(([0], np.cumsum(sizes)[:-1])), sizes)
        since = np.arange(len(self._indexed), len(self))
        return np.concatenate([self._indexed[places], since[np.isin(self.group[since], groups)]])


class Numbers:
    """Different numbers, each with its place in the order of their first appearance."""

    def __init__(self) -> None:
        self._columns = columns_of(number=np.uint64)
        self._sorted = np.empty(0, np.uint64)
        self._places = np.empty(0, np.int64)

    def __len__(self) -> int:
        return len(self._columns)

    @property
    def numbers(self) -> NDArray[np.uint64]:
        """The numbers, in that order."""
        return self._columns["number"]

    def find(self, numbers: NDArray[np.uint64]) -> NDArray[np.int64]:
        """The places of numbers; -1 for one that has none."""
        if not len(self._sorted):
            return np.full(len(numbers), _NONE, np.int64)
        if len(numbers) > _MANY and len(numbers) > len(self) // 4 and (at := self._spread(numbers)) is not None:
            return np.where(self._sorted[at] == numbers, self._places[at], _NONE)
        at = np.minimum(np.searchsorted(self._sorted, numbers), len(self._sorted) - 1)
        return np.where(self._sorted[at] == numbers, self._places[at], _NONE)

    def _spread(self, numbers: NDArray[np.uint64]) -> NDArray[np.int32] | None:
        """Where numbers stand, or would, in the sorted ones: faster than a binary search where these are spread evenly.

        None where they are not, as hashes are: a number is looked for among those that begin with the same bits.
        """
        bits = np.uint64(64 - len(self._sorted).bit_length())
        begins = np.searchsorted(self._sorted, np.arange(2 ** (64 - int(bits)), dtype=np.uint64) << bits).astype(
            np.int32
        )
        if np.diff(begins).max() > _STEPS:
            return None
        at: NDArray[np.int32] = np.minimum(begins[numbers >> bits], len(self._sorted) - 1)
        for _ in range(_STEPS):
            before = self._sorted[at] < numbers
            before &= at < len(self._sorted) - 1
            if not before.any():
                break
            at += before
        return at

    def add(self, numbers: NDArray[np.uint64]) -> NDArray[np.int64]:
        """The places of numbers; one that had none gets the next."""
        found = self.find(numbers)
        if (found == _NONE).any():
            new, first = np.unique(numbers[found == _NONE], return_index=True)
            new = new[np.argsort(first)]
            order = np.argsort(new)
            at = np.searchsorted(self._sorted, new[order])
            self._places = np.insert(self._places, at, len(self) + order)
            self._sorted = np.insert(self._sorted, at, new[order])
            self._columns.append(len(new), number=new)
            found = self.find(numbers)
        return found


class Codes:
    """Small integers for few different texts, in the order of their first appearance."""

    def __init__(self, first: Sequence[str] = ()) -> None:
        self.texts: list[str] = list(first)
        self._codes = {text: code for code, text in enumerate(self.texts)}

    def code(self, text: str) -> int:
        """The code of a text."""
        code = self._codes.setdefault(text, len(self.texts))
        if code == len(self.texts):
            self.texts.append(text)
        return code

    def of(self, column: pa.Array) -> NDArray[np.int64]:
        """The code of each text."""
        encoded = column.dictionary_encode()
        codes = np.array([self.code(text) for text in encoded.dictionary.to_pylist()], np.int64)
        return codes[encoded.indices.to_numpy(zero_copy_only=False)] if len(codes) else np.empty(0, np.int64)

    def pairs(self, column: pa.ChunkedArray) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The codes of both parts of texts, which a NUL parts."""
        encoded = column.combine_chunks().dictionary_encode()
        codes = [[self.code(part) for part in text.split("\0")] for text in encoded.dictionary.to_pylist()]
        both = np.array(codes, np.int64).reshape(-1, 2)[encoded.indices.to_numpy(zero_copy_only=False)]
        return both[:, 0], both[:, 1]
