"""Documents laid out for filters: one column for each path and kind of value.

A path is the keys on the way to a value joined by dots, through nesting and literal dots alike, and through
every list; so the values a filter on a path asks about stand together under that path. Each kind of value has
a column of its own, so that nothing is read into a value that was not sent:

- a path's column name holds ASCII letters, digits, ``_`` and escapes only, so no path can mean anything else;
- one text, 64-bit integer, everyday float or boolean stands in the column of its path and kind;
- whatever is not (several values at one path, larger integers, extreme floats) stands in a column of lists of
  texts, each with a tag in front that keeps its kind;
- where a path holds an object, a column says so.

Documents that have very many paths between them are laid out in `MOST_COLUMNS` such columns; what stands at further
paths is put into one column for them all, `OTHER_PATHS`.
"""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from trueline.filters.numbers import number_text, parse_number

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

TEXT_TAG, NUMBER_TAG, BOOLEAN_TAG, OBJECT_TAG = "=", "#", "?", "{"

MAX_DEPTH = 64
"""Objects and lists inside each other, the document itself included, unless a setting says otherwise."""
DEEPEST = 256
"""The most that the setting may be: what is stored is read back by functions that call themselves."""
MAX_PATHS = 10_000
"""Distinct paths of one document."""
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


OTHER_PATHS: Final = "other_paths"
"""The column of all paths without columns: lists of tagged values by path; an object is `OBJECT_TAG` alone."""

OTHER_PATHS_TYPE: Final = pa.map_(pa.string(), pa.list_(pa.string()))

MOST_COLUMNS: Final = 4_096
"""Columns that documents are laid out in at once: each takes memory for every row, whether it has a value or not."""

Cells = dict[str, tuple[list[int], list[Any]]]
"""By column: the rows that have a value, and the values."""


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
    _MOST_KEYS = 262_144

    def __init__(self) -> None:
        super().__init__()
        self._keys = 0

    def keep(self, key: tuple[object, ...], shape: Shape | None) -> Shape | None:
        """Remember a shape; not too many, nor those of documents that are too wide to be met again."""
        self._keys += len(key)
        if len(self) >= self._MOST or self._keys > self._MOST_KEYS:
            self.clear()
            self._keys = len(key)
        self[key] = shape
        return shape


_SHAPES = _Shapes()
_KINDS = {str: ValueKind.TEXT, int: ValueKind.INTEGER, float: ValueKind.DOUBLE, bool: ValueKind.BOOLEAN}
_DOUBLE, _INTEGER = f"{ValueKind.DOUBLE}_", f"{ValueKind.INTEGER}_"
_UNKNOWN = object()


def searchable(document: dict[str, Any], max_depth: int = MAX_DEPTH) -> Searchable:
    """Make a document ready to be laid out for filters.

    Raises:
        DocumentError: nested too deeply, too many or too long paths.
    """
    keys: list[tuple[str, ...]] = []
    kinds: list[type] = []
    values: list[Any] = []
    if not _walk(document, keys, kinds, values, max_depth):
        raise _too_deep(max_depth)
    key = (*keys, *kinds)  # texts in tuples, then types: no two shapes share one
    shape: Any = _SHAPES.get(key, _UNKNOWN)
    if shape is _UNKNOWN:
        shape = _SHAPES.keep(key, _plain_shape(document))
    return _generally(document, max_depth) if shape is None else Searchable(shape, values)


def _walk(
    document: dict[str, Any], keys: list[tuple[str, ...]], kinds: list[type], values: list[Any], levels: int
) -> bool:
    """Collect the keys of each object, the kind of each value, and the values, in the order of the document.

    False where there are objects inside each other on more levels than that.
    """
    if not levels:
        return False
    keys.append(tuple(document))
    for value in document.values():
        kind = type(value)
        kinds.append(kind)
        if kind is not dict:
            values.append(value)
        elif not _walk(value, keys, kinds, values, levels - 1):
            return False
    return True


