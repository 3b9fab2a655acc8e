"""The lines of bulk requests: their shape, read and checked before any store is asked."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec

from trueline.instants import parse_micros
from trueline.metrics.consensus import LEAST_PROBABILITY, NO_REMARK, REVIEW_REASONS, Remark

if TYPE_CHECKING:
    from trueline.catalog.records import Job

MAX_ID_LENGTH = 1_024
MAX_NAME_LENGTH = 256
MAX_NOTE_LENGTH = 10_000


class LineError(ValueError):
    """A line that cannot be taken; the message says why."""


class DecisionLine(msgspec.Struct, forbid_unknown_fields=True):
    """A decision as it is sent."""

    label: str
    confidence: float | None = None
    model_id: str | None = None
    decided_at: str | None = None
    outlier: bool | None = None


class VoteOnEventLine(msgspec.Struct, forbid_unknown_fields=True):
    """A vote that comes with its event."""

    analyst: str
    label: str | None
    at: str | None = None
    review_probability: float | None = None
    review_reason: str | None = None
    note: str | None = None


class EventLine(msgspec.Struct, forbid_unknown_fields=True):
    """An event as it is sent in bulk; what `read_decision` and `read_votes` read is left as it came."""

    raw_body: msgspec.Raw
    event_id: str | int | None = None
    timestamp: str | None = None
    bucket_id: str | int | None = None
    decision: msgspec.Raw = msgspec.Raw()
    votes: msgspec.Raw = msgspec.Raw()


class EventRow(msgspec.Struct, frozen=True, gc=False):
    """An event as a file's row gives it: what its bulk line would say, with the document read already."""

    event_id: str
    facts: bytes
    """The line's other members as JSON, each behind a comma: ``,"timestamp":"…","decision":{…}``; or empty."""
    raw_body: bytes
    document: dict[str, Any]
    """What `raw_body` says."""

    def __bytes__(self) -> bytes:
        """The bulk line."""
        return b'{"event_id":%b%b,"raw_body":%b}' % (msgspec.json.encode(self.event_id), self.facts, self.raw_body)

    def __len__(self) -> int:
        """About the length of the bulk line, in bytes."""
        return 64 + len(self.event_id) + len(self.facts) + len(self.raw_body)


class _FactsLine(msgspec.Struct, forbid_unknown_fields=True):
    timestamp: str | None = None
    bucket_id: str | int | None = None
    decision: msgspec.Raw = msgspec.Raw()
    votes: msgspec.Raw = msgspec.Raw()


class VoteLine(msgspec.Struct, forbid_unknown_fields=True):
    """A vote as it is sent in bulk."""

    analyst: str
    label: str | None
    event_id: str | int | None = None
    bucket_id: str | int | None = None
    at: str | None = None
    override: bool = False
    review_probability: float | None = None
    review_reason: str | None = None
    note: str | None = None


@dataclass(slots=True)
class Rejected:
    """A line that was not taken."""

    line: int
    """Its number in the request, from 1."""
    error: str


@dataclass(slots=True)
class BulkAnswer:
    """What became of the lines of a bulk request."""

    accepted: int = 0
    """Lines taken."""
    replaced: int = 0
    """Those of them that named an event already there."""
    rejected: list[Rejected] = field(default_factory=list)
    arrived_at: list[int] = field(default_factory=list)
    """When each event taken, in the order of their lines, first arrived, in microseconds; of votes nothing is said."""


_Line = TypeVar("_Line")

_event_line = msgspec.json.Decoder(EventLine)
_facts_line = msgspec.json.Decoder(_FactsLine)
_decision = msgspec.json.Decoder(DecisionLine | None)
_votes = msgspec.json.Decoder(list[VoteOnEventLine])
_vote_line = msgspec.json.Decoder(VoteLine)
_document = msgspec.json.Decoder(dict[str, Any])


def read_event_line(line: bytes) -> EventLine:
    """Read a line of a bulk request of events.

    Raises:
        LineError: not JSON, or not of that shape.
    """
    return _read(_event_line, line)


