"""An import from its first file to its summary."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

import msgspec

from trueline.importers.apart import iterated_apart
from trueline.importers.batches import Batches
from trueline.importers.errors import MappingError
from trueline.importers.pipeline import Pipeline
from trueline.importers.reading import read_rows
from trueline.importers.rejected import Rejection

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from trueline.importers.batches import Batch, Origins
    from trueline.importers.mapping import ColumnMapping
    from trueline.importers.pipeline import Answer, Sink
    from trueline.importers.rejected import RejectedFile
    from trueline.importers.sources import Source
    from trueline.service.lines import EventRow

Prepared = TypeVar("Prepared")

MAX_BYTES = 30 * 1024 * 1024
"""Bytes of one batch, a little under the 32 MiB that one bulk request may have."""

_SHOWN = 5

WORTH_A_PROCESS = 8 * 1024 * 1024
"""Bytes to read from which on reading has a process of its own: about what is read while one starts."""


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
    """Is told how far the import has come, now and then."""

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

    def answered(origins: Origins, answer: Answer) -> None:
        _count(tally, rejected, origins, answer)
        tally.seconds = time.perf_counter() - started

    reading: Callable[[], Generator[_Step[Prepared], None, None]]
    reading = partial(_read, sources, mapping, sink.prepare, sink.max_lines)
    apart = sum(source.size for source in sources) >= WORTH_A_PROCESS
    try:
        with Pipeline(sink, answered) as pipeline, closing(iterated_apart(reading) if apart else reading()) as steps:
            for step in steps:
                if step.origins is not None:
                    pipeline.send(step.origins, step.prepared)
                watcher.reading(step.file, step.position, tally)
    finally:
        rejected.close()
    tally.seconds = time.perf_counter() - started
    return tally


@dataclass(frozen=True, slots=True)
class _Step(Generic[Prepared]):
    """A batch read, or the end of a file reached."""

    file: str
    position: int
    """Bytes read, of the sum of all sources' sizes."""
    origins: Origins | None = None
    """``None`` at the end of a file."""
    prepared: Prepared | None = None
    """``None`` where no row made a line."""


def _read(
    sources: Sequence[Source],
    mapping: ColumnMapping,
    prepare: Callable[[Sequence[bytes | EventRow]], Prepared],
    max_lines: int,
) -> Generator[_Step[Prepared], None, None]:
    """Read the sources one after the other, and prepare their rows in batches."""

    def step(position: int, batch: Batch) -> _Step[Prepared]:
        return _Step(source.name, position, batch.origins, prepare(batch.lines) if batch.lines else None)

    batches = Batches(max_lines, MAX_BYTES)
    before = 0
    for source in sources:
        with source.open() as opened:
            for batch in batches.of(source.name, read_rows(source, opened, mapping)):
                yield step(before + opened.position(), batch)
        before += source.size
        yield _Step(source.name, before)
    for batch in batches.rest():
        yield step(before, batch)


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


def _count(tally: Tally, rejected: RejectedFile, origins: Origins, answer: Answer) -> None:
    tally.accepted += answer.accepted
    tally.replaced += answer.replaced
    found = [Rejection(file, row.number, row.error, row.row) for file, row in origins.rejected]
    for each in answer.rejected:
        file, number = origins.of(each.line - 1)
        found.append(Rejection(file, number, each.error, None if each.text is None else _shown(each.text)))
    tally.rejected += len(found)
    order = {name: place for place, (_, name) in enumerate(origins.files)}
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
