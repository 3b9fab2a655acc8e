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
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from trueline.filters.numbers import number_text

if TYPE_CHECKING:
    from collections.abc import Sequence

TEXT_TAG, NUMBER_TAG, BOOLEAN_TAG, OBJECT_TAG = "=", "#", "?", "{"

MAX_DEPTH = 64
MAX_PATHS = 2_048
MAX_PATH_LENGTH = 1_024
MIN_INTEGER, MAX_INTEGER = -(2**63), 2**63 - 1
EXACT_FLOAT: Final = 2**53
"""Integers below it, and above its negative, are the same as doubles."""
_SMALLEST_PLAIN_FLOAT, _LARGEST_PLAIN_FLOAT = 1e-6, 1e21
_ROWS_WORTH_A_SHAPE = 16
_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_")


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


class Shape:
    """What documents have in common whose keys are the same and whose values are of the same kinds."""

    __slots__ = ("columns", "objects")

    def __init__(self, columns: tuple[str | None, ...], objects: tuple[str, ...]) -> None:
        self.columns = columns
        """The column of each value, in the order of the document; None for one that is null."""
        self.objects = objects
        """The columns that say where there are objects."""


class Searchable(NamedTuple):
    """A document made ready to be laid out."""

    shape: Shape
    values: list[Any]
    """One for each of the shape's columns."""


class _Shapes(dict[tuple[object, ...], "Shape | None"]):
    """The shapes of documents met of late; None: those of that shape are read the general way."""

    _MOST = 4_096

    def keep(self, key: tuple[object, ...], shape: Shape | None) -> Shape | None:
        """Remember a shape."""
        if len(self) >= self._MOST:
            self.clear()
        self[key] = shape
        return shape


_SHAPES = _Shapes()
_KINDS = {str: ValueKind.TEXT, int: ValueKind.INTEGER, float: ValueKind.DOUBLE, bool: ValueKind.BOOLEAN}
_UNKNOWN = object()


def searchable(document: dict[str, Any]) -> Searchable:
    """Make a document ready to be laid out for filters.

    Raises:
        DocumentError: nested too deeply, too many or too long paths.
    """
    keys: list[tuple[str, ...]] = []
    kinds: list[type] = []
    values: list[Any] = []
    _walk(document, keys, kinds, values, 1)
    key = (*keys, *kinds)  # texts in tuples, then types: no two shapes share one
    shape: Any = _SHAPES.get(key, _UNKNOWN)
    if shape is _UNKNOWN:
        shape = _SHAPES.keep(key, _plain_shape(document))
    return _generally(document) if shape is None else Searchable(shape, values)


def _walk(
    document: dict[str, Any], keys: list[tuple[str, ...]], kinds: list[type], values: list[Any], depth: int
) -> None:
    """Collect the keys of each object, the kind of each value, and the values, in the order of the document."""
    if depth > MAX_DEPTH:
        raise DocumentError(f"the document is nested more than {MAX_DEPTH} deep")
    keys.append(tuple(document))
    for value in document.values():
        kind = type(value)
        kinds.append(kind)
        if kind is dict:
            _walk(value, keys, kinds, values, depth + 1)
        else:
            values.append(value)


def _plain_shape(document: dict[str, Any]) -> Shape | None:
    """The shape of a document without lists in which no two values share a column; None for any other."""
    columns: list[str | None] = []
    objects: list[str] = []

    def add(members: dict[str, Any], prefix: str) -> bool:
        for key, value in members.items():
            path = prefix + key
            _check_length(path)
            if isinstance(value, list):
                return False
            if isinstance(value, dict):
                objects.append(column_name(ValueKind.OBJECT, path))
                if not add(value, f"{path}."):
                    return False
            else:
                columns.append(None if value is None else column_name(_KINDS[type(value)], path))
        return True

    if not add(document, ""):
        return None
    named = [name for name in columns if name is not None] + objects
    return Shape(tuple(columns), tuple(objects)) if len(set(named)) == len(named) <= MAX_PATHS else None


def _generally(document: dict[str, Any]) -> Searchable:
    """Make any document ready, as lists, repeated paths and unusual numbers need."""
    values: dict[str, Any] = {}
    objects: set[str] = set()
    _collect(document, "", values, objects, 1)
    if len(values) + len(objects) > MAX_PATHS:
        raise DocumentError(f"the document has more than {MAX_PATHS} distinct paths")
    columns: dict[str, Any] = {}
    for path, value in values.items():
        _check_length(path)
        kind, kept = _placed(value)
        columns[column_name(kind, path)] = kept
    key = (tuple(columns), *sorted(objects))
    shape = _SHAPES.get(key) or _SHAPES.keep(
        key, Shape(tuple(columns), tuple(column_name(ValueKind.OBJECT, path) for path in objects))
    )
    return Searchable(shape, list(columns.values()))  # type: ignore[arg-type]


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
    return (ValueKind.INTEGER if isinstance(number, int) else ValueKind.DOUBLE), number


