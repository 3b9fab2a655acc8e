"""Taking in events and the decisions made on them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from msgspec.structs import replace

from trueline.catalog.records import Status
from trueline.instants import parse_micros
from trueline.ledger.documents import MAX_DEPTH
from trueline.service import lines
from trueline.service.additions import with_decision
from trueline.service.errors import EventNotFoundError, InvalidRequestError, JobStoppedError
from trueline.service.lines import LineError
from trueline.service.prepared import prepare_events, read_event
from trueline.service.sent import sent_decision
from trueline.service.waiting import MOST_BYTES, WaitingEvents

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Future

    from trueline.catalog.records import Job
    from trueline.ledger.store import Ledger
    from trueline.service.lines import BulkAnswer, EventLine, EventRow
    from trueline.service.prepared import PreparedEvents, ReadEvent
    from trueline.service.readers import Readers
    from trueline.service.writing import Writing


class Ingest:
    """Takes in events and decisions. What it has answered is durable and in the next answer."""

    def __init__(
        self,
        ledger: Ledger,
        writing: Writing,
        readers: Readers,
        *,
        most_waiting_bytes: int = MOST_BYTES,
        max_depth: int = MAX_DEPTH,
    ) -> None:
        """At most so many bytes wait to be written into one job."""
        self._ledger = ledger
        self._writing = writing
        self._readers = readers
        self._max_depth = max_depth
        self._waiting = WaitingEvents(ledger, writing, most_waiting_bytes)

    def bulk(self, job: Job, raw_lines: Sequence[bytes]) -> BulkAnswer:
        """Take in events, one NDJSON line each; a bad line leaves the good ones in."""
        return self.commit(self.prepare(job, raw_lines))

    def prepare(self, job: Job, raw_lines: Sequence[bytes]) -> PreparedEvents:
        """Read and check lines without touching any store; blank lines are passed over.

        Raises:
            JobStoppedError: the job takes in no events.
        """
        _refuse_if_stopped(job)
        return self._readers.prepare(job, self._ledger.keys, raw_lines)

    def preparer(self, job: Job) -> Callable[[Sequence[bytes | EventRow]], PreparedEvents]:
        """What `prepare` does, also for rows of files, as a function that can be handed to another process."""
        return partial(prepare_events, job, self._ledger.keys, max_depth=self._max_depth)

    def read(self, job: Job, line: EventLine) -> ReadEvent:
        """Read and check what one line says, as `prepare` does.

        Raises:
            LineError, DocumentError: it cannot be taken.
            JobStoppedError: the job takes in no events.
        """
        _refuse_if_stopped(job)
        return read_event(job, self._ledger.keys, line, max_depth=self._max_depth)

    def put(self, prepared: PreparedEvents | ReadEvent) -> Future[BulkAnswer]:
        """Have prepared events written, durably, with their decisions and votes, together with what else waits.

        The answer comes when they are in the next answer, or else what went wrong, such as that the job was stopped
        meanwhile. Nobody need wait in a thread.

        Raises:
            TooMuchWaitingError: more waits for the job than is kept.
        """
        return self._waiting.put(prepared)

    def commit(self, prepared: PreparedEvents) -> BulkAnswer:
        """As `put`, and wait for the answer."""
        return self.put(prepared).result()

    def close(self) -> None:
        """Write what still waits; after that nothing is taken in."""
        self._waiting.close()
        self._readers.close()

    def decide(  # noqa: PLR0913 - a decision has that many parts
        self,
        job: Job,
        event_id: str,
        *,
        label: str,
        confidence: float | None = None,
        model_id: str | None = None,
        decided_at: str | None = None,
        outlier: bool | None = None,
    ) -> None:
        """Record a decision made elsewhere on an event that is there.

        Raises:
            EventNotFoundError: no such event.
            InvalidRequestError: an unknown label, a confidence outside 0 to 100, an unreadable time.
        """
        line = lines.DecisionLine(label, confidence, model_id, decided_at, outlier)
        try:
            lines.identifier("event_id", event_id)
            sent = sent_decision(job, line)
        except LineError as error:
            raise InvalidRequestError(("body",), str(error)) from None
        key = self._ledger.keys.event(event_id)
        with self._writing.on(job.id):
            standing = self._ledger.events.standing(job.id, [key])
            event = standing.versions.get(key)
            if event is None or event.event_id != event_id:
                raise EventNotFoundError(event_id)
            arrival = self._ledger.clock.next()
            decisions = with_decision(event.decisions, sent, arrival)
            if decisions is not event.decisions:
                now = replace(event, version=arrival, decisions=decisions)
                self._ledger.events.write(job.id, [], [now], standing.documents, standing)


def _refuse_if_stopped(job: Job) -> None:
    """Spare the reading; what counts is what the job is when it is written to."""
    if job.status is Status.DISABLED:
        raise JobStoppedError(job.title)


def moment_or_arrival(location: tuple[str | int, ...], text: str | None, arrival: int) -> int:
    """Read a moment of a request, or take the arrival where there is none.

    Raises:
        InvalidRequestError: it cannot be read.
    """
    if text is None:
        return arrival
    try:
        return parse_micros(text)
    except ValueError as error:
        raise InvalidRequestError(location, str(error)) from None
