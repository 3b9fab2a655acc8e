"""From a row of a file to a line of the bulk route, by the mapping."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from trueline.importers.errors import RowError
from trueline.importers.values import confidence_of, instant_reader, label_reader, text_of
from trueline.service.lines import EventRow

if TYPE_CHECKING:
    from collections.abc import Callable

    from trueline.importers.mapping import ColumnMapping

Row = TypeVar("Row")

DOCUMENT_TIME = "@timestamp"
"""Where a document tells its own time; read where the mapping names no column for it."""


class Decision(msgspec.Struct, omit_defaults=True):
    """The ``decision`` of a bulk line."""

    label: str = ""
    confidence: float | None = None
    model_id: str | None = None
    decided_at: str | None = None


class Vote(msgspec.Struct, omit_defaults=True):
    """One of the ``votes`` of a bulk line."""

    analyst: str = ""
    label: str = ""
    at: str | None = None


class Facts(msgspec.Struct, omit_defaults=True):
    """A line of ``POST /api/v2/jobs/{job}/events/bulk`` but for the event's id and its document."""

    timestamp: str | None = None
    bucket_id: str | None = None
    decision: Decision | None = None
    votes: list[Vote] | None = None


def facts_encoder(
    mapping: ColumnMapping, column: Callable[[str], Callable[[Row], object] | None]
) -> Callable[[Row], bytes]:
    """Compile a mapping into one function from a row to the text inside its :class:`Facts`.

    That text is empty or begins with a comma: ``,"timestamp":"2025-01-01T00:00:00Z"``.

    Args:
        mapping: Which column means what.
        column: From a column's name to the function that reads it from a row; ``None`` where there is no such
            column (only for :data:`DOCUMENT_TIME`: all that the mapping names have been checked).

    The function raises :class:`RowError` for a row that cannot become an event. It reuses its objects from
    row to row, so it belongs to one thread.
    """

    def read(name: str | None) -> Callable[[Row], object] | None:
        return None if name is None else column(name)

    read_bucket, read_analyst = read(mapping.bucket), read(mapping.analyst)
    read_decision, read_decided_at = read(mapping.decision), read(mapping.decided_at)
    read_confidence, read_model = read(mapping.confidence), read(mapping.model)
    read_truth, read_truth_at = read(mapping.truth), read(mapping.truth_at)
    decided_label = label_reader("decision", mapping.decision_map)
    true_label = label_reader("truth", mapping.truth_map)
    instant = instant_reader(mapping.time_unit)
    event_time = _event_time(mapping, column)
    # the document's own time is the ledger's to read: it is not sent a second time
    sends_time = mapping.time is not None
    encode = msgspec.json.Encoder().encode
    decision, vote = Decision(), Vote(analyst=mapping.analyst_name)
    facts, votes = Facts(), [vote]

    def encode_facts(row: Row) -> bytes:
        at = event_time(row)
        facts.timestamp = at if sends_time else None
        if read_bucket is not None:
            facts.bucket_id = text_of(read_bucket(row))
        label = decided_label(read_decision(row)) if read_decision is not None else None
        facts.decision = None if label is None else decision
        if label is not None:
            decision.label = label
            decision.decided_at = (instant(read_decided_at(row)) if read_decided_at is not None else None) or at
            decision.confidence = confidence_of(read_confidence(row)) if read_confidence is not None else None
            decision.model_id = text_of(read_model(row)) if read_model is not None else None
        label = true_label(read_truth(row)) if read_truth is not None else None
        facts.votes = None if label is None else votes
        if label is not None:
            vote.label = label
            vote.at = (instant(read_truth_at(row)) if read_truth_at is not None else None) or at
            if read_analyst is not None:
                vote.analyst = text_of(read_analyst(row)) or mapping.analyst_name
        encoded = _json(encode, facts)[1:-1]
        return b"," + encoded if encoded else b""

    return encode_facts


def line_encoder(
    mapping: ColumnMapping,
    column: Callable[[str], Callable[[Row], object] | None],
    facts: Callable[[Row], bytes],
    body: Callable[[Row], object],
    row_name: str,
) -> Callable[[Row, int], bytes]:
    """Compile a mapping into one function from a row and its number to a bulk line.

    Args:
        mapping: Which column means what.
        column: As in :func:`facts_encoder`.
        facts: What :func:`facts_encoder` made.
        body: The document of a row. Called last, for it may take the row apart.
        row_name: The name of the file in the id of a row that has none of its own: ``alerts.csv:17``.
    """
    encode = msgspec.json.Encoder().encode
    read_id = None if mapping.id is None else column(mapping.id)
    if read_id is None:
        named = encode(f"{row_name}:")[:-1].replace(b"%", b"%%")
        form = b'{"event_id":' + named + b'%d"%b,"raw_body":%b}'

        def encode_numbered(row: Row, number: int) -> bytes:
            told = facts(row)
            return form % (number, told, _json(encode, body(row)))

        return encode_numbered

    def encode_named(row: Row, _number: int) -> bytes:
        event_id = text_of(read_id(row))
        if event_id is None:
            raise RowError(f"no id in column {mapping.id!r}")
        told = facts(row)
        return b'{"event_id":%b%b,"raw_body":%b}' % (_json(encode, event_id), told, _json(encode, body(row)))

    return encode_named


def row_encoder(
    mapping: ColumnMapping,
    column: Callable[[str], Callable[[Row], object] | None],
    facts: Callable[[Row], bytes],
    document: Callable[[Row], dict[str, Any]],
    row_name: str,
) -> Callable[[Row, int], EventRow]:
    """Compile a mapping into one function from a row and its number to an event.

    As :func:`line_encoder`, for rows whose document holds texts and numbers only: a store in this process
    then need not read again what is known already.
    """
    encode = msgspec.json.Encoder().encode
    read_id = None if mapping.id is None else column(mapping.id)
    if read_id is None:
        named = f"{row_name}:"
        _json(encode, named)

        def encode_numbered(row: Row, number: int) -> EventRow:
            known = document(row)
            return EventRow(named + str(number), facts(row), _json(encode, known), known)

        return encode_numbered

    def encode_named(row: Row, _number: int) -> EventRow:
        event_id = text_of(read_id(row))
        if event_id is None:
            raise RowError(f"no id in column {mapping.id!r}")
        known = document(row)
        told = facts(row)
        _json(encode, event_id)
        return EventRow(event_id, told, _json(encode, known), known)

    return encode_named


def _event_time(
    mapping: ColumnMapping, column: Callable[[str], Callable[[Row], object] | None]
) -> Callable[[Row], str | None]:
    read_time = column(mapping.time or DOCUMENT_TIME)
    if read_time is None:
        return lambda _row: None
    if mapping.time is None:
        own_instant = instant_reader("iso")
        return lambda row: own_instant(read_time(row))
    instant = instant_reader(mapping.time_unit)

    def event_time(row: Row) -> str:
        at = instant(read_time(row))
        if at is None:
            raise RowError(f"no time in column {mapping.time!r}")
        return at

    return event_time


def _json(encode: Callable[[object], bytes], value: object) -> bytes:
    try:
        return encode(value)
    except UnicodeEncodeError:
        raise RowError("the row is not UTF-8") from None
    except (TypeError, OverflowError, ValueError) as error:
        raise RowError(f"the row does not fit into JSON: {error}") from None
