"""From a source to its rows, whatever its format."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trueline.importers.delimited import read_delimited
from trueline.importers.ndjson import read_ndjson

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trueline.importers.mapping import ColumnMapping
    from trueline.importers.rows import EncodedRow, RejectedRow
    from trueline.importers.sources import Opened, Source


def read_rows(source: Source, opened: Opened, mapping: ColumnMapping) -> Iterator[EncodedRow | RejectedRow]:
    """The rows of an opened source in their order, each as a bulk line or as rejected."""
    if source.format == "parquet":
        from trueline.importers.parquet import read_parquet  # noqa: PLC0415 - Arrow takes its time to load

        return read_parquet(source, opened, mapping)
    if source.format == "ndjson":
        return read_ndjson(source, opened, mapping)
    return read_delimited(source, opened, mapping)
