"""Documents laid out for filters, in the columns that `document_columns` tells of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from trueline.ledger.document_columns import (
    MAX_PATH_LENGTH,
    ValueKind,
    column_name,
    columns_of,
    kind_of,
    parts_of,
    placed,
)
from trueline.ledger.other_paths import (
    MOST_COLUMNS,
    NO_COLUMNS,
    OTHER_PATHS,
    first_paths,
    in_one_column,
    joined,
    put,
    spread,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from trueline.ledger.layouts import Fitted, Layout
    from trueline.ledger.other_paths import Cells

MAX_DEPTH = 64
"""Objects and lists inside each other, the document itself included, unless a setting says otherwise."""
DEEPEST = 256
"""The most that the setting may be: what is stored is read back by functions that call themselves."""
MAX_PATHS = 10_000
"""Distinct paths of one document."""
_ROWS_WORTH_A_SHAPE = 16


class DocumentError(ValueError):
    """A document that cannot be kept searchable."""


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
_DOUBLE, _INTEGER = f"{ValueKind.DOUBLE}_", f"{ValueKind.INTEGER}_"
_OF_TWO_KINDS = {str, int, float}
"""Types of which it takes the value to tell the kind: texts may be long, numbers unusual."""
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
                columns.append(None if value is None else column_name(kind_of(type(value)), path))
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
        kind, kept = placed(value)
        columns[column_name(kind, path)] = kept
    key = (tuple(columns), *sorted(objects))
    shape = _SHAPES.get(key) or _SHAPES.keep(
        key, Shape(tuple(columns), tuple(column_name(ValueKind.OBJECT, path) for path in objects))
    )
    return Searchable(shape, list(columns.values()))  # type: ignore[arg-type]


def laid_out(documents: Sequence[Searchable | Fitted]) -> pa.Table:
    """Documents, a row each, as columns of `ARROW_TYPES`; what a document lacks is null.

    Where they would take more than `MOST_COLUMNS`, there is `OTHER_PATHS` too.
    """
    fitted: dict[Layout, tuple[list[int], list[Fitted]]] = {}
    others: tuple[list[int], list[Searchable]] = ([], [])
    for row, document in enumerate(documents):
        if isinstance(document, Searchable):
            others[0].append(row)
            others[1].append(document)
        else:
            rows, alike = fitted.setdefault(document.layout, ([], []))
            rows.append(row)
            alike.append(document)
    parts = [(rows, layout.columns(alike)) for layout, (rows, alike) in fitted.items()]
    if others[0] or not parts:
        parts += _by_shape(*others)
    tables = [_table(columns, len(rows)) for rows, columns in parts]
    if len(tables) == 1:
        return tables[0]
    order = pc.array_sort_indices(pa.array([row for rows, _ in parts for row in rows], pa.int64()))
    return joined(tables).take(order)


def _by_shape(rows: list[int], documents: Sequence[Searchable]) -> list[tuple[list[int], dict[str, pa.Array]]]:
    """The columns of documents in these rows: of all at once, or of those of each shape, and the rows they are of."""
    groups: dict[Shape, list[int]] = {}
    for place, document in enumerate(documents):
        groups.setdefault(document.shape, []).append(place)
    if not documents or len(groups) * _ROWS_WORTH_A_SHAPE > len(documents) or _are_wide(groups):
        return [(rows, _gathered(documents))]
    return [
        ([rows[place] for place in places], _columns(shape, [documents[place].values for place in places]))
        for shape, places in groups.items()
    ]


def _table(columns: dict[str, pa.Array], size: int) -> pa.Table:
    # a table without columns would have no rows either
    return pa.table(columns or {NO_COLUMNS: pa.nulls(size, pa.bool_())})


def _are_wide(shapes: Iterable[Shape]) -> bool:
    """Whether documents of these shapes would take more columns than they are to have at once."""
    names: set[str | None] = set()
    for shape in shapes:
        names.update(shape.columns, shape.objects)
        if len(names) > MOST_COLUMNS // 2:  # unusual numbers and long texts may take a second one each
            return True
    return False


def _gathered(documents: Sequence[Searchable]) -> dict[str, pa.Array]:
    """The columns of documents that have hardly a shape in common."""
    cells: Cells = {}
    for row, document in enumerate(documents):
        for name, value in zip(document.shape.columns, document.values, strict=True):
            if type(value) in _OF_TWO_KINDS:
                kind, kept = placed(value)
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


def _columns(shape: Shape, documents: list[list[Any]]) -> dict[str, pa.Array]:
    """The columns of documents of one shape."""
    columns: dict[str, pa.Array] = {}
    for name, values in zip(shape.columns, zip(*documents, strict=True), strict=True):
        if name is not None:
            columns |= columns_of(*parts_of(name), values)
    present = pa.repeat(pa.scalar(value=True), len(documents)) if shape.objects else None
    return columns | dict.fromkeys(shape.objects, present)


def values_by_path(document: dict[str, Any]) -> dict[str, Any]:
    """All values that are neither null nor objects, by their path: the one value, or a list where it has several."""
    values: dict[str, Any] = {}
    _collect(document, "", values, set(), DEEPEST, outermost=True)
    return values


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
