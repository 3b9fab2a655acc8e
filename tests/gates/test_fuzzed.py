"""The parsers read what they document, and the gate would tell if one did not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import fuzzed_bodies
import parsers
from fuzzed import PARSERS, fuzz
from fuzzed_bodies import Body, check_body, plain_lines
from gate import BrokenError
from parsers import check_date, check_filters, check_line, is_plainly_good
from trueline.api.bodies import read_lines
from trueline.importers.ndjson import read_ndjson
from trueline.importers.rows import RejectedRow
from trueline.instants import parse_instant
from trueline.service.prepared import prepare_events

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from trueline.importers.mapping import ColumnMapping
    from trueline.importers.rows import EncodedRow
    from trueline.importers.sources import Opened, Source

    Rows = Iterator[EncodedRow | RejectedRow]

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

    monkeypatch.setattr(parsers, "parse_instant", parse)
    with pytest.raises(IndexError):
        fuzz("dates", SECONDS, first_seed=1)


def test_a_parser_that_reads_otherwise_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parsers, "parse_instant", lambda text: parse_instant(text.replace("+02:00", "Z")))
    assert check_date("2025-01-01T00:00:00Z")
    with pytest.raises(BrokenError, match=r"\+02:00"):
        check_date("2025-01-01T00:00:00+02:00")


def test_filters_that_should_be_refused_and_are_not_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong: list[dict[str, Any]] = [{"field": "a", "operator": "is", "value": None}]
    assert not check_filters(wrong)
    monkeypatch.setattr(parsers, "parse_filters", lambda _: ())
    with pytest.raises(BrokenError, match="taken"):
        check_filters(wrong)


def test_lines_that_say_something_else_or_poison_their_neighbours_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    line = b'{"event_id": "x", "raw_body": {"n": 1.5}}'
    assert check_line(line)
    assert not check_line(b'{"event_id": "x", "raw_body": {"n": 1e400}}')
    prepare = prepare_events
    monkeypatch.setattr(
        parsers,
        "prepare_events",
        lambda job, keys, lines: prepare(job, keys, [lines[0], line.replace(b"1.5", b"2.5"), *lines[2:]]),
    )
    with pytest.raises(BrokenError, match="is kept as"):
        check_line(line)
    monkeypatch.setattr(parsers, "prepare_events", lambda job, keys, lines: prepare(job, keys, lines[:2]))
    with pytest.raises(BrokenError, match="good lines around"):
        check_line(line)


def test_a_long_line_may_be_plainly_good_and_long_keys_are_not() -> None:
    assert is_plainly_good(b'{"raw_body": {"v": "%b"}}' % (b"x" * 300_000))
    assert is_plainly_good(b" " * 300_000 + b'{"raw_body": {}}')
    assert not is_plainly_good(b'{"raw_body": {"%b": {"%b": 1}}}' % (b"x" * 600, b"y" * 600))


GOOD = b'{"event_id":"%d","raw_body":{"n":1}}'


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (b"", []),
        (b"\n", [b""]),
        (b"a", [b"a"]),
        (b"a\n", [b"a"]),
        (b"a\n\n", [b"a", b""]),
        (b"\r\na\rb\r\n\x0b\x1c\xc2\x85", [b"\r", b"a\rb\r", b"\x0b\x1c\xc2\x85"]),
    ],
)
def test_lines_are_what_stands_before_line_feeds(content: bytes, lines: list[bytes]) -> None:
    assert plain_lines(content) == lines


def body(*lines: bytes, most: int = 1_000) -> Body:
    return Body(b"\n".join(lines), most, 64)


def test_bodies_of_good_bad_blank_and_long_lines_are_read_as_they_are_split_plainly() -> None:
    assert check_body(body(b"", GOOD % 1, b"\r", b"no", GOOD % 2 + b"\r", b'{"v":"\xff"}', b"x" * 1_001, GOOD % 3, b""))
    assert not check_body(body(b"no", b"[" * 1_001))
    assert not check_body(body())


@pytest.mark.parametrize(
    "split",
    [
        lambda content, _: content.splitlines() or [b""],  # at a lone carriage return, too
        lambda content, most: [line for line in read_lines(content, most) if line],  # blank lines have no number
        lambda content, most: read_lines(content.lstrip(), most),
        lambda content, most: read_lines(content, most + 1),
        lambda content, _: read_lines(content, 10_000),
    ],
)
def test_a_server_that_splits_otherwise_is_noticed(
    split: Callable[[bytes, int], list[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    content = body(b"", GOOD % 1 + b"\r" + GOOD % 2, b"", GOOD % 3)
    assert check_body(content)
    monkeypatch.setattr(fuzzed_bodies, "read_lines", split)
    with pytest.raises(BrokenError):
        check_body(content)


def test_a_server_that_tells_a_line_by_another_number_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    content = body(b"no", GOOD % 1, b"", GOOD % 2)
    assert check_body(content)
    prepare = prepare_events
    monkeypatch.setattr(
        fuzzed_bodies, "prepare_events", lambda job, keys, lines: prepare(job, keys, list(filter(None, lines)))
    )
    with pytest.raises(BrokenError, match=r"instead of \[1, 2, 4\]"):
        check_body(content)


def _each_one_later(rows: Rows) -> Rows:
    for row in rows:
        yield row if isinstance(row, RejectedRow) else (row[0] + 1, row[1])


def _all_but_rejected(rows: Rows) -> Rows:
    return (row for row in rows if not isinstance(row, RejectedRow))


def _numbers_as_doubles(rows: Rows) -> Rows:
    for row in rows:
        yield row if isinstance(row, RejectedRow) else (row[0], bytes(row[1]).replace(b":1}", b":1.0}"))


@pytest.mark.parametrize("change", [_each_one_later, _all_but_rejected, _numbers_as_doubles])
def test_an_importer_that_reads_lines_otherwise_is_noticed(
    change: Callable[[Rows], Rows], monkeypatch: pytest.MonkeyPatch
) -> None:
    content = body(GOOD % 1, b"", b"no", GOOD % 2)
    assert check_body(content)

    def read(source: Source, opened: Opened, mapping: ColumnMapping, max_line: int) -> Rows:
        return change(read_ndjson(source, opened, mapping, max_line))

    monkeypatch.setattr(fuzzed_bodies, "read_ndjson", read)
    with pytest.raises(BrokenError):
        check_body(content)


@pytest.mark.parametrize("beside", [-1, 1])
def test_an_importer_whose_lines_may_be_longer_or_shorter_is_noticed(
    beside: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = body(GOOD % 1, GOOD % 10, GOOD % 100, most=len(GOOD % 10))
    assert check_body(content)
    monkeypatch.setattr(
        fuzzed_bodies,
        "read_ndjson",
        lambda source, opened, mapping, most: read_ndjson(source, opened, mapping, most + beside),
    )
    with pytest.raises(BrokenError):
        check_body(content)
