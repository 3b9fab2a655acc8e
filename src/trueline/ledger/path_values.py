"""The different values that stand at one path of a job's documents, numbered, so that rows are kept as numbers.

What stands at a path is what its columns say together: see `documents`. Two things that any filter could tell apart
have different numbers. Where there are too many of them, or they are too long, as of messages with the number of a
process or a port in them, texts are taken together that differ in digits alone: that is enough for filters that ask for
no digit. For no text without digits can begin in one stretch of others and end in the next, when there are digits
between them. Numbers are kept as they are then: see `path_numbers`.
"""

from __future__ import annotations

import re
from sys import getsizeof
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from trueline.filters.operators import Comparison
from trueline.ledger.document_columns import ARROW_TYPES, EXACT_FLOAT, TEXTS, ValueKind, column_name
from trueline.ledger.path_numbers import PathNumbers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from trueline.filters.request import Filter

MOST_VALUES: Final = 65_536
"""Different ones: putting a filter to more of them takes longer than is gained."""

_MOST_BYTES: Final = 16 * 2**20
"""Of all of them, likewise: they go to the engine with each filter that it was not asked before, which takes seconds
for so many bytes, and texts of thousands of characters are that much long before they are so many."""

Standing: TypeAlias = tuple[tuple[ValueKind, Any], ...]
"""What stands at a path: each kind of value that does, and the value; a double by its bits."""

_OF_TEXTS: Final = {Comparison.EQUALS, Comparison.EQUALS_ANY, Comparison.STARTS_WITH, Comparison.CONTAINS}
_DIGITS: Final = re.compile("[0-9]+")
_ANY_DIGITS: Final = "0"
"""What stands for all of them: a digit too, so that no filter that asks for none can meet it."""

_BYTES_A_VALUE: Final = 300
_NOTHING: Final = 0
_NONE: Final = -1
_PARTING: Final = "\x1f\x1e\x1f"
"""Lists are told apart as one text, with this between their members, unless one has it in itself."""


class PathValues:
    """The numbers of what stands at a path, from 1; 0 is that nothing does."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.columns = {kind: column_name(kind, path) for kind in ValueKind}
        """By kind, those that the path may have."""
        self.are_without_digits = False
        """Whether texts that differ in digits alone have one number: see `tell`."""
        self._numbers: dict[Standing, int] = {(): _NOTHING}
        self._standing: list[Standing] = [()]
        self._bytes = 0
        """Of the values alone."""
        self._doubles: NDArray[np.float64] | None = np.empty(0, np.float64)

    def __len__(self) -> int:
        return len(self._standing)

    @property
    def cannot_be_kept(self) -> bool:
        """Whether they are too many, or too long, so that a filter is put to the events sooner than to them."""
        return len(self._standing) > MOST_VALUES or self._bytes > _MOST_BYTES

    @property
    def nbytes(self) -> int:
        """About the memory that they take."""
        return self._bytes + _BYTES_A_VALUE * len(self._standing)

    def tell(self, each: Filter) -> bool:
        """Whether it follows from the number what passes a filter on the path."""
        if not self.are_without_digits or each.operator.comparison is Comparison.EXISTS:
            return True
        if each.operator.comparison not in _OF_TEXTS:
            return False
        return all(isinstance(member, str) and not _DIGITS.search(member) for member in each.members)

    def taken_together(self) -> tuple[PathValues | PathNumbers, NDArray[Any]] | None:
        """The same values in fewer numbers, or in none; None where there is no such way.

        Returns:
            Those, and of each number the one that it has there, or the value.
        """
        if self.are_without_digits:
            return None
        values = self.doubles
        return self.without_digits() if values is None else (PathNumbers(self.path), values)

    @property
    def doubles(self) -> NDArray[np.float64] | None:
        """What each number stands for, NaN for nothing; None where any stands for more than a double tells."""
        found = self._doubles  # several threads may ask, and come to the same
        if found is not None and len(found) < len(self._standing):
            more = np.array([_as_double(standing) for standing in self._standing[len(found) :]])
            are_all = not np.isnan(more[0 if len(found) else 1 :]).any()
            self._doubles = found = np.concatenate([found, more]) if are_all else None
        return found

    def without_digits(self) -> tuple[PathValues, NDArray[np.uint32]]:
        """The same values with texts taken together that differ in digits alone.

        Returns:
            Those, and of each number the one that it has there.
        """
        fewer = PathValues(self.path)
        fewer.are_without_digits = True
        numbers = [fewer._number(tuple(map(_without_digits, standing))) for standing in self._standing]
        return fewer, np.array(numbers, np.uint32)

    def numbers(self, documents: pa.Table) -> NDArray[np.uint32]:
        """The number of what stands at the path, row for row.

        Args:
            documents: Has the columns of the path that anything stands in, as the job's table has them.
        """
        known = set(documents.column_names)  # put together anew each time
        found = [
            (kind, *_told_apart(kind, documents[name], without_digits=self.are_without_digits))
            for kind, name in self.columns.items()
            if name in known and documents[name].null_count < documents.num_rows
        ]
        if not found:
            return np.full(documents.num_rows, _NOTHING, np.uint32)
        if len(found) == 1:
            ((kind, places, values),) = found
            numbers = [self._number(((kind, value),)) for value in values]
            return np.array([*numbers, _NOTHING], np.uint32)[places]  # the last one is that of no value
        packed = np.zeros(documents.num_rows, np.int64)
        for _, places, values in found:
            packed = packed * (len(values) + 1) + places + 1
        different, row, which = np.unique(packed, return_index=True, return_inverse=True)
        numbers = []
        for one in row[: len(different)].tolist():
            standing = ((kind, values[places[one]]) for kind, places, values in found if places[one] != _NONE)
            numbers.append(self._number(tuple(standing)))
        return np.array(numbers, np.uint32)[which]

    def _number(self, standing: Standing) -> int:
        number = self._numbers.setdefault(standing, len(self._standing))
        if number == len(self._standing):
            self._standing.append(standing)
            self._bytes += sum(_size(value) for _, value in standing)
        return number

    def put_in_order(self) -> NDArray[np.uint32]:
        """Number them anew by kind and value, so that those that pass most filters follow each other.

        Returns:
            The new number of each, by the one it had.
        """
        ordered = sorted(range(1, len(self._standing)), key=lambda number: _in_order(self._standing[number]))
        places = np.zeros(len(self._standing), np.uint32)
        places[ordered] = np.arange(1, len(self._standing))
        self._standing = [(), *(self._standing[number] for number in ordered)]
        self._doubles = np.empty(0, np.float64)
        self._numbers = {standing: number for number, standing in enumerate(self._standing)}
        return places

    def of_kind(self, kind: ValueKind, numbers: range) -> list[Any]:
        """The values of one kind that stand at the path, of each of some numbers; None, empty or false where none."""
        without: Any = {ValueKind.SEVERAL: [], ValueKind.OBJECT: False}.get(kind)
        found = [next((value for each, value in self._standing[at] if each is kind), without) for at in numbers]
        if kind is ValueKind.DOUBLE:
            return [None if bits is None else _double(bits) for bits in found]
        return [list(each) for each in found] if kind is ValueKind.SEVERAL else found

    def kinds(self, numbers: range) -> list[ValueKind]:
        """The kinds of values that stand at the path, of any of some numbers."""
        there = {kind for number in numbers for kind, _ in self._standing[number]}
        return [kind for kind in ValueKind if kind in there]


def _told_apart(
    kind: ValueKind, column: pa.ChunkedArray, *, without_digits: bool
) -> tuple[NDArray[np.int64], Sequence[Any]]:
    """The place of each row's value among the different ones, -1 where there is none; and the values."""
    values = column.combine_chunks()
    if isinstance(values, pa.ChunkedArray):  # of no chunk at all
        values = pa.concat_arrays(values.chunks) if values.num_chunks else pa.array([], column.type)
    if isinstance(values, pa.DictionaryArray):
        values = values.dictionary_decode()
    values = values.cast(ARROW_TYPES[kind])
    match kind:
        case ValueKind.TEXT | ValueKind.LONG_TEXT if without_digits:
            values = pc.replace_substring_regex(values, _DIGITS.pattern, _ANY_DIGITS)
        case ValueKind.DOUBLE:
            values = values.view(pa.int64())  # 0.0 and -0.0 are two texts to a filter
        case ValueKind.BOOLEAN | ValueKind.OBJECT:
            values = values.cast(pa.int8())
        case ValueKind.SEVERAL:
            return _lists_told_apart(values)
        case _:
            pass
    encoded = values.dictionary_encode()
    places = pc.fill_null(encoded.indices, _NONE).to_numpy().astype(np.int64)
    different = encoded.dictionary.to_pylist()
    if kind is ValueKind.BOOLEAN:
        return places, [bool(each) for each in different]
    if kind is ValueKind.OBJECT:  # false is that there is none
        no = different.index(0) if 0 in different else _NONE
        return np.where((places == no) | (places == _NONE), _NONE, 0), [True]
    return places, different


