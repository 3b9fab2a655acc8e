"""The checksum of a catalog in SQLite."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from trueline.catalog.errors import StoreDamaged
from trueline.catalog.store import Catalog

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def file(sqlite_dsn: str, tmp_path: Path) -> Path:
    with Catalog.open(sqlite_dsn) as catalog:
        catalog.add_job(title="kept", labels=["A", "B"])
    return tmp_path / "catalog.sqlite"


@pytest.mark.parametrize(
    "damage",
    [
        (b'["A", "B"]', b'["A", "C"]'),
        (b"kept", b"kepr"),
        (b"ENABLED'", b"ENABLEE'"),
        (b"CREATE TABLE jobs (", b"CREATE TABLE jobs \xb3"),  # SQLite quotes it in an error that is no UTF-8 then
    ],
)
def test_another_value_is_noticed_where_sqlite_notices_nothing(
    sqlite_dsn: str, file: Path, damage: tuple[bytes, bytes]
) -> None:
    content = file.read_bytes()
    assert damage[0] in content
    file.write_bytes(content.replace(*damage))
    before = file.read_bytes()
    with pytest.raises(StoreDamaged, match=r"catalog\.sqlite is damaged.*trueline restore"):
        Catalog.open(sqlite_dsn)
    assert file.read_bytes() == before


@pytest.mark.parametrize("size", [0, 50, 4096, 10_000])
def test_a_file_cut_short_is_refused(sqlite_dsn: str, file: Path, size: int) -> None:
    file.write_bytes(file.read_bytes()[:size])
    with pytest.raises(StoreDamaged):
        Catalog.open(sqlite_dsn)


def test_what_was_written_is_in_the_file_and_not_in_the_log(sqlite_dsn: str, tmp_path: Path) -> None:
    with Catalog.open(sqlite_dsn) as catalog:
        catalog.add_job(title="kept", labels=["A", "B"])
        log = tmp_path / "catalog.sqlite-wal"
        assert not log.exists() or not log.stat().st_size


def test_a_catalog_of_before_seals_is_sealed_when_it_is_opened(sqlite_dsn: str, file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection:
        (sealed,) = connection.execute("PRAGMA user_version").fetchone()
        assert sealed
        connection.execute("PRAGMA user_version = 0")
        connection.commit()
    Catalog.open(sqlite_dsn).close()
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (sealed,)
