"""Rows out of Parquet."""

from __future__ import annotations

import shutil
import tempfile
from typing import IO, TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from trueline.importers.bulk_line import facts_encoder, line_encoder
from trueline.importers.columns import at_path, body_of, near_miss
from trueline.importers.errors import MappingError, RowError, SourceError
from trueline.importers.rows import RejectedRow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from trueline.importers.columns import Document
    from trueline.importers.mapping import ColumnMapping
    from trueline.importers.rows import EncodedRow
    from trueline.importers.sources import Opened, Source

_ROWS = 5_000


def read_parquet(source: Source, opened: Opened, mapping: ColumnMapping) -> Iterator[EncodedRow | RejectedRow]:
    """The rows of a Parquet file, numbered from 1, each as a bulk line or as rejected.

    Instants become ISO 8601 text, in UTC where the column has no zone; binary becomes base64.

    Raises:
        MappingError: The mapping names a column that the file does not have.
        SourceError: The file is no Parquet.
    """
    reduced = body_of(mapping)
    try:
        with _seekable(source, opened) as stream, pq.ParquetFile(stream) as file:
            _check(mapping, file.schema_arrow.names, source.name)
            facts = facts_encoder(mapping, at_path)
            encode = line_encoder(mapping, at_path, facts, reduced or _whole, source.row_name)
            total = max(file.metadata.num_rows, 1)
            number = 0
            for batch in file.iter_batches(_ROWS):
                for row in pa.Table.from_batches([batch]).cast(_plain(batch.schema), safe=False).to_pylist():
                    number += 1
                    try:
                        yield number, encode(row, number)
                    except RowError as error:
                        yield RejectedRow(number, str(error), {name: str(value) for name, value in row.items()})
                done = source.size * number // total
                opened.position = _at(done)
    except (pa.ArrowException, UnicodeDecodeError) as error:
        raise SourceError(f"{source.name} cannot be read as Parquet: {error}") from error


def _at(position: int) -> Callable[[], int]:
    return lambda: position


def _whole(row: Document) -> Document:
    return row


def _check(mapping: ColumnMapping, names: Sequence[str], file: str) -> None:
    """As for a header; but below a column's first level only the rows tell what is there."""
    for path in mapping.named_columns():
        starts = [path, *(path[:dot] for dot, character in enumerate(path) if character == ".")]
        if not any(start in names for start in starts):
            raise MappingError(f"{file} has no column {path!r}{near_miss(path, names)}")


def _plain(schema: pa.Schema) -> pa.Schema:
    """Nanoseconds cut to microseconds, the finest that a ledger keeps."""
    fields = [
        field.with_type(pa.timestamp("us", field.type.tz))
        if pa.types.is_timestamp(field.type) and field.type.unit == "ns"
        else field
        for field in schema
    ]
    return pa.schema(fields)


def _seekable(source: Source, opened: Opened) -> IO[bytes]:
    """Parquet is read from its end, so what is packed is unpacked to a temporary file first."""
    if source.member is None and not source.path.name.lower().endswith(".gz"):
        return source.path.open("rb")
    unpacked = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
    shutil.copyfileobj(opened.stream, unpacked, 1 << 20)
    unpacked.seek(0)
    return unpacked
