"""Columns of rows on their way into a store."""

from __future__ import annotations

from typing import Final

import pyarrow as pa

MOMENT: Final = pa.timestamp("us", "UTC")
"""The type of moments: microseconds since 1970."""


def repeated(value: object, kind: pa.DataType, size: int) -> pa.Array:
    """A column of `size` rows that all say the same."""
    return pa.repeat(pa.scalar(value, kind), size)