def _lists_told_apart(lists: pa.ListArray) -> tuple[NDArray[np.int64], Sequence[Any]]:
    """The same of lists of texts, of which an empty one is no value."""
    filled = pc.fill_null(pc.greater(pc.list_value_length(lists), 0), False)
    if pc.any(pc.match_substring(lists.flatten(), _PARTING)).as_py():
        numbers: dict[tuple[str, ...], int] = {}
        there = (tuple(each or ()) for each in lists.to_pylist())
        places = [numbers.setdefault(each, len(numbers)) if each else _NONE for each in there]
        return np.array(places, np.int64), list(numbers)
    encoded = pc.if_else(filled, pc.binary_join(lists, _PARTING), None).dictionary_encode()
    places = pc.fill_null(encoded.indices, _NONE).to_numpy().astype(np.int64)
    return places, [tuple(each.split(_PARTING)) for each in encoded.dictionary.to_pylist()]


def _without_digits(standing: tuple[ValueKind, Any]) -> tuple[ValueKind, Any]:
    kind, value = standing
    return (kind, _DIGITS.sub(_ANY_DIGITS, value)) if kind in TEXTS else standing


def _size(value: Any) -> int:  # noqa: ANN401 - any value of JSON
    """The memory of a value, about."""
    return sum(map(getsizeof, value)) if isinstance(value, tuple) else getsizeof(value)


def _double(bits: int) -> float:
    return float(np.int64(bits).view(np.float64))


def _as_double(standing: Standing) -> float:
    """What stands there where it is a number that is the same as a double; else NaN."""
    if len(standing) == 1:
        ((kind, value),) = standing
        if kind is ValueKind.DOUBLE:
            return _double(value)
        if kind is ValueKind.INTEGER and -EXACT_FLOAT < value < EXACT_FLOAT:
            return float(value)
    return np.nan


def _in_order(standing: Standing) -> tuple[Any, ...]:
    """Numbers by what they are, whole or not, then texts, then all else."""
    if len(standing) == 1:
        ((kind, value),) = standing
        if kind is ValueKind.DOUBLE:
            return (0, _double(value), kind)
        if kind is ValueKind.INTEGER:
            return (0, value, kind)
        if kind in TEXTS:
            return (1, value)
    return (2, repr(standing))
