"""Documents laid out for filters: one column for each path and kind of value.

A path is the keys on the way to a value joined by dots, through nesting and literal dots alike, and through
every list; so the values a filter on a path asks about stand together under that path. Each kind of value has
a column of its own, so that nothing is read into a value that was not sent:

- a path's column name holds ASCII letters, digits, ``_`` and escapes only, so no path can mean anything else;
- one text, 64-bit integer, everyday float or boolean stands in the column of its path and kind;
- whatever is not (several values at one path, larger integers, extreme floats) stands in a column of lists of
  texts, each with a tag in front that keeps its kind;
- where a path holds an object, a column says so.
"""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from trueline.filters.numbers import number_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TEXT_TAG, NUMBER_TAG, BOOLEAN_TAG, OBJECT_TAG = "=", "#", "?", "{"

MAX_DEPTH = 64
MAX_PATHS = 2_048
MAX_PATH_LENGTH = 1_024
MIN_INTEGER, MAX_INTEGER = -(2**63), 2**63 - 1
_EXACT_FLOAT = 2**53
_SMALLEST_PLAIN_FLOAT, _LARGEST_PLAIN_FLOAT = 1e-6, 1e21
_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_")
_ROWS_WORTH_A_SHAPE = 16


class ValueKind(StrEnum):
    """What a column of a path holds; the value begins the column's name."""

    TEXT = "text"
    INTEGER = "integer"
    DOUBLE = "double"
    BOOLEAN = "boolean"
    SEVERAL = "several"
    OBJECT = "object"


ARROW_TYPES: Final = {
    ValueKind.TEXT: pa.string(),
    ValueKind.INTEGER: pa.int64(),
    ValueKind.DOUBLE: pa.float64(),
    ValueKind.BOOLEAN: pa.bool_(),
    ValueKind.SEVERAL: pa.list_(pa.string()),
    ValueKind.OBJECT: pa.bool_(),
}


class DocumentError(ValueError):
    """A document that cannot be kept searchable."""


@lru_cache(maxsize=16_384)  # documents share most of their paths
def escaped(path: str) -> str:
    """A path as part of a column's name: each byte that is no ASCII letter, digit or ``_`` becomes ``-XX``.

    Different paths have different names; the empty path is ``-``.
    """
    return "".join(chr(byte) if byte in _PLAIN else f"-{byte:02X}" for byte in path.encode()) or "-"


def path_of(name: str) -> str:
    """The path whose `escaped` form this is."""
    if name == "-":
        return ""
    first, *others = name.split("-")
    return (first.encode() + b"".join(bytes([int(each[:2], 16)]) + each[2:].encode() for each in others)).decode()


def column_name(kind: ValueKind, path: str) -> str:
    """The name of the column of a path's values of one kind."""
    return f"{kind}_{escaped(path)}"


def parts_of(column: str) -> tuple[ValueKind, str]:
    """The kind and the `escaped` path that a column's name says."""
    kind, _, name = column.partition("_")
    return ValueKind(kind), name


class _Names(dict[str, str]):
    """The names of the columns of one kind, by the key under one prefix."""

    def __init__(self, known: _Known, kind: ValueKind, prefix: str) -> None:
        super().__init__()
        self._known = known
        self._kind = kind
        self._prefix = prefix

    def __missing__(self, key: str) -> str:
        path = self._prefix + key
        _check_length(path)
        name = self[key] = column_name(self._kind, path)
        self._known.size += 1
        return name


class _Level:
    """What is known of the keys under one prefix, so that a key met again costs one look."""

    def __init__(self, known: _Known, prefix: str) -> None:
        self._known = known
        self._prefix = prefix
        self.text, self.integer, self.double, self.boolean, self.object = (
            _Names(known, kind, prefix) for kind in ValueKind if kind is not ValueKind.SEVERAL
        )
        self._below: dict[str, _Level] = {}

    def below(self, key: str) -> _Level:
        """The level of the members of the object at a key."""
        level = self._below.get(key)
        if level is None:
            level = self._below[key] = _Level(self._known, f"{self._prefix}{key}.")
            self._known.size += 1
        return level


class _Known:
    """The keys met of late, up to a number: documents may bring any."""

    _MOST = 65_536

    def __init__(self) -> None:
        self.size = 0
        self._top = _Level(self, "")

    def top(self) -> _Level:
        """The level of a document's own keys."""
        if self.size > self._MOST:
            self.size = 0
            self._top = _Level(self, "")
        return self._top


_KNOWN = _Known()


def searchable(document: dict[str, Any]) -> dict[str, Any]:
    """The values of a document by the names of their columns; paths that hold objects have True.

    Raises:
        DocumentError: nested too deeply, too many or too long paths.
    """
    columns: dict[str, Any] = {}
    found = _collect_plain(document, _KNOWN.top(), columns, 1)
    if 0 <= found == len(columns) <= MAX_PATHS:
        return columns
    values: dict[str, Any] = {}
    objects: set[str] = set()
    _collect(document, "", values, objects, 1)
    if len(values) + len(objects) > MAX_PATHS:
        raise DocumentError(f"the document has more than {MAX_PATHS} distinct paths")
    columns = {column_name(ValueKind.OBJECT, path): True for path in objects}
    for path, value in values.items():
        _check_length(path)
        kind, kept = _placed(value)
        columns[column_name(kind, path)] = kept
    return columns


