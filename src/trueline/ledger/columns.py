"""Columns of rows on their way into a store."""

from __future__ import annotations

from typing import Final

import pyarrow as pa

MOMENT: Final = pa.timestamp("us", "UTC")
"""The type of moments: microseconds since 1970."""


def repeated(value: object, kind: pa.DataType, size: int) -> pa.Array:
    """A column of `size` rows that all say the same."""
    return pa.repeat(pa.scalar(value, kind), size)


def in_microseconds(kind: pa.DataType) -> pa.DataType:
    """The type with each moment as the integer that it is, at any depth."""
    if pa.types.is_timestamp(kind):
        return pa.int64()
    if pa.types.is_list(kind):
        return pa.list_(in_microseconds(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(in_microseconds(field.type)) for field in kind])
    return kind


def beside(rows: pa.Table, others: pa.Table) -> pa.Table:
    """The columns of both, row for row."""
    for name in others.column_names:
        rows = rows.append_column(name, others[name])
    return rows
