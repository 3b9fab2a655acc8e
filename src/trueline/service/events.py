"""One event at a time: sent, asked about, exported."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from trueline.filters.fields import OwnField
from trueline.instants import format_instant, from_micros
from trueline.ledger.documents import DocumentError
from trueline.service.envelope import enclosed
from trueline.service.errors import EventNotFoundError, InvalidRequestError
from trueline.service.lines import EventLine, LineError
from trueline.service.question import everything

if TYPE_CHECKING:
    from collections.abc import Mapping
    from concurrent.futures import Future

    from trueline.catalog.records import Job
    from trueline.catalog.store import Catalog
    from trueline.ledger.store import Ledger
    from trueline.service.ingest import Ingest
    from trueline.service.lines import BulkAnswer


@dataclass(frozen=True, slots=True)
class SentAlone:
    """An event on its way into a job."""

    event_id: str
    answer: Future[BulkAnswer]


class Events:
    """The events of one Trueline, one by one."""

    def __init__(self, ledger: Ledger, catalog: Catalog, ingest: Ingest) -> None:
        self._ledger = ledger
        self._catalog = catalog
        self._ingest = ingest

    def send(self, job: Job, event_id: str | None, raw_body: bytes, envelope: Mapping[str, object]) -> SentAlone:
        """Have an event without a decision taken in: see `Ingest.put`; without an id it gets one.

        Raises:
            InvalidRequestError: the id or the document cannot be taken.
        """
        try:
            read = self._ingest.read(job, EventLine(msgspec.Raw(enclosed(raw_body, envelope)), event_id))
        except (LineError, DocumentError) as error:
            raise InvalidRequestError(("body",), str(error)) from None
        return SentAlone(read.event.event_id, self._ingest.put(read))

    def receipt(self, job: Job, event_id: str, taken: BulkAnswer) -> dict[str, Any]:
        """What to tell the sender of an event that came alone, by the answer to it."""
        if taken.rejected:
            raise InvalidRequestError(("body",), taken.rejected[0].error)
        status = "pending_inference"
        if taken.replaced:  # it may have been decided before, and stays so
            status = self.state(job, event_id)["status"]
        return {
            "event_id": event_id,
            "job_id": job.id,
            "ingest_timestamp": format_instant(from_micros(taken.arrived_at[0])),
            "status": status,
            "error_message": "",
        }

    def state(self, job: Job, event_id: str) -> dict[str, Any]:
        """What came of an event, each value that of the own field that filters know.

        Raises:
            EventNotFoundError: no such event.
        """
        by_bucket = job.grouping == "bucket"
        of_subject = OwnField.BUCKET_STATE if by_bucket else OwnField.KNOWLEDGE_BASE_STATE
        active = self._catalog.active_model(job.id)
        population = everything(job, None if active is None else active.training)
        found = self._ledger.count.own_fields(population, self._ledger.keys.event(event_id), (*_SHOWN, of_subject))
        if found is None or found[0] != event_id:
            raise EventNotFoundError(event_id)
        named, arrived_at, status, result, label, confidence, outlier, state = found
        return {
            "event_id": named,
            "ingest_timestamp": format_instant(arrived_at),
            "status": status,
            "result": result or None,
            "result_label": label or None,
            "confidence_score": confidence,
            "outlier": outlier,
            "error_message": "",
            "bucket_state" if by_bucket else "knowledge_base_state": state,
        }

    def export(self, job: Job, event_id: str) -> dict[str, Any]:
        """The document of an event as it was sent.

        Raises:
            EventNotFoundError: no such event.
        """
        found = self._ledger.events.as_sent(job.id, self._ledger.keys.event(event_id))
        if found is None or found[0] != event_id:
            raise EventNotFoundError(event_id)
        named, arrived_at, raw_body = found
        return {
            "arcanna_event": msgspec.Raw(raw_body),
            "event_id": named,
            "ingest_timestamp": format_instant(arrived_at),
            "status": "OK",
        }


_SHOWN = (
    OwnField.ORIGINAL_ID,
    OwnField.TIMESTAMP_INFERENCE,
    OwnField.PIPELINE_STATUS,
    OwnField.RESULT,
    OwnField.RESULT_LABEL,
    OwnField.CONFIDENCE_SCORE,
    OwnField.OUTLIER_FLAG,
)