def laid_out(documents: Sequence[Searchable]) -> pa.Table:
    """Documents made `searchable`, a row each, as columns of `ARROW_TYPES`; what a document lacks is null."""
    groups: dict[int, list[int]] = {}
    for row, document in enumerate(documents):
        groups.setdefault(id(document.shape), []).append(row)
    if len(groups) * _ROWS_WORTH_A_SHAPE > len(documents):
        laid = [(list(range(len(documents))), _gathered(documents))]
    else:  # documents of one shape turn into columns at once; what came of all shapes is put into its order at the end
        laid = [(rows, _columns([documents[row] for row in rows])) for rows in groups.values()]
    names = dict.fromkeys(name for _, columns in laid for name in columns)
    if not names:  # a table without columns would have no rows either
        return pa.table({column_name(ValueKind.OBJECT, ""): pa.nulls(len(documents), pa.bool_())})
    order = None
    if len(laid) > 1:
        order = pc.array_sort_indices(pa.array([row for rows, _ in laid for row in rows], pa.int64()))
    table = {}
    for name in names:
        kind = ARROW_TYPES[parts_of(name)[0]]
        parts = [columns[name] if name in columns else pa.nulls(len(rows), kind) for rows, columns in laid]
        column = parts[0] if len(parts) == 1 else pa.concat_arrays(parts)
        table[name] = column if order is None else column.take(order)
    return pa.table(table)


def _gathered(documents: Sequence[Searchable]) -> dict[str, pa.Array]:
    """The columns of documents that have hardly a shape in common."""
    columns: dict[str, list[Any]] = {}

    def put(name: str, row: int, value: Any) -> None:  # noqa: ANN401 - any value of JSON
        column = columns.get(name)
        if column is None:
            column = columns[name] = [None] * len(documents)
        column[row] = value

    for row, document in enumerate(documents):
        for name, value in zip(document.shape.columns, document.values, strict=True):
            if type(value) in {int, float}:
                kind, kept = _placed(value)
                put(f"{kind}_{parts_of(name)[1]}", row, kept)  # type: ignore[arg-type]
            elif name is not None:
                put(name, row, value)
        for name in document.shape.objects:
            put(name, row, value=True)
    return {name: pa.array(column, ARROW_TYPES[parts_of(name)[0]]) for name, column in columns.items()}


def _columns(documents: list[Searchable]) -> dict[str, pa.Array]:
    """The columns of documents of one shape."""
    shape = documents[0].shape
    columns: dict[str, pa.Array] = {}
    for name, values in zip(shape.columns, zip(*[each.values for each in documents], strict=True), strict=True):
        if name is None:
            continue
        kind, path = parts_of(name)
        try:
            column = pa.array(values, ARROW_TYPES[kind])
        except OverflowError:  # integers past 64 bits
            column = pa.array([None if _plain_number(value) is None else value for value in values], pa.int64())
        columns |= {name: column} if kind is not ValueKind.DOUBLE else _plain_floats(name, column)
        if kind in _NUMBERS and columns[name].null_count:
            unusual = [None if _plain_number(value) is not None else [tagged(value)] for value in values]
            if any(unusual):
                columns[f"{ValueKind.SEVERAL}_{path}"] = pa.array(unusual, ARROW_TYPES[ValueKind.SEVERAL])
    present = pa.repeat(pa.scalar(value=True), len(documents)) if shape.objects else None
    return columns | dict.fromkeys(shape.objects, present)


_NUMBERS = frozenset({ValueKind.INTEGER, ValueKind.DOUBLE})


def _plain_floats(name: str, column: pa.Array) -> dict[str, pa.Array]:
    """Floats as `_plain_number` has them: extreme ones left out."""
    size = pc.abs(column)
    everyday = pc.and_(pc.greater_equal(size, _SMALLEST_PLAIN_FLOAT), pc.less(size, _LARGEST_PLAIN_FLOAT))
    zero = pc.equal(size, 0.0)
    # -0 becomes 0
    plain = pc.if_else(zero, 0.0, column)
    return {name: pc.if_else(pc.or_(everyday, zero), plain, pa.scalar(None, pa.float64()))}


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
    if value == 0:
        return 0.0
    return value if _SMALLEST_PLAIN_FLOAT <= abs(value) < _LARGEST_PLAIN_FLOAT else None


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
