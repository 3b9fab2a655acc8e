"""CSV and TSV: the rows that are taken, and those that are refused."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trueline.importers.delimited import MAX_CELL, divided
from trueline.importers.errors import MappingError
from trueline.importers.mapping import ColumnMapping
from trueline.importers.reading import read_rows
from trueline.importers.rows import RejectedRow
from trueline.importers.sources import find_sources

if TYPE_CHECKING:
    from pathlib import Path


def read(path: Path, **mapping: Any) -> list[tuple[int, dict[str, Any]] | RejectedRow]:  # noqa: ANN401 - fields of a mapping
    (source,) = find_sources([str(path)], mapping.get("format"))
    with source.open() as opened:
        rows = list(read_rows(source, opened, ColumnMapping(**mapping)))
    return [row if isinstance(row, RejectedRow) else (row[0], json.loads(bytes(row[1]))) for row in rows]


def bodies(path: Path, **mapping: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - fields of a mapping
    return [row[1]["raw_body"] for row in read(path, **mapping) if not isinstance(row, RejectedRow)]


def test_rows_are_named_by_file_and_line(tmp_path: Path) -> None:
    file = tmp_path / "alerts.csv"
    file.write_text("name,host\nscan,web\n\nlogin,mail\n")
    assert read(file) == [
        (2, {"event_id": "alerts.csv:2", "raw_body": {"name": "scan", "host": "web"}}),
        (4, {"event_id": "alerts.csv:4", "raw_body": {"name": "login", "host": "mail"}}),
    ]


def test_tsv(tmp_path: Path) -> None:
    file = tmp_path / "alerts.tsv"
    file.write_text("name\thost\nscan, fast\tweb\n")
    assert bodies(file) == [{"name": "scan, fast", "host": "web"}]


def test_byte_order_mark_and_carriage_returns_are_no_content(tmp_path: Path) -> None:
    file = tmp_path / "alerts.csv"
    file.write_bytes(b"\xef\xbb\xbfname,host\r\nscan,web\r\n")
    assert bodies(file) == [{"name": "scan", "host": "web"}]


def test_a_quoted_line_break_belongs_to_its_cell_and_lines_still_count(tmp_path: Path) -> None:
    file = tmp_path / "alerts.csv"
    file.write_text('name,host\n"scan\nof ""all"" ports",web\nlogin,mail\n')
    assert [(number, line["raw_body"]) for number, line in _taken(read(file))] == [
        (2, {"name": 'scan\nof "all" ports', "host": "web"}),
        (4, {"name": "login", "host": "mail"}),
    ]


def test_a_ragged_row_is_rejected_and_costs_no_other(tmp_path: Path) -> None:
    file = tmp_path / "alerts.csv"
    file.write_text("name,host\nscan\nlogin,mail\nlogin,mail,extra\n")
    assert read(file) == [
        RejectedRow(2, "1 cells where the header has 2", ["scan"]),
        (3, {"event_id": "alerts.csv:3", "raw_body": {"name": "login", "host": "mail"}}),
        RejectedRow(4, "3 cells where the header has 2", ["login", "mail", "extra"]),
    ]


def test_broken_quoting_is_rejected(tmp_path: Path) -> None:
    file = tmp_path / "alerts.csv"
    file.write_text('name,host\n"scan"ner,web\nlogin,mail\n"open,web\n')
    rows = read(file)
    assert [row.number for row in rows if isinstance(row, RejectedRow)] == [2, 4]
    assert _taken(rows)[0][0] == 3


def test_a_quote_that_nobody_closes_does_not_swallow_the_file(tmp_path: Path) -> None:
    file = tmp_path / "alerts.csv"
    file.write_text('name,host\n"open,web\n' + "login,mail\n" * (MAX_CELL // 5))
    rows = read(file)
    (rejected,) = [row for row in rows if isinstance(row, RejectedRow)]
    assert rejected.number == 2
    assert "field limit" in rejected.error
    assert len(rows) > MAX_CELL // 20


def test_a_byte_that_is_not_utf8_costs_its_own_row_only(tmp_path: Path) -> None:
    file = tmp_path / "alerts.csv"
    file.write_bytes(b"name,host\nsc\xe4n,web\nlogin,mail\n")
    first, second = read(file)
    assert isinstance(first, RejectedRow)
    assert first.error == "the row is not UTF-8"
    assert not isinstance(second, RejectedRow)


def test_numbers_stay_text_unless_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "alerts.csv"
    file.write_text("a,b,c,d,e\n5,1.50,007,1e3,12345678901234567890\n")
    assert bodies(file) == [{"a": "5", "b": "1.50", "c": "007", "d": "1e3", "e": "12345678901234567890"}]
    assert bodies(file, infer_numbers=True) == [
        {"a": 5, "b": 1.5, "c": "007", "d": 1000.0, "e": "12345678901234567890"}
    ]


def test_columns_are_kept_or_dropped(tmp_path: Path) -> None:
    file = tmp_path / "alerts.csv"
    file.write_text("id,name,host\n7,scan,web\n")
    assert bodies(file, columns=["host"], id="id") == [{"host": "web"}]
    assert bodies(file, drop=["host"]) == [{"id": "7", "name": "scan"}]


def test_a_file_without_a_header(tmp_path: Path) -> None:
    file = tmp_path / "votes.csv"
    file.write_text("ana;1\nben;2\n")
    assert bodies(file, header=["who", "what"], delimiter=";") == [
        {"who": "ana", "what": "1"},
        {"who": "ben", "what": "2"},
    ]


def test_names_of_columns_may_hold_anything(tmp_path: Path) -> None:
    file = tmp_path / "alerts.csv"
    file.write_text('"say ""hi""",b\\c\n1,2\n')
    assert bodies(file) == [{'say "hi"': "1", "b\\c": "2"}]


def test_an_empty_file_has_no_rows(tmp_path: Path) -> None:
    file = tmp_path / "alerts.csv"
    file.write_text("")
    assert read(file) == []


def test_an_unknown_column_names_the_nearest(tmp_path: Path) -> None:
    file = tmp_path / "alerts.csv"
    file.write_text("time,name\n1,scan\n")
    with pytest.raises(MappingError, match=r"no column 'tme'; did you mean 'time'\?"):
        read(file, time="tme")


def test_a_header_that_names_a_column_twice_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "alerts.csv"
    file.write_text("name,name\n1,2\n")
    with pytest.raises(MappingError, match="names the column 'name' twice"):
        read(file)


@given(st.text(alphabet='ab, "\n\r', max_size=40))
def test_dividing_at_delimiters_is_what_the_csv_module_does(text: str) -> None:
    ours = [list(cells) for _, cells in divided(io.StringIO(text, newline=""), ",")]
    theirs: list[list[str]] = []
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    while True:
        try:
            row = next(rows)
        except StopIteration:
            break
        except csv.Error as error:
            row = [str(error)]
        if row:
            theirs.append(row)
    assert ours == theirs


def _taken(rows: list[tuple[int, dict[str, Any]] | RejectedRow]) -> list[tuple[int, dict[str, Any]]]:
    return [row for row in rows if not isinstance(row, RejectedRow)]
