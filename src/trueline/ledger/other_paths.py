"""One column for what stands at the paths that have no columns of their own.

Documents that have very many paths between them are laid out in `MOST_COLUMNS` columns; what stands at further paths is
put into one column for them all, `OTHER_PATHS`, and taken back from there where a table has columns for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from trueline.ledger.document_columns import (
    ARROW_TYPES,
    OBJECT_TAG,
    ValueKind,
    column_name,
    escaped,
    parts_of,
    path_of,
    placed,
    tagged,
    untagged,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

OTHER_PATHS: Final = "other_paths"
"""The column of all paths without columns: lists of tagged values by path; an object is `OBJECT_TAG` alone."""

OTHER_PATHS_TYPE: Final = pa.map_(pa.string(), pa.list_(pa.string()))

MOST_COLUMNS: Final = 4_096
"""Columns that documents are laid out in at once: each takes memory for every row, whether it has a value or not."""

NO_COLUMNS: Final = column_name(ValueKind.OBJECT, "")
"""Stands alone, all null, in the table of documents that have nothing."""

Cells = dict[str, tuple[list[int], list[Any]]]
"""By column: the rows that have a value, and the values."""


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


def fill_up(columns: dict[str, pa.Array], more: dict[str, pa.Array]) -> None:
    """Put further columns among some; where both have one of a name, what the first says stands."""
    for name, column in more.items():
        columns[name] = pc.coalesce(columns[name], column) if name in columns else column


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
    table = pa.concat_tables(tables, promote_options="permissive").combine_chunks()
    has_more = table.num_columns > 1 and NO_COLUMNS in table.column_names
    return table.drop_columns([NO_COLUMNS]) if has_more and table[NO_COLUMNS].null_count == len(table) else table


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
                kind, kept = placed(untagged(plain[0])) if len(plain) == 1 else (ValueKind.SEVERAL, plain)
                put(cells, column_name(kind, path), row, kept)
    if not cells:
        return documents
    columns = dict(zip(documents.column_names, documents.columns, strict=True))
    fill_up(columns, {name: spread(name, *at, size) for name, at in cells.items()})
    return pa.table(columns | {OTHER_PATHS: in_one_column([], size, stays)})


def paths_apart(documents: pa.Table) -> dict[str, None]:
    """The paths, escaped, that `OTHER_PATHS` has something at, in their order."""
    if OTHER_PATHS not in documents.column_names:
        return {}
    return {escaped(path): None for entries in documents[OTHER_PATHS].to_pylist() for path, _ in entries or ()}
