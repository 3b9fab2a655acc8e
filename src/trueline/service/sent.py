"""Events as they were sent, read and checked before any store is asked."""

from __future__ import annotations

import hashlib
import uuid
from typing import TYPE_CHECKING

import msgspec

from trueline.ledger.document_columns import tagged
from trueline.ledger.documents import searchable, values_by_path
from trueline.service import lines
from trueline.service.documents import DocumentReader, ReadDocument
from trueline.service.lines import LineError

if TYPE_CHECKING:
    from trueline.catalog.records import Job
    from trueline.ledger.documents import Searchable
    from trueline.ledger.keys import KeyMaker
    from trueline.ledger.layouts import Fitted

_MAX_CONFIDENCE = 100


class SentDecision(msgspec.Struct, frozen=True, gc=False):
    """A decision as it was sent, checked; without a time it is made at arrival."""

    label: str
    confidence: float | None
    model_id: str
    outlier: bool | None
    decided_at: int | None


class SentVote(msgspec.Struct, frozen=True, gc=False):
    """A vote that came with its event, checked; without a time it is given at arrival."""

    analyst: str
    label: str | None
    at: int | None
    review_probability: float | None = None
    review_reason: str = ""
    note: str = ""


class Said(msgspec.Struct, frozen=True, gc=False):
    """What is said of an event by those who judge it; events that the same is said of share one."""

    decision: SentDecision | None
    votes: tuple[SentVote, ...]


class CheckedEvent(msgspec.Struct, frozen=True, gc=False):
    """An event as it was sent, checked; what its document is, its own kinds say."""

    line: int
    event_id: str
    event_key: int
    ts: int | None
    bucket_id: str
    subject_key: int
    raw_body: bytes
    said: Said


class SentEvent(CheckedEvent, frozen=True, gc=False):
    """An event as it was sent, its document ready to be laid out."""

    document: Searchable | Fitted
    named_here: bool = False
    """Whether it came without an id and got one that no other event has."""


class _Facts(msgspec.Struct, frozen=True, gc=False):
    """What is said of an event beside its id and its document."""

    ts: int | None
    bucket_id: str | None
    said: Said


