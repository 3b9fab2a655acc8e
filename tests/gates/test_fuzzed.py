"""The parsers read what they document, and the gate would tell if one did not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import fuzzed
from fuzzed import PARSERS, check_date, check_filters, check_line, fuzz
from gate import BrokenError
from trueline.instants import parse_instant
from trueline.service.prepared import prepare_events

if TYPE_CHECKING:
    from datetime import datetime

SECONDS = 1


@pytest.mark.parametrize("name", PARSERS)
def test_nothing_unexpected_comes_out_of_a_parser(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    cases, taken = fuzz(name, SECONDS, first_seed=1)
    assert 0 < taken < cases
    with capsys.disabled():
        print(f"\nfuzzed {name}: {cases} cases, {taken} taken")  # noqa: T201 - the figure of the gate


def test_a_parser_that_lets_another_error_out_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def parse(text: str) -> datetime:
        if text.startswith("2"):
            raise IndexError(text)
        return parse_instant(text)

    monkeypatch.setattr(fuzzed, "parse_instant", parse)
    with pytest.raises(IndexError):
        fuzz("dates", SECONDS, first_seed=1)


def test_a_parser_that_reads_otherwise_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzzed, "parse_instant", lambda text: parse_instant(text.replace("+02:00", "Z")))
    assert check_date("2025-01-01T00:00:00Z")
    with pytest.raises(BrokenError, match=r"\+02:00"):
        check_date("2025-01-01T00:00:00+02:00")


def test_filters_that_should_be_refused_and_are_not_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong: list[dict[str, Any]] = [{"field": "a", "operator": "is", "value": None}]
    assert not check_filters(wrong)
    monkeypatch.setattr(fuzzed, "parse_filters", lambda _: ())
    with pytest.raises(BrokenError, match="taken"):
        check_filters(wrong)


def test_lines_that_say_something_else_or_poison_their_neighbours_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    line = b'{"event_id": "x", "raw_body": {"n": 1.5}}'
    assert check_line(line)
    assert not check_line(b'{"event_id": "x", "raw_body": {"n": 1e400}}')
    prepare = prepare_events
    monkeypatch.setattr(
        fuzzed,
        "prepare_events",
        lambda job, keys, lines: prepare(job, keys, [lines[0], line.replace(b"1.5", b"2.5"), *lines[2:]]),
    )
    with pytest.raises(BrokenError, match="is kept as"):
        check_line(line)
    monkeypatch.setattr(fuzzed, "prepare_events", lambda job, keys, lines: prepare(job, keys, lines[:2]))
    with pytest.raises(BrokenError, match="good lines around"):
        check_line(line)
