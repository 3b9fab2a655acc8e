"""Parquet: types become JSON, columns are dot paths."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from trueline.importers.errors import MappingError, SourceError
from trueline.importers.mapping import ColumnMapping
from trueline.importers.reading import read_rows
from trueline.importers.rows import RejectedRow
from trueline.importers.sources import find_sources

if TYPE_CHECKING:
    from pathlib import Path


def read(name: str, **mapping: Any) -> list[Any]:  # noqa: ANN401 - fields of a mapping
    (source,) = find_sources([name])
    with source.open() as opened:
        rows = list(read_rows(source, opened, ColumnMapping(**mapping)))
        assert opened.position() <= source.size
    return [row if isinstance(row, RejectedRow) else json.loads(bytes(row[1])) for row in rows]


def parquet(table: pa.Table) -> bytes:
    out = io.BytesIO()
    pq.write_table(table, out)
    return out.getvalue()


def test_types(tmp_path: Path) -> None:
    nanoseconds = pa.array([1_735_689_600_123_456_789], pa.timestamp("ns"))
    table = pa.table(
        {
            "at": nanoseconds,
            "zoned": [datetime(2025, 1, 1, tzinfo=UTC)],
            "day": [date(2025, 1, 2)],
            "number": [5],
            "half": [0.5],
            "price": [Decimal("1.50")],
            "yes": [True],
            "none": pa.array([None], pa.string()),
            "host": [{"name": "web", "ports": [80, 443]}],
            "verdict": ["bad"],
        }
    )
    (tmp_path / "alerts.parquet").write_bytes(parquet(table))
    (row,) = read(str(tmp_path / "alerts.parquet"), time="at", id="host.name", decision="verdict", decided_at="day")
    assert row == {
        "event_id": "web",
        "timestamp": "2025-01-01T00:00:00.123456Z",
        "decision": {"label": "bad", "decided_at": "2025-01-02T00:00:00Z"},
        "raw_body": {
            "at": "2025-01-01T00:00:00.123456",
            "zoned": "2025-01-01T00:00:00Z",
            "day": "2025-01-02",
            "number": 5,
            "half": 0.5,
            "price": "1.50",
            "yes": True,
            "none": None,
            "host": {"name": "web", "ports": [80, 443]},
            "verdict": "bad",
        },
    }


def test_packed(tmp_path: Path) -> None:
    content = parquet(pa.table({"n": [1, 2]}))
    (tmp_path / "a.parquet.gz").write_bytes(gzip.compress(content))
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr("in/b.parquet", content)
    assert [row["event_id"] for row in read(str(tmp_path / "a.parquet.gz"))] == [
        "a.parquet.gz:1",
        "a.parquet.gz:2",
    ]
    assert [row["event_id"] for row in read(str(tmp_path / "b.zip"))] == ["in:b.parquet:1", "in:b.parquet:2"]


def test_a_row_without_its_time_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(parquet(pa.table({"t": pa.array([None, 5], pa.int64())})))
    first, second = read(str(tmp_path / "a.parquet"), time="t", time_unit="ms")
    assert first == RejectedRow(1, "no time in column 't'", {"t": "None"})
    assert second["timestamp"] == "1970-01-01T00:00:00.005000Z"


def test_an_unknown_column_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(parquet(pa.table({"time": [1]})))
    with pytest.raises(MappingError, match=r"no column 'tim'; did you mean 'time'\?"):
        read(str(tmp_path / "a.parquet"), time="tim")


def test_what_is_no_parquet_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"name,host\n")
    with pytest.raises(SourceError, match="cannot be read as Parquet"):
        read(str(tmp_path / "a.parquet"))
