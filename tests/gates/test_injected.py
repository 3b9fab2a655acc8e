"""Payloads mean no more than their letters, and the gate would tell if they did."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from gate import BrokenError
from injected import inject
from injected_reads import Reads
from injected_writes import Writes
from injection import LABELS, Injection
from oracle import JobTerms, Oracle
from payloads import BASE, payloads
from settled import Settled
from wire import Answer, Wire

if TYPE_CHECKING:
    from pathlib import Path

PAYLOADS = 40


def test_no_payload_means_more_than_its_letters(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    figures = inject(tmp_path, PAYLOADS, seed=1)
    assert "nothing written by what reads" in figures
    with capsys.disabled():
        print(f"\ninjected: {figures}")  # noqa: T201 - the figure of the gate


def test_payloads_are_different_ones_and_the_same_each_time() -> None:
    some = list(payloads(1_000, 7))
    assert len(set(some)) == 1_000
    assert some[: len(BASE)] == list(BASE)
    assert some == list(payloads(1_000, 7))


@pytest.mark.parametrize(
    ("answer", "match"),
    [
        (Answer(500, [], b"{}"), "answered 500"),
        (Answer(422, [], b'{"error": "Code: 62. DB::Exception"}'), "answered with b'Code: 6'"),
        (Answer(422, [], b"near x: sqlite3.OperationalError"), "answered with b'sqlite3'"),
        (Answer(200, [("X-Injected", "yes")], b"{}"), "a header was put into the answer"),
    ],
)
def test_a_fault_a_word_of_an_engine_and_a_header_are_noticed(
    answer: Answer, match: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Wire, "ask", lambda *_, **__: answer)
    with pytest.raises(BrokenError, match=match):
        a_server().ask("GET", "/")


def test_a_count_that_is_not_the_oracle_s_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    told = Oracle(JobTerms(LABELS))
    reads = Reads(a_server(), 1, told, 1)
    told.event("a", {"p": "x"}, arrived_at=1)
    told.decide("a", "Drop", arrived_at=1)
    monkeypatch.setattr(Wire, "ask", lambda *_, **__: Answer(200, [], b'{"total_events": 1, "total_count": 1}'))
    with pytest.raises(BrokenError, match="instead of"):
        reads.filtered("x", 0)
    with pytest.raises(BrokenError, match="1 events 'b' instead of 0"):
        reads.placed("b", 2)


def test_a_document_that_comes_back_otherwise_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    body = b'{"rejected": [], "events": [{"event_id": "x", "raw_event": {}}]}'
    monkeypatch.setattr(Wire, "ask", lambda *_, **__: Answer(200, [], body))
    with pytest.raises(BrokenError, match="came back as"):
        writes().written(["x"])


@pytest.mark.parametrize("error", ["p: Code: 62. DB::Exception", "near 'x': chdb"])
def test_a_line_that_is_refused_in_an_engine_s_words_is_noticed(error: str, monkeypatch: pytest.MonkeyPatch) -> None:
    body = json.dumps({"accepted": 0, "rejected": [{"line": 1, "error": error}]}).encode()
    monkeypatch.setattr(Wire, "ask", lambda *_, **__: Answer(200, [], body))
    with pytest.raises(BrokenError, match="in an engine's words"):
        writes().written(["x"])


def test_numbers_of_buckets_that_are_not_the_oracle_s_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Wire, "ask", lambda *_, **__: Answer(200, [], b'{"total_events": 0}'))
    with pytest.raises(BrokenError, match="in buckets: "):
        writes().compared()


def a_server() -> Injection:
    return Injection(Wire("http://127.0.0.1:1", "key"))


def writes() -> Writes:
    return Writes(a_server(), 2, 3, Settled(JobTerms(LABELS, by_bucket=True)))