def _plain_shape(document: dict[str, Any]) -> Shape | None:
    """The shape of a document without lists in which no two values share a column; None for any other."""
    columns: list[str | None] = []
    objects: list[str] = []

    def add(members: dict[str, Any], prefix: str) -> bool:
        for key, value in members.items():
            path = prefix + key
            if isinstance(value, list):
                return False
            if value is not None:
                _check_length(path)
            if isinstance(value, dict):
                objects.append(column_name(ValueKind.OBJECT, path))
                if not add(value, f"{path}."):
                    return False
            else:
                columns.append(None if value is None else column_name(_KINDS[type(value)], path))
        return True

    if not add(document, ""):
        return None
    # unusual integers and floats of one path share a column
    named = [name.replace(_DOUBLE, _INTEGER, 1) for name in columns if name is not None] + objects
    return Shape(tuple(columns), tuple(objects)) if len(set(named)) == len(named) <= MAX_PATHS else None


def _generally(document: dict[str, Any], max_depth: int) -> Searchable:
    """Make any document ready, as lists, repeated paths and unusual numbers need."""
    values: dict[str, Any] = {}
    objects: set[str] = set()
    if not _collect(document, "", values, objects, max_depth, outermost=True):
        raise _too_deep(max_depth)
    if len(values.keys() | objects) > MAX_PATHS:
        raise DocumentError(f"the document has more than {MAX_PATHS} distinct paths")
    columns: dict[str, Any] = {}
    for path in objects:
        _check_length(path)
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
    """Documents made `searchable`, a row each, as columns of `ARROW_TYPES`; what a document lacks is null.

    Where they would take more than `MOST_COLUMNS`, there is `OTHER_PATHS` too.
    """
    groups: dict[int, list[int]] = {}
    for row, document in enumerate(documents):
        groups.setdefault(id(document.shape), []).append(row)
    shapes = [documents[rows[0]].shape for rows in groups.values()]
    if len(groups) * _ROWS_WORTH_A_SHAPE > len(documents) or _are_wide(shapes):
        laid = [(list(range(len(documents))), _gathered(documents))]
    else:  # documents of one shape turn into columns at once; what came of all shapes is put into its order at the end
        laid = [(rows, _columns([documents[row] for row in rows])) for rows in groups.values()]
    names = dict.fromkeys(name for _, columns in laid for name in columns)
    if not names:  # a table without columns would have no rows either
        return pa.table({column_name(ValueKind.OBJECT, ""): pa.nulls(len(documents), pa.bool_())})
    if len(laid) == 1:
        return pa.table(laid[0][1])
    order = pc.array_sort_indices(pa.array([row for rows, _ in laid for row in rows], pa.int64()))
    table = {}
    for name in names:
        kind = ARROW_TYPES[parts_of(name)[0]]
        parts = [columns[name] if name in columns else pa.nulls(len(rows), kind) for rows, columns in laid]
        table[name] = pa.concat_arrays(parts).take(order)
    return pa.table(table)


def _are_wide(shapes: Iterable[Shape]) -> bool:
    """Whether documents of these shapes would take more columns than they are to have at once."""
    names: set[str | None] = set()
    for shape in shapes:
        names.update(shape.columns, shape.objects)
        if len(names) > MOST_COLUMNS // 2:  # unusual numbers may take a second one each
            return True
    return False


def _gathered(documents: Sequence[Searchable]) -> dict[str, pa.Array]:
    """The columns of documents that have hardly a shape in common."""
    cells: Cells = {}
    for row, document in enumerate(documents):
        for name, value in zip(document.shape.columns, document.values, strict=True):
            if type(value) in {int, float}:
                kind, kept = _placed(value)
                put(cells, f"{kind}_{parts_of(name)[1]}", row, kept)  # type: ignore[arg-type]
            elif name is not None:
                put(cells, name, row, value)
        for name in document.shape.objects:
            put(cells, name, row, value=True)
    own = first_paths(cells, MOST_COLUMNS)
    columns = {
        name: spread(name, *at, len(documents)) for name, at in cells.items() if own is None or parts_of(name)[1] in own
    }
    if len(columns) < len(cells):
        left = {name: at for name, at in cells.items() if name not in columns}
        columns[OTHER_PATHS] = in_one_column([left], len(documents))
    return columns