class EventReader:
    """Reads the events of one request into a job.

    Neighbours often share time, decision and vote, so each such text is read once.
    """

    def __init__(self, job: Job, keys: KeyMaker, max_depth: int) -> None:
        self._job = job
        self._keys = keys
        self._max_depth = max_depth
        self._documents = DocumentReader(max_depth)
        self._by_bucket = job.grouping == "bucket"
        self._facts_of_rows: dict[bytes, _Facts] = {}
        self._said: dict[tuple[bytes, bytes], Said] = {}

    def line(self, number: int, raw: bytes) -> SentEvent:
        """Read a bulk line.

        Raises:
            LineError, DocumentError: it cannot be taken.
        """
        return self.said(number, lines.read_event_line(raw))

    def said(self, number: int, line: lines.EventLine) -> SentEvent:
        """Read what a line says.

        Raises:
            LineError, DocumentError: it cannot be taken.
        """
        event_id = lines.identifier("event_id", line.event_id)
        body = bytes(line.raw_body)
        document = self._documents.read(body)
        facts = self._facts(line)
        return self._event(number, event_id, body, document.made, self._whole(facts, document, body))

    def row(self, number: int, row: lines.EventRow) -> SentEvent:
        """Read a row of a file.

        Raises:
            LineError, DocumentError: it cannot be taken.
        """
        facts = self._facts_of_rows.get(row.facts)
        if facts is None:
            facts = self._facts_of_rows[row.facts] = self._facts(lines.read_event_row(row))
        event_id = lines.identifier("event_id", row.event_id)
        document = ReadDocument(searchable(row.document, self._max_depth), row.document)
        facts = self._whole(facts, document, row.raw_body)
        return self._event(number, event_id, row.raw_body, document.made, facts)

    def _facts(self, line: lines.EventLine) -> _Facts:
        told = (bytes(line.decision), bytes(line.votes))
        said = self._said.get(told)
        if said is None:
            said = self._said[told] = Said(self._decision(told[0]), self._votes(told[1]))
        return _Facts(
            None if line.timestamp is None else lines.moment("timestamp", line.timestamp),
            lines.identifier("bucket_id", line.bucket_id),
            said,
        )

    def _decision(self, raw: bytes) -> SentDecision | None:
        line = lines.read_decision(raw)
        return None if line is None else sent_decision(self._job, line)

    def _votes(self, raw: bytes) -> tuple[SentVote, ...]:
        return tuple(self._vote(vote) for vote in lines.read_votes(raw))

    def _vote(self, vote: lines.VoteOnEventLine) -> SentVote:
        remark = lines.remark(vote.review_probability, vote.review_reason, vote.note)
        return SentVote(
            lines.analyst_name(vote.analyst),
            None if vote.label is None else lines.known_label(self._job, vote.label),
            None if vote.at is None else lines.moment("votes: at", vote.at),
            remark.review_probability,
            remark.review_reason,
            remark.note,
        )

    def _whole(self, facts: _Facts, document: ReadDocument, body: bytes) -> _Facts:
        """With the time and the bucket that the document tells, where nothing else does.

        Raises:
            LineError: it does not tell what it has to, or something else.
        """
        ts, bucket_id = facts.ts, facts.bucket_id
        wants_bucket = self._by_bucket and not bucket_id
        if ts is not None and not wants_bucket:
            return facts
        if ts is None:
            ts = _own_moment(document.at("@timestamp"))
        if wants_bucket:
            bucket_id = bucket_of(self._job, lines.read_document(body) if document.said is None else document.said)
        return _Facts(ts, bucket_id, facts.said)

    def _event(
        self, number: int, named: str | None, body: bytes, document: Searchable | Fitted, facts: _Facts
    ) -> SentEvent:
        event_id = uuid.uuid4().hex if named is None else named
        event_key = self._keys.event(event_id)
        bucket_id, subject_key = "", event_key
        if self._by_bucket:
            bucket_id = facts.bucket_id or ""
            subject_key = self._keys.bucket(bucket_id)
        return SentEvent(
            number,
            event_id,
            event_key,
            facts.ts,
            bucket_id,
            subject_key,
            body,
            facts.said,
            document,
            named is None,
        )


def _own_moment(said: object) -> int | None:
    """The time that a document tells itself, if it does.

    Raises:
        LineError: it tells something else there.
    """
    if said is None:
        return None
    if not isinstance(said, str):
        raise LineError("raw_body: @timestamp is not an ISO 8601 text; send a timestamp beside it")
    return lines.moment("raw_body: @timestamp", said)


def sent_decision(job: Job, line: lines.DecisionLine) -> SentDecision:
    """Check a decision.

    Raises:
        LineError: an unknown label, a confidence outside 0 to 100, an unreadable time, an overlong model id.
    """
    if line.confidence is not None and not 0 <= line.confidence <= _MAX_CONFIDENCE:
        raise LineError(f"decision: confidence {line.confidence} is not between 0 and 100")
    return SentDecision(
        lines.known_label(job, line.label),
        line.confidence,
        (lines.identifier("model_id", line.model_id) or "") if line.model_id else "",
        line.outlier,
        None if line.decided_at is None else lines.moment("decision: decided_at", line.decided_at),
    )


def bucket_of(job: Job, document: dict[str, object]) -> str:
    """The id of the bucket a document belongs to: a hash of its values at the job's decision points.

    Raises:
        LineError: the job has no decision points to tell by.
    """
    if not job.decision_points:
        raise LineError("bucket_id is missing, and the job has no decision points to tell the bucket by")
    values = values_by_path(document)
    hasher = hashlib.blake2b(digest_size=16)
    for point in job.decision_points:
        found = values.get(point, [])
        for value in found if isinstance(found, list) else [found]:
            text = tagged(value)
            hasher.update(f"{len(text)}:".encode())
            hasher.update(text.encode())
        hasher.update(b";")
    return hasher.hexdigest()
