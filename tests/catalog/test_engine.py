from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from trueline.catalog.engine import connect, name_of, parse_dsn, writing
from trueline.catalog.errors import StoreFull, StoreUnavailable, UnsupportedStore
from trueline.catalog.store import Catalog

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("kind", ["postgresql", "postgres", "postgresql+pg8000"])
def test_postgresql_goes_through_pg8000(kind: str) -> None:
    assert parse_dsn(f"{kind}://user:secret@host:5433/name").drivername == "postgresql+pg8000"


@pytest.mark.parametrize(
    "dsn",
    [
        "mysql://host/name",
        "postgresql+psycopg://host/name",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///file?mode=memory",
        "catalog.sqlite",
        "",
    ],
)
def test_another_kind_of_store_is_refused(dsn: str) -> None:
    with pytest.raises(UnsupportedStore):
        parse_dsn(dsn)


def test_no_refusal_shows_a_password(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedStore) as malformed:
        parse_dsn("postgresql:/user:hunter2@host/name")
    with pytest.raises(UnsupportedStore) as other:
        parse_dsn("mysql://user:hunter2@host/name")
    with pytest.raises(StoreUnavailable) as unreachable:
        Catalog.open("postgresql://user:hunter2@127.0.0.1:1/name")
    with pytest.raises(StoreUnavailable):
        Catalog.open(f"sqlite:///{tmp_path / 'no such folder' / 'catalog.sqlite'}")
    for refusal in (malformed, other, unreachable):
        assert "hunter2" not in str(refusal.value)


def test_options_of_postgresql() -> None:
    for options in ("sslmode=require", "sslmode=verify-full", "sslmode=disable"):
        connect(parse_dsn(f"postgresql://host/name?{options}")).dispose()
    with pytest.raises(UnsupportedStore, match="not 'prefer'"):
        connect(parse_dsn("postgresql://host/name?sslmode=prefer"))
    with pytest.raises(UnsupportedStore, match="'unknown'"):
        connect(parse_dsn("postgresql://host/name?unknown=1"))
    with pytest.raises(UnsupportedStore, match="needs sslmode=verify-full"):
        connect(parse_dsn("postgresql://host/name?sslrootcert=ca.pem"))


def test_what_is_asked_to_be_encrypted_never_goes_in_the_clear(postgres_dsn: str) -> None:
    # This server has no TLS: a silent fallback would open.
    for mode in ("require", "verify-full"):
        with pytest.raises(StoreUnavailable):
            Catalog.open(f"{postgres_dsn}?sslmode={mode}")


def test_sqlite_is_on_disk_when_it_answers(sqlite_dsn: str) -> None:
    engine = connect(parse_dsn(sqlite_dsn))
    try:
        with writing(engine) as connection:
            pragmas = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
            found = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in pragmas}
    finally:
        engine.dispose()
    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 30_000}


def test_the_name_of_a_store_is_for_people() -> None:
    assert name_of(parse_dsn("sqlite:///data/catalog.sqlite")) == "data/catalog.sqlite"
    assert name_of(parse_dsn("postgres://user:hunter2@host/name")) == "postgresql://user:***@host/name"


def test_a_full_disk_is_told_as_that_and_the_write_undone(sqlite_dsn: str) -> None:
    engine = connect(parse_dsn(sqlite_dsn))
    try:
        with writing(engine) as connection:
            connection.exec_driver_sql("CREATE TABLE kept (text TEXT)")
            connection.exec_driver_sql("PRAGMA max_page_count = 1")  # beyond, SQLite tells what it tells of a full disk
        with pytest.raises(StoreFull, match="full"), writing(engine) as connection:
            connection.exec_driver_sql("INSERT INTO kept VALUES (zeroblob(100000))")
        with engine.connect() as connection:
            assert connection.exec_driver_sql("SELECT count(*) FROM kept").scalar() == 0
    finally:
        engine.dispose()
