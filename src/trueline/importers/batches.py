"""Rows of one file after another gathered into batches, each row's place remembered."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from trueline.importers.rows import RejectedRow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trueline.importers.rows import EncodedRow
    from trueline.service.lines import EventRow


@dataclass(slots=True)
class Origins:
    """Where the lines of a batch come from, and which rows made no line."""

    numbers: list[int] = field(default_factory=list)
    """For each line its row's number in its file."""
    files: list[tuple[int, str]] = field(default_factory=list)
    """The names of the files, each with the first line, from 0, that comes from it."""
    rejected: list[tuple[str, RejectedRow]] = field(default_factory=list)
    """Rows that the reader could make nothing of, with their files."""

    def of(self, place: int) -> tuple[str, int]:
        """File and row number of a line, counted from 0."""
        file = next(name for first, name in reversed(self.files) if first <= place)
        return file, self.numbers[place]


@dataclass(slots=True)
class Batch:
    """Bulk lines on their way."""

    lines: list[bytes | EventRow] = field(default_factory=list)
    origins: Origins = field(default_factory=Origins)


class Batches:
    """Gathers rows of one file after another into batches."""

    def __init__(self, max_lines: int, max_bytes: int) -> None:
        """A batch is full with this many lines, or before a line that would bring it over this many bytes."""
        self._max_lines = max_lines
        self._max_bytes = max_bytes
        self._batch = Batch()
        self._bytes = 0

    def of(self, file: str, rows: Iterator[EncodedRow | RejectedRow]) -> Iterator[Batch]:
        """The batches that these rows fill; the last rows stay for :meth:`rest` or the next file."""
        batch, size = self._batch, self._bytes
        batch.origins.files.append((len(batch.lines), file))
        for row in rows:
            if isinstance(row, RejectedRow):
                batch.origins.rejected.append((file, row))
                full = len(batch.origins.rejected) >= self._max_lines
            else:
                number, line = row
                if size + len(line) >= self._max_bytes and batch.lines:
                    yield batch
                    batch, size = _begun(file), 0
                batch.lines.append(line)
                batch.origins.numbers.append(number)
                size += len(line) + 1
                full = len(batch.lines) >= self._max_lines
            if full:
                yield batch
                batch, size = _begun(file), 0
        self._batch, self._bytes = batch, size

    def rest(self) -> Iterator[Batch]:
        """What has not filled a batch."""
        if self._batch.lines or self._batch.origins.rejected:
            yield self._batch
        self._batch, self._bytes = Batch(), 0


def _begun(file: str) -> Batch:
    return Batch(origins=Origins(files=[(0, file)]))
