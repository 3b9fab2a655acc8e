from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import insert, inspect, text

from trueline.catalog import schema
from trueline.catalog.engine import connect, parse_dsn, writing
from trueline.catalog.engine import sqlite_dsn as address_of
from trueline.catalog.errors import StoreTooNew, StoreUnavailable
from trueline.catalog.migrations.versions import v0005_activated_models
from trueline.catalog.store import Catalog
from trueline.catalog.tables import jobs, metadata, models

if TYPE_CHECKING:
    from pathlib import Path

LATER = "UPDATE alembic_version SET version_num = '9999'"


def files_of(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_the_migrations_make_the_tables(dsn: str) -> None:
    Catalog.open(dsn).close()
    engine = connect(parse_dsn(dsn))
    try:
        with engine.connect() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": True})
            assert compare_metadata(context, metadata) == []
            assert inspect(connection).get_indexes("models")[0]["unique"]
    finally:
        engine.dispose()


def test_opening_again_changes_nothing(sqlite_dsn: str, tmp_path: Path) -> None:
    Catalog.open(sqlite_dsn).close()
    before = files_of(tmp_path)
    Catalog.open(sqlite_dsn).close()
    assert files_of(tmp_path) == before
    assert list(before) == ["catalog.sqlite"]


def test_a_newer_store_is_refused_with_both_versions(dsn: str) -> None:
    Catalog.open(dsn).close()
    engine = connect(parse_dsn(dsn))
    try:
        with engine.begin() as connection:
            connection.execute(text(LATER))
            connection.execute(text("DROP TABLE keys"))
        with pytest.raises(StoreTooNew) as refused:
            Catalog.open(dsn)
        with engine.connect() as connection:
            assert set(inspect(connection).get_table_names()) == {
                "alembic_version", "deleted_jobs", "its_ledger", "jobs", "model_metrics", "models",
            }  # fmt: skip
    finally:
        engine.dispose()
    assert (refused.value.found, refused.value.newest_known) == ("9999", schema.newest_known())
    for part in (parse_dsn(dsn).database, "9999", schema.newest_known()):
        assert str(part) in str(refused.value)


@pytest.mark.parametrize("journal", ["WAL", "DELETE"])
def test_a_newer_sqlite_stays_as_it_was_to_the_byte(sqlite_dsn: str, tmp_path: Path, journal: str) -> None:
    Catalog.open(sqlite_dsn).close()
    with closing(sqlite3.connect(tmp_path / "catalog.sqlite")) as connection, connection:
        connection.execute(f"PRAGMA journal_mode={journal}")
        connection.execute(LATER)
    before = files_of(tmp_path)
    with pytest.raises(StoreTooNew):
        Catalog.open(sqlite_dsn)
    after = files_of(tmp_path)
    assert after["catalog.sqlite"] == before["catalog.sqlite"]
    # The read-only look at a WAL database may leave the empty companions of one that is open.
    assert all(not after[name] for name in after.keys() - before.keys() if name.endswith("-wal"))


def test_what_a_newer_version_left_in_the_log_counts_and_stays(sqlite_dsn: str, tmp_path: Path) -> None:
    Catalog.open(sqlite_dsn).close()
    crashed = tmp_path / "crashed"
    crashed.mkdir()
    with closing(sqlite3.connect(tmp_path / "catalog.sqlite")) as connection:
        connection.execute(LATER)
        connection.commit()
        for name in ("catalog.sqlite", "catalog.sqlite-wal"):
            shutil.copy(tmp_path / name, crashed / name)
    before = files_of(crashed)
    assert before["catalog.sqlite-wal"]
    with pytest.raises(StoreTooNew):
        Catalog.open(f"sqlite:///{crashed / 'catalog.sqlite'}")
    after = files_of(crashed)
    assert {name: after[name] for name in before} == before


def test_models_of_before_were_activated_unless_they_came_after_the_active_one(dsn: str) -> None:
    """That is all there is to tell it by."""
    noon = datetime(2025, 3, 1, 12, tzinfo=UTC)
    engine = connect(parse_dsn(dsn))
    try:
        with writing(engine) as connection:
            config = schema._config()  # noqa: SLF001 - no other way to a schema of before
            config.attributes["connection"] = connection
            command.upgrade(config, v0005_activated_models.down_revision)
            job = {"labels": ["A", "B"], "grouping": "event", "decision_points": [], "minutes_per_alert": 10.0}
            votes = {"min_votes": 1, "low_confidence_below": 60.0, "consensus_min_votes": 1, "created_at": noon}
            for number in (1, 2):
                connection.execute(insert(jobs).values(id=number, title=str(number), **job, **votes))
            for job_id, active in ((1, (False, True, False)), (2, (False,))):
                for number, each in enumerate(active):
                    model = {"job_id": job_id, "id": f"m{number}", "training": number, "request_digest": "d"}
                    moments = dict.fromkeys(("trained_at", "recorded_at"), noon + timedelta(hours=number))
                    connection.execute(insert(models).values(**model, **moments, active=each))
    finally:
        engine.dispose()
    with Catalog.open(dsn) as catalog:
        assert [model.activated for model in catalog.models(1)] == [True, True, False]
        assert [model.activated for model in catalog.models(2)] == [False]


def test_the_schemas_that_are_known_are_those_that_alembic_finds() -> None:
    scripts = ScriptDirectory.from_config(schema._config())  # noqa: SLF001 - that is where it looks
    assert schema.known() == {script.revision for script in scripts.walk_revisions()}
    assert (schema.newest_known(),) == tuple(scripts.get_heads())


def test_a_file_that_is_no_database_is_refused_unharmed(sqlite_dsn: str, tmp_path: Path) -> None:
    file = tmp_path / "catalog.sqlite"
    file.write_bytes(b"minutes of the meeting" * 100)
    with pytest.raises(StoreUnavailable):
        Catalog.open(sqlite_dsn)
    assert file.read_bytes() == b"minutes of the meeting" * 100


def test_a_migration_that_fails_leaves_nothing_behind(dsn: str) -> None:
    engine = connect(parse_dsn(dsn))
    try:
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE keys (in_the_way INTEGER)"))
        with pytest.raises(StoreUnavailable):
            Catalog.open(dsn)
        with engine.connect() as connection:
            assert inspect(connection).get_table_names() == ["keys"]
    finally:
        engine.dispose()


def test_a_path_of_any_letters(tmp_path: Path) -> None:
    folder = tmp_path / "50%25 of é #1 & what? a@b:c"
    folder.mkdir()
    for _ in range(2):
        Catalog.open(address_of(folder / "catalog.sqlite")).close()
    assert [file.name for file in folder.iterdir()] == ["catalog.sqlite"]