def _placed(value: Any) -> tuple[ValueKind, Any]:  # noqa: ANN401 - any value of JSON
    if isinstance(value, str):
        return ValueKind.TEXT, value
    if isinstance(value, bool):
        return ValueKind.BOOLEAN, value
    if isinstance(value, list):
        return ValueKind.SEVERAL, [tagged(member) for member in value]
    number = _plain_number(value)
    if number is None:
        return ValueKind.SEVERAL, [tagged(value)]
    return ValueKind.INTEGER if isinstance(number, int) else ValueKind.DOUBLE, number


def laid_out(documents: Sequence[dict[str, Any]]) -> pa.Table:
    """Documents made `searchable`, a row each, as columns of `ARROW_TYPES`; what a document lacks is null."""
    shapes: dict[tuple[str, ...], list[int]] = {}
    for row, document in enumerate(documents):
        shapes.setdefault(tuple(document), []).append(row)
    if len(shapes) * _ROWS_WORTH_A_SHAPE > len(documents):
        return _table(_gathered(documents), len(documents))
    # documents of one shape turn into columns at once; what came of all shapes is put into its order at the end
    columns: dict[str, list[Any]] = {}
    order: list[int] = []
    for names, rows in shapes.items():
        for name, values in zip(names, zip(*[documents[row].values() for row in rows], strict=True), strict=True):
            column = columns.setdefault(name, [])
            column.extend([None] * (len(order) - len(column)))
            column.extend(values)
        order += rows
    for column in columns.values():
        column.extend([None] * (len(order) - len(column)))
    table = _table(columns, len(order))
    return table if len(shapes) == 1 else table.take(pc.array_sort_indices(pa.array(order)))


def _gathered(documents: Sequence[dict[str, Any]]) -> dict[str, list[Any]]:
    """The columns of documents that are all different."""
    columns: dict[str, list[Any]] = {}
    for row, document in enumerate(documents):
        for name, value in document.items():
            column = columns.get(name)
            if column is None:
                column = columns[name] = [None] * len(documents)
            column[row] = value
    return columns


def _table(columns: Mapping[str, list[Any]], rows: int) -> pa.Table:
    table = {name: pa.array(column, ARROW_TYPES[parts_of(name)[0]]) for name, column in columns.items()}
    # a table without columns would have no rows either
    return pa.table(table or {column_name(ValueKind.OBJECT, ""): pa.nulls(rows, pa.bool_())})


def tagged(value: str | float | bool) -> str:
    """A value as one text that keeps its kind."""
    if isinstance(value, str):
        return TEXT_TAG + value
    if isinstance(value, bool):
        return BOOLEAN_TAG + ("true" if value else "false")
    return NUMBER_TAG + number_text(value)


def values_at(document: dict[str, Any], path: str) -> list[str]:
    """The values a path reaches in a document, each as a tagged text, in the order of the document."""
    values: dict[str, Any] = {}
    _collect(document, "", values, set(), 1)
    found = values.get(path, [])
    return [tagged(value) for value in (found if isinstance(found, list) else [found])]


def _plain_number(value: float) -> int | float | None:
    """The number as the engine's own type keeps it exactly and writes it alike; None where it does not."""
    if isinstance(value, int):
        return value if MIN_INTEGER <= value <= MAX_INTEGER else None
    if value.is_integer() and abs(value) < _EXACT_FLOAT:
        return int(value)
    return value if _SMALLEST_PLAIN_FLOAT <= abs(value) < _LARGEST_PLAIN_FLOAT else None


def _collect_plain(document: dict[str, Any], level: _Level, columns: dict[str, Any], depth: int) -> int:
    """Collect the columns of a document without lists, repeated paths and unusual numbers, as most are.

    Several times as fast as `_collect`. Gives how many values there were: where the columns are fewer, some share
    one, and where it is negative, there is more than plain values; then what was collected is void.
    """
    found = 0
    for key, value in document.items():
        kind = type(value)
        if kind is str:
            columns[level.text[key]] = value
        elif kind is int and MIN_INTEGER <= value <= MAX_INTEGER:
            columns[level.integer[key]] = value
        elif kind is dict:
            columns[level.object[key]] = True
            below = -1 if depth >= MAX_DEPTH else _collect_plain(value, level.below(key), columns, depth + 1)
            if below < 0:
                return -1
            found += below
        elif kind is bool:
            columns[level.boolean[key]] = value
        elif value is None:
            continue
        elif kind is list:
            return -1
        else:
            number = _plain_number(value)
            if number is None:
                return -1
            columns[(level.integer if type(number) is int else level.double)[key]] = number
        found += 1
    return found


def _collect(
    value: dict[str, Any] | list[Any], path: str, values: dict[str, Any], objects: set[str], depth: int
) -> None:
    if depth > MAX_DEPTH:
        raise DocumentError(f"the document is nested more than {MAX_DEPTH} deep")
    if isinstance(value, dict):
        prefix = f"{path}." if depth > 1 else ""
        members = [(prefix + key, member) for key, member in value.items()]
    else:
        members = [(path, member) for member in value]
    for at, member in members:
        if isinstance(member, dict | list):
            if isinstance(member, dict):
                objects.add(at)
            _collect(member, at, values, objects, depth + 1)
        elif member is not None:
            _keep(member, at, values)


def _keep(value: object, path: str, values: dict[str, Any]) -> None:
    if path not in values:
        values[path] = value
    elif isinstance(values[path], list):
        values[path].append(value)
    else:
        values[path] = [values[path], value]


def _check_length(path: str) -> None:
    if len(path) > MAX_PATH_LENGTH:
        raise DocumentError(f"the path {path[:40]!r}… is longer than {MAX_PATH_LENGTH} characters")
