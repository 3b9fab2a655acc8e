"""Lines of a bulk request on their way through columns."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from trueline.catalog.records import Grouping, Job
from trueline.ledger.documents import MAX_DEPTH, laid_out
from trueline.ledger.keys import KeyMaker
from trueline.service.prepared import prepare_events
from trueline.service.sent import EventReader, SentEvent

JOB = Job(
    id=1,
    title="Mail",
    labels=("Drop", "Escalate"),
    grouping=Grouping.EVENT,
    decision_points=(),
    minutes_per_alert=1,
    min_votes=1,
    low_confidence_below=50,
    consensus_min_votes=1,
    created_at=datetime(2025, 1, 1, tzinfo=UTC),
)
KEYS = KeyMaker(b"secret")
SENT_ALIKE = [name for name in SentEvent.__struct_fields__ if name not in {"document", "named_here"}]
LINES = [
    b'{"event_id":7,"raw_body":{"a":{"b":[{"c":1}]}}}',
    (
        b'{"event_id":"x","timestamp":"1969-12-31T23:59:59.999999Z","raw_body":{},"decision":{"label":"Drop"},'
        b'"votes":[{"analyst":"Ann","label":"Drop"},{"analyst":"Bo","label":null,"at":"2025-01-01T00:00:00Z"}]}'
    ),
    (
        b'{"event_id":"y","raw_body":{"@timestamp":"2025-01-01"},"decision":{"label":"Escalate","confidence":99.5,'
        b'"model_id":"m","outlier":false,"decided_at":"1970-01-01T00:00:00Z"}}'
    ),
    b'{"event_id":"z","raw_body":{"t":"\xc3\xa9"},"votes":[{"analyst":"Ann","label":"Escalate"}]}',
]


@pytest.mark.parametrize("at_once", [1, 2, 3, len(LINES), 5_000])
def test_events_come_out_of_the_columns_as_they_were_read(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trueline.service.prepared._AT_ONCE", at_once)
    reader = EventReader(JOB, KEYS, MAX_DEPTH)
    read = [reader.line(number, line) for number, line in enumerate(LINES, 1)]
    prepared = prepare_events(JOB, KEYS, LINES)
    said = [{name: getattr(event, name) for name in SENT_ALIKE} for event in read]
    assert [{name: getattr(event, name) for name in SENT_ALIKE} for event in prepared.events()] == said
    rows = prepared.documents.take([event.document for event in prepared.events()]).to_pylist()
    assert rows == laid_out([event.document for event in read]).to_pylist()


@pytest.mark.parametrize("at_once", [1, 2, 3, 5_000])
def test_bad_lines_are_rejected_and_blank_ones_passed_over(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trueline.service.prepared._AT_ONCE", at_once)
    prepared = prepare_events(JOB, KEYS, [b"{", LINES[0], b"  ", b'{"raw_body":{},"decision":{"label":"No"}}'])
    assert [event.line for event in prepared.events()] == [2]
    assert [each.line for each in prepared.rejected] == [1, 4]
    assert prepared.documents.num_rows == 1
    assert not prepared.named_here


def test_they_are_named_here_where_none_of_them_has_an_id(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trueline.service.prepared._AT_ONCE", 2)
    lines = [b'{"raw_body":{}}'] * 4
    assert prepare_events(JOB, KEYS, lines).named_here
    assert not prepare_events(JOB, KEYS, [LINES[0], *lines]).named_here
    assert not prepare_events(JOB, KEYS, [*lines, LINES[0]]).named_here


@pytest.mark.parametrize(("lines", "most"), [([], 0), (LINES[:1], 0), (LINES[3:], 1), (LINES, 2)])
def test_the_most_votes_of_an_event(lines: list[bytes], most: int) -> None:
    prepared = prepare_events(JOB, KEYS, lines)
    assert (prepared.most_votes, prepared.has_votes) == (most, most > 0)