def put(cells: Cells, name: str, row: int, value: Any) -> None:  # noqa: ANN401 - any value of JSON
    """Have a column say something in a row."""
    rows, values = cells.get(name) or cells.setdefault(name, ([], []))
    rows.append(row)
    values.append(value)


def first_paths(columns: Iterable[str], most: int) -> set[str] | None:
    """The escaped paths of as many columns as there may be, those that come first; None: all of them."""
    kinds: dict[str, int] = {}
    for name in columns:
        path = parts_of(name)[1]
        kinds[path] = kinds.get(path, 0) + 1
    if sum(kinds.values()) <= most:
        return None
    own: set[str] = set()
    for path, wide in kinds.items():
        most -= wide
        if most < 0:
            break
        own.add(path)
    return own


def spread(name: str, rows: list[int], values: list[Any], size: int) -> pa.Array:
    """A column of so many rows that has these values in these rows, which are in order."""
    column = pa.array(values, ARROW_TYPES[parts_of(name)[0]])
    if len(rows) == size:
        return column
    places, missing = np.zeros(size, np.int32), np.ones(size, np.bool_)
    places[rows] = np.arange(len(rows), dtype=np.int32)
    missing[rows] = False
    return column.take(pa.array(places, mask=missing))


def in_one_column(parts: Iterable[Cells], size: int, before: Iterable[list[tuple[str, list[str]]]] = ()) -> pa.Array:
    """What these columns say, as `OTHER_PATHS` has it, of so many rows; added to what that says before."""
    rows: list[dict[str, list[str]]] = [{} for _ in range(size)]
    for row, entries in zip(rows, before, strict=False):
        row.update(entries or ())
    for cells in parts:
        for name, (at, values) in cells.items():
            kind, escaped_path = parts_of(name)
            path = path_of(escaped_path)
            for place, value in zip(at, values, strict=True):
                rows[place][path] = [*rows[place].get(path, ()), *_tags(kind, value)]
    return pa.array([list(row.items()) for row in rows], OTHER_PATHS_TYPE)


def _tags(kind: ValueKind, value: Any) -> list[str]:  # noqa: ANN401 - any value of JSON
    if kind is ValueKind.OBJECT:
        return [OBJECT_TAG]
    return value if kind is ValueKind.SEVERAL else [tagged(value)]


def cells_of(documents: pa.Table, names: Iterable[str]) -> Cells:
    """What some columns say, and in which rows."""
    cells: Cells = {}
    for name in names:
        column = documents[name].combine_chunks()
        valid = column.is_valid()
        rows = np.flatnonzero(valid.to_numpy(zero_copy_only=False)).tolist()
        if rows:
            cells[name] = (rows, column.filter(valid).to_pylist())
    return cells


def joined(tables: Sequence[pa.Table]) -> pa.Table:
    """Documents laid out apart, one after the other, in no more columns than are laid out at once."""
    names = dict.fromkeys(name for table in tables for name in table.column_names if name != OTHER_PATHS)
    own = first_paths(names, MOST_COLUMNS)
    if own is not None:
        tables = [_narrowed(table, own) for table in tables]
    return pa.concat_tables(tables, promote_options="permissive").combine_chunks()


def _narrowed(table: pa.Table, own: set[str]) -> pa.Table:
    """With what stands at paths other than these in `OTHER_PATHS`."""
    left = [name for name in table.column_names if name != OTHER_PATHS and parts_of(name)[1] not in own]
    if not left:
        return table
    before = table[OTHER_PATHS].to_pylist() if OTHER_PATHS in table.column_names else ()
    others = in_one_column([cells_of(table, left)], table.num_rows, before)
    kept = {name: table[name] for name in table.column_names if name not in {*left, OTHER_PATHS}}
    return pa.table(kept | {OTHER_PATHS: others})


