"""An import from its first file to its summary."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeVar

import msgspec

from trueline.importers.errors import MappingError
from trueline.importers.pipeline import Batches, Pipeline
from trueline.importers.reading import read_rows
from trueline.importers.rejected import Rejection

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trueline.importers.mapping import ColumnMapping
    from trueline.importers.pipeline import Answer, Batch, Sink
    from trueline.importers.rejected import RejectedFile
    from trueline.importers.sources import Source

Prepared = TypeVar("Prepared")

MAX_BYTES = 30 * 1024 * 1024
"""Bytes of one batch, a little under the 32 MiB that one bulk request may have."""

_SHOWN = 5


@dataclass(slots=True)
class Tally:
    """What an import has done so far."""

    accepted: int = 0
    replaced: int = 0
    """Of the accepted, those that named an event already there."""
    rejected: int = 0
    first_rejections: list[Rejection] = field(default_factory=list)
    """The first five, to be shown."""
    seconds: float = 0.0

    @property
    def read(self) -> int:
        """Rows read: each is accepted or rejected."""
        return self.accepted + self.rejected

    @property
    def rate(self) -> float:
        """Rows a second."""
        return self.read / self.seconds if self.seconds else 0.0


class Watcher(Protocol):
    """Is told how far the import has come, now and then, in the reading thread."""

    def reading(self, file: str, position: int, tally: Tally) -> None:
        """``position``: bytes read, of the sum of all sources' sizes."""


def import_files(
    sources: Sequence[Source],
    mapping: ColumnMapping,
    sink: Sink[Prepared],
    rejected: RejectedFile,
    watcher: Watcher,
) -> Tally:
    """Read the sources one after the other into the sink.

    Raises:
        ImporterError: A file or the sink failed. What was committed until then stays; running the import
            again takes the rest.
    """
    check_row_names(sources, mapping)
    tally = Tally()
    started = time.perf_counter()

    def answered(batch: Batch, answer: Answer) -> None:
        _count(tally, rejected, batch, answer)
        tally.seconds = time.perf_counter() - started

    batches = Batches(sink.max_lines, MAX_BYTES)
    before = 0
    try:
        with Pipeline(sink, answered) as pipeline:
            for source in sources:
                with source.open() as opened:
                    for batch in batches.of(source.name, read_rows(source, opened, mapping)):
                        pipeline.send(batch)
                        watcher.reading(source.name, before + opened.position(), tally)
                before += source.size
                watcher.reading(source.name, before, tally)
            for batch in batches.rest():
                pipeline.send(batch)
    finally:
        rejected.close()
    tally.seconds = time.perf_counter() - started
    return tally


def check_row_names(sources: Sequence[Source], mapping: ColumnMapping) -> None:
    """Refuse two files whose rows would take each other's ids.

    Raises:
        MappingError: Two sources share a name, and no column names the rows.
    """
    if mapping.id is not None or mapping.bulk:
        return
    named: dict[str, Source] = {}
    for source in sources:
        other = named.setdefault(source.row_name, source)
        if other is not source:
            raise MappingError(
                f"the rows of {other.name} and {source.name} would take each other's ids, "
                f"{source.row_name}:1 and so on: name a column that holds the id, or rename one file"
            )


def _count(tally: Tally, rejected: RejectedFile, batch: Batch, answer: Answer) -> None:
    tally.accepted += answer.accepted
    tally.replaced += answer.replaced
    found = [Rejection(file, row.number, row.error, row.row) for file, row in batch.rejected]
    for line, error in answer.rejected:
        file, number = batch.origin(line - 1)
        found.append(Rejection(file, number, error, _shown(bytes(batch.lines[line - 1]))))
    tally.rejected += len(found)
    order = {name: place for place, (_, name) in enumerate(batch.files)}
    for rejection in sorted(found, key=lambda each: (order[each.file], each.line)):
        if len(tally.first_rejections) < _SHOWN:
            tally.first_rejections.append(rejection)
        rejected.add(rejection)


def _shown(line: bytes) -> object:
    """The bulk line as JSON where it is some: a line that goes through as it is need not be."""
    try:
        msgspec.json.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return line.decode(errors="replace")
    return msgspec.Raw(line)
