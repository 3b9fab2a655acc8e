"""Reading and storing side by side: one thread reads and encodes, another one waits for the store."""

from __future__ import annotations

import queue
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from trueline.importers.errors import SinkError
from trueline.importers.rows import RejectedRow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from trueline.importers.rows import EncodedRow
    from trueline.service.lines import EventRow

Prepared = TypeVar("Prepared")

_AHEAD = 2
"""Batches prepared while one is being stored: enough to bridge a slow one, few enough for little memory."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a batch."""

    accepted: int
    replaced: int
    """Of the accepted, those that named an event already there."""
    rejected: list[tuple[int, str]]
    """Lines of the batch, from 1, and what is wrong with them."""


class Sink(Protocol[Prepared]):
    """Where bulk lines go."""

    @property
    def max_lines(self) -> int:
        """Most lines of one batch."""

    def prepare(self, lines: Sequence[bytes | EventRow]) -> Prepared:
        """What can be done in the reading thread, without waiting for the store."""

    def commit(self, prepared: Prepared) -> Answer:
        """Store; in the other thread, in the order of the batches. Durable when it returns."""


@dataclass(slots=True)
class Batch:
    """Bulk lines on their way, and where they come from."""

    lines: list[bytes | EventRow] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    """For each line its row's number in its file."""
    files: list[tuple[int, str]] = field(default_factory=list)
    """The names of the files, each with the first of :attr:`lines` that comes from it."""
    rejected: list[tuple[str, RejectedRow]] = field(default_factory=list)
    """Rows that the reader could make nothing of, with their files."""

    def origin(self, place: int) -> tuple[str, int]:
        """File and row number of the line at a place in :attr:`lines`."""
        file = next(name for first, name in reversed(self.files) if first <= place)
        return file, self.numbers[place]


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
        batch.files.append((len(batch.lines), file))
        for row in rows:
            if isinstance(row, RejectedRow):
                batch.rejected.append((file, row))
                full = len(batch.rejected) >= self._max_lines
            else:
                number, line = row
                if size + len(line) >= self._max_bytes and batch.lines:
                    yield batch
                    batch, size = Batch(files=[(0, file)]), 0
                batch.lines.append(line)
                batch.numbers.append(number)
                size += len(line) + 1
                full = len(batch.lines) >= self._max_lines
            if full:
                yield batch
                batch, size = Batch(files=[(0, file)]), 0
        self._batch, self._bytes = batch, size

    def rest(self) -> Iterator[Batch]:
        """What has not filled a batch."""
        if self._batch.lines or self._batch.rejected:
            yield self._batch
        self._batch, self._bytes = Batch(), 0


class Pipeline(Generic[Prepared]):
    """Takes batches from the reading thread and commits them in one other thread, in their order.

    An exception of the sink ends the import: it is raised in the reading thread at its next step.
    """

    def __init__(self, sink: Sink[Prepared], answered: Callable[[Batch, Answer], None]) -> None:
        """``answered`` is called in the committing thread for each batch that the sink has stored."""
        self._sink = sink
        self._answered = answered
        self._queue: queue.Queue[tuple[Batch, Prepared | None] | None] = queue.Queue(_AHEAD)
        self._failure: BaseException | None = None
        self._abandoned = False
        self._thread = threading.Thread(target=self._commit_all, name="trueline-import", daemon=True)

    def __enter__(self) -> Pipeline[Prepared]:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._abandoned = kind is not None
        self._queue.put(None)
        self._thread.join()
        if kind is None:
            self._raise_failure()

    def send(self, batch: Batch) -> None:
        """Hand a batch over; waits while too many are on their way."""
        self._raise_failure()
        self._queue.put((batch, self._sink.prepare(batch.lines) if batch.lines else None))

    def _raise_failure(self) -> None:
        if self._failure is not None:
            if isinstance(self._failure, OSError):  # else it would pass for one of reading the file
                raise SinkError(f"the rows cannot be stored: {self._failure}") from self._failure
            raise self._failure

    def _commit_all(self) -> None:
        # after a failure the queue is emptied without effect, so that the reading thread never waits in vain
        while (item := self._queue.get()) is not None:
            if self._failure is not None or self._abandoned:
                continue
            batch, prepared = item
            try:
                answer = Answer(0, 0, []) if prepared is None else self._sink.commit(prepared)
                self._answered(batch, answer)
            except BaseException as error:  # noqa: BLE001 - raised again in the reading thread
                self._failure = error
