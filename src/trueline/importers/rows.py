"""What readers hand on: rows as bulk lines, and rows that cannot be."""

from __future__ import annotations

from dataclasses import dataclass

from trueline.service.lines import EventRow

EncodedRow = tuple[int, bytes | EventRow]
"""The line of the file that the row begins on (in Parquet the row's number, from 1), and its bulk line, or what
``bytes`` makes one of."""


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A row that cannot become an event."""

    number: int
    error: str
    row: object
    """The row as far as it could be read: cells, a document, text; ``None`` if not at all."""
