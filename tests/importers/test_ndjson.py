"""NDJSON: documents byte for byte, broken lines refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from trueline.importers.mapping import ColumnMapping
from trueline.importers.ndjson import read_ndjson
from trueline.importers.reading import read_rows
from trueline.importers.rows import RejectedRow
from trueline.importers.sources import find_sources

if TYPE_CHECKING:
    from pathlib import Path

    from trueline.importers.rows import EncodedRow


def read(path: Path, **mapping: Any) -> list[EncodedRow | RejectedRow]:  # noqa: ANN401 - fields of a mapping
    (source,) = find_sources([str(path)])
    with source.open() as opened:
        return list(read_rows(source, opened, ColumnMapping(**mapping)))


def test_a_whole_document_keeps_its_bytes(tmp_path: Path) -> None:
    file = tmp_path / "alerts.ndjson"
    file.write_bytes(b'\xef\xbb\xbf{"n": 1.0, "big": 123456789012345678901}\r\n\r\n{"n": 2}\n')
    assert read(file) == [
        (1, b'{"event_id":"alerts.ndjson:1","raw_body":{"n": 1.0, "big": 123456789012345678901}}'),
        (3, b'{"event_id":"alerts.ndjson:3","raw_body":{"n": 2}}'),
    ]


def test_columns_are_dot_paths_and_a_literal_name_goes_first(tmp_path: Path) -> None:
    file = tmp_path / "alerts.jsonl"
    file.write_text('{"a": {"b.c": "nested"}, "when": "2025-01-01"}\n{"a.b.c": "literal", "when": "2025-01-02"}\n')
    assert read(file, id="a.b.c", time="when", columns=["when"]) == [
        (1, b'{"event_id":"nested","timestamp":"2025-01-01","raw_body":{"when":"2025-01-01"}}'),
        (2, b'{"event_id":"literal","timestamp":"2025-01-02","raw_body":{"when":"2025-01-02"}}'),
    ]


def test_dropping_and_keeping_inner_values(tmp_path: Path) -> None:
    file = tmp_path / "alerts.jsonl"
    file.write_text('{"host": {"name": "web", "ip": "::1"}, "verdict": "bad"}\n')
    assert read(file, drop=["host.ip", "verdict"]) == [
        (1, b'{"event_id":"alerts.jsonl:1","raw_body":{"host":{"name":"web"}}}')
    ]
    assert read(file, columns=["host.ip", "nothing"]) == [
        (1, b'{"event_id":"alerts.jsonl:1","raw_body":{"host":{"ip":"::1"}}}')
    ]


def test_a_dropped_column_may_still_be_the_decision(tmp_path: Path) -> None:
    file = tmp_path / "alerts.jsonl"
    file.write_text('{"x": 1, "verdict": "bad", "@timestamp": "2025-01-01T00:00:00Z"}\n')
    assert read(file, decision="verdict", drop=["verdict"]) == [
        (
            1,
            (
                b'{"event_id":"alerts.jsonl:1","decision":{"label":"bad","decided_at":"2025-01-01T00:00:00Z"},'
                b'"raw_body":{"x":1,"@timestamp":"2025-01-01T00:00:00Z"}}'
            ),
        )
    ]


def test_broken_lines_are_rejected_with_their_number(tmp_path: Path) -> None:
    file = tmp_path / "alerts.ndjson"
    file.write_bytes(b'{"n": 1}\n{"n": \n[1]\n"text"\n{"n": "\xff"}\n{"n": 2}')
    rows = read(file)
    assert [row.number for row in rows if isinstance(row, RejectedRow)] == [2, 3, 4, 5]
    assert [row[0] for row in rows if not isinstance(row, RejectedRow)] == [1, 6]
    first = rows[1]
    assert isinstance(first, RejectedRow)
    assert first.row == '{"n":'


@pytest.mark.parametrize("ending", ["", "\n"])
def test_an_overlong_line_is_passed_over_and_one_at_the_limit_is_not(tmp_path: Path, ending: str) -> None:
    file = tmp_path / "alerts.ndjson"
    file.write_text('{"n": 1}\n{"n": "' + 50 * "x" + '"}\n{"n": 22}\n{"n": 333}\n{"n": 44}' + ending)
    (source,) = find_sources([str(file)])
    with source.open() as opened:
        rows = list(read_ndjson(source, opened, ColumnMapping(), max_line=9))
    assert [row.number if isinstance(row, RejectedRow) else row[0] for row in rows] == [1, 2, 3, 4, 5]
    rejected = [(row.number, row.error) for row in rows if isinstance(row, RejectedRow)]
    assert rejected == [(number, "the line is longer than 9 bytes") for number in (2, 4)]


def test_lines_that_are_no_text_nested_beyond_all_or_end_too_early_are_told_apart(tmp_path: Path) -> None:
    file = tmp_path / "alerts.ndjson"
    deep = b'{"n": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    halves = rb'{"n": "\ud800"}', rb'{"n": "\uDBFF ab"}'
    file.write_bytes(b"\n".join([b'{"n": "\xff"}', deep, *halves, rb'{"n": "\ud800', rb'{"n": "\\ud800"', b'{"n": 1']))
    errors = [row.error for row in read(file) if isinstance(row, RejectedRow)]
    assert errors == [
        "no JSON: not UTF-8",
        "no JSON: nested too deeply",
        "no JSON: JSON is malformed: invalid utf-16 surrogate pair",
        "no JSON: JSON is malformed: invalid utf-16 surrogate pair",
        "no JSON: Input data was truncated",
        "no JSON: Input data was truncated",
        "no JSON: Input data was truncated",
    ]


def test_bulk_lines_go_through_as_they_are(tmp_path: Path) -> None:
    file = tmp_path / "bulk.ndjson"
    file.write_text('{"event_id": "a", "raw_body": {}}\nnot even JSON\n')
    assert read(file, bulk=True) == [(1, b'{"event_id": "a", "raw_body": {}}'), (2, b"not even JSON")]
