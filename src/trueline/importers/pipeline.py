"""Storing while reading goes on: one thread takes what was read, another one waits for the store."""

from __future__ import annotations

import queue
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from trueline.importers.errors import SinkError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from trueline.importers.batches import Origins
    from trueline.service.lines import EventRow

Prepared = TypeVar("Prepared")

_AHEAD = 2
"""Batches prepared while one is being stored: enough to bridge a slow one, few enough for little memory."""


@dataclass(frozen=True, slots=True)
class RejectedLine:
    """A line of a batch that was not taken."""

    line: int
    """Its place in the batch, from 1."""
    error: str
    text: bytes | None
    """The line; ``None`` where it is not kept so long."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a batch."""

    accepted: int
    replaced: int
    """Of the accepted, those that named an event already there."""
    rejected: list[RejectedLine]


class Sink(Protocol[Prepared]):
    """Where bulk lines go."""

    @property
    def max_lines(self) -> int:
        """Most lines of one batch."""

    @property
    def prepare(self) -> Callable[[Sequence[bytes | EventRow]], Prepared]:
        """What can be done with the lines without waiting for the store; it and its results can be pickled."""

    def commit(self, prepared: Prepared) -> Answer:
        """Store; in the other thread, in the order of the batches. Durable when it returns."""


class Pipeline(Generic[Prepared]):
    """Takes prepared batches from one thread and commits them in one other, in their order.

    An exception of the sink ends the import: it is raised in the first thread at its next step.
    """

    def __init__(self, sink: Sink[Prepared], answered: Callable[[Origins, Answer], None]) -> None:
        """``answered`` is called in the committing thread for each batch that the sink has stored."""
        self._sink = sink
        self._answered = answered
        self._queue: queue.Queue[tuple[Origins, Prepared | None] | None] = queue.Queue(_AHEAD)
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

    def send(self, origins: Origins, prepared: Prepared | None) -> None:
        """Hand a batch over, ``None`` where no row made a line; waits while too many are on their way."""
        self._raise_failure()
        self._queue.put((origins, prepared))

    def _raise_failure(self) -> None:
        if self._failure is not None:
            if isinstance(self._failure, OSError):  # else it would pass for one of reading the file
                raise SinkError(f"the rows cannot be stored: {self._failure}") from self._failure
            raise self._failure

    def _commit_all(self) -> None:
        # after a failure the queue is emptied without effect, so that the other thread never waits in vain
        while (item := self._queue.get()) is not None:
            if self._failure is not None or self._abandoned:
                continue
            origins, prepared = item
            try:
                answer = Answer(0, 0, []) if prepared is None else self._sink.commit(prepared)
                self._answered(origins, answer)
            except BaseException as error:  # noqa: BLE001 - raised again in the other thread
                self._failure = error