def read_event_row(row: EventRow) -> EventLine:
    """Read what a row says beside its document.

    Raises:
        LineError: not of its shape.
    """
    told = _read(_facts_line, b"{%b}" % row.facts[1:])
    return EventLine(msgspec.Raw(row.raw_body), row.event_id, told.timestamp, told.bucket_id, told.decision, told.votes)


def read_decision(raw: bytes) -> DecisionLine | None:
    """Read the decision of an event; nothing or null is none.

    Raises:
        LineError: not of its shape.
    """
    return _read(_decision, raw, ".decision") if raw else None


def read_votes(raw: bytes) -> list[VoteOnEventLine]:
    """Read the votes that come with an event; nothing is none.

    Raises:
        LineError: not of their shape.
    """
    return _read(_votes, raw, ".votes") if raw else []


def read_vote_line(line: bytes) -> VoteLine:
    """Read a line of a bulk request of votes.

    Raises:
        LineError: not JSON, or not of that shape.
    """
    return _read(_vote_line, line)


def read_document(raw: bytes) -> dict[str, Any]:
    """Read the document of an event.

    Raises:
        LineError: it is no JSON object.
    """
    try:
        return _document.decode(raw)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise LineError(f"raw_body: {no_json(error, raw)}") from None


def _read(decoder: msgspec.json.Decoder[_Line], line: bytes, part: str = "") -> _Line:
    try:
        return decoder.decode(line)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise LineError(no_json(error, line).replace("`$", f"`${part}")) from None


_HALF_A_PAIR_LAST: Final = re.compile(rb"(?<!\\)\\u[dD][89abAB][0-9a-fA-F]{2}[^\\]{1,5}\Z")


def no_json(error: Exception, text: bytes) -> str:
    """Why a text is no JSON, by the error of who read it."""
    if isinstance(error, RecursionError):
        return "nested too deeply"
    if isinstance(error, UnicodeDecodeError):
        return "not UTF-8"
    said = str(error)
    # whoever waits for the other half says no more than that the text ends too early
    if said == "Input data was truncated" and _HALF_A_PAIR_LAST.search(text, max(0, len(text) - 16)):
        return "JSON is malformed: invalid utf-16 surrogate pair"
    return said


def identifier(name: str, value: str | int | None) -> str | None:
    """Check an id; a number is taken as its text.

    Raises:
        LineError: empty or too long.
    """
    if value is None:
        return None
    text = value if type(value) is str else str(value)
    if not text:
        raise LineError(f"{name} is empty")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise LineError(f"{name} holds a lone surrogate, which is no text") from None
    if len(text) > MAX_ID_LENGTH:
        raise LineError(f"{name} is longer than {MAX_ID_LENGTH} characters")
    return text


def moment(name: str, text: str) -> int:
    """Read a moment in microseconds since 1970.

    Raises:
        LineError: naming the field.
    """
    try:
        return parse_micros(text)
    except ValueError as error:
        raise LineError(f"{name}: {error}") from None


def known_label(job: Job, label: str) -> str:
    """Check that the job has the label.

    Raises:
        LineError: it has not.
    """
    if label not in job.labels:
        raise LineError(f"unknown label {label[:60]!r}: the job has {', '.join(job.labels)}")
    return label


def remark(probability: float | None, reason: str | None, note: str | None) -> Remark:
    """Check what is said along with a vote.

    Raises:
        LineError: a probability that is none, an unknown reason, an overlong note.
    """
    if probability is not None and not LEAST_PROBABILITY <= probability <= 1:
        raise LineError(f"review_probability {probability} is not between {LEAST_PROBABILITY:.0e} and 1")
    if reason and reason not in REVIEW_REASONS:
        raise LineError(f"unknown review_reason: it is one of {', '.join(REVIEW_REASONS)}")
    if note and len(note) > MAX_NOTE_LENGTH:
        raise LineError(f"the note is longer than {MAX_NOTE_LENGTH} characters")
    said = Remark(probability, reason or "", note or "")
    return NO_REMARK if said == NO_REMARK else said


def analyst_name(name: str) -> str:
    """Check the name of an analyst.

    Raises:
        LineError: empty or too long.
    """
    if not name.strip():
        raise LineError("analyst is empty")
    if len(name) > MAX_NAME_LENGTH:
        raise LineError(f"analyst is longer than {MAX_NAME_LENGTH} characters")
    return name