def recalled(documents: pa.Table, own: set[str]) -> pa.Table:
    """With what stands at some paths, escaped, in columns of its own, where `OTHER_PATHS` has it."""
    if OTHER_PATHS not in documents.column_names:
        return documents
    size = documents.num_rows
    cells: Cells = {}
    stays: list[list[tuple[str, list[str]]]] = []
    for row, entries in enumerate(documents[OTHER_PATHS].to_pylist()):
        stays.append([])
        for path, values in entries or ():
            if escaped(path) not in own:
                stays[row].append((path, values))
                continue
            if OBJECT_TAG in values:
                put(cells, column_name(ValueKind.OBJECT, path), row, value=True)
            if plain := [value for value in values if value != OBJECT_TAG]:
                kind, kept = _placed(_untagged(plain[0])) if len(plain) == 1 else (ValueKind.SEVERAL, plain)
                put(cells, column_name(kind, path), row, kept)
    if not cells:
        return documents
    columns = dict(zip(documents.column_names, documents.columns, strict=True))
    for name, at in cells.items():
        column = spread(name, *at, size)
        columns[name] = pc.coalesce(columns[name], column) if name in columns else column
    return pa.table(columns | {OTHER_PATHS: in_one_column([], size, stays)})


def paths_apart(documents: pa.Table) -> dict[str, None]:
    """The paths, escaped, that `OTHER_PATHS` has something at, in their order."""
    if OTHER_PATHS not in documents.column_names:
        return {}
    return {escaped(path): None for entries in documents[OTHER_PATHS].to_pylist() for path, _ in entries or ()}


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


def _untagged(value: str) -> str | float | bool:
    """The value that a tagged text keeps."""
    tag, bare = value[:1], value[1:]
    if tag == TEXT_TAG:
        return bare
    if tag == BOOLEAN_TAG:
        return bare == "true"
    number = parse_number(bare)
    if number is None:
        raise ValueError(f"{value!r} is no value of a document")
    return number


def values_at(document: dict[str, Any], path: str) -> list[str]:
    """The values a path reaches in a document, each as a tagged text, in the order of the document."""
    found = values_by_path(document).get(path, [])
    return [tagged(value) for value in (found if isinstance(found, list) else [found])]


def values_by_path(document: dict[str, Any]) -> dict[str, Any]:
    """All values that are neither null nor objects, by their path: the one value, or a list where it has several."""
    values: dict[str, Any] = {}
    _collect(document, "", values, set(), DEEPEST, outermost=True)
    return values


def _plain_number(value: float) -> int | float | None:
    """The number as the engine's own type keeps it exactly and writes it alike; None where it does not."""
    if isinstance(value, int):
        return value if MIN_INTEGER <= value <= MAX_INTEGER else None
    if value == 0:
        return 0.0
    return value if _SMALLEST_PLAIN_FLOAT <= abs(value) < _LARGEST_PLAIN_FLOAT else None


def _collect(  # noqa: PLR0913 - what is collected, and where it stands
    value: dict[str, Any] | list[Any],
    path: str,
    values: dict[str, Any],
    objects: set[str],
    levels: int,
    *,
    outermost: bool = False,
) -> bool:
    """Collect the values and the objects by their paths; False where they stand on more levels than that."""
    if not levels:
        return False
    if isinstance(value, dict):
        prefix = "" if outermost else f"{path}."
        members = [(prefix + key, member) for key, member in value.items()]
    else:
        members = [(path, member) for member in value]
    for at, member in members:
        if isinstance(member, dict | list):
            if isinstance(member, dict):
                objects.add(at)
            if not _collect(member, at, values, objects, levels - 1):
                return False
        elif member is not None:
            _keep(member, at, values)
    return True


def _too_deep(max_depth: int) -> DocumentError:
    return DocumentError(f"the document is nested more than {max_depth} deep")


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
