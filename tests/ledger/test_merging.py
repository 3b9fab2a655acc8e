"""What is merged or rewritten is on disk before the engine counts on it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from trueline.ledger.merging import SYNCED, sync_merges, unsynced_tables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from trueline.catalog.records import Job
    from trueline.ledger.engine import Engine
    from trueline.service.workspace import Workspace

_FILES_OF_A_PART = 5
"""Fewer than any has: values, marks, columns, count, checksums."""


@pytest.fixture
def job(workspace: Workspace, fresh_title: Callable[[], str]) -> Job:
    """A job with both of the tables that one can have."""
    job = workspace.jobs.create(title=fresh_title(), labels=["A", "B"])
    for label in ("A", "B"):
        workspace.ingest.bulk(job, [json.dumps({"event_id": "1", "decision": {"label": label}}).encode()])
        workspace.ingest.bulk(job, [json.dumps({"event_id": "1", "raw_body": {"a": label}}).encode()])
    return job


def synced(engine: Engine) -> int:
    """Files synced since the engine opened."""
    ((files,),) = engine.rows("SELECT value FROM system.events WHERE event = 'FileSync'")
    return int(files)


@pytest.fixture
def table(engine: Engine) -> Iterator[str]:
    """A table as they were made before, with two parts."""
    engine.command(
        "CREATE TABLE merged_plainly (n UInt64) ENGINE = MergeTree ORDER BY n SETTINGS fsync_after_insert = 1"
    )
    engine.command("SYSTEM STOP MERGES merged_plainly")
    put_two_parts(engine, "merged_plainly")
    yield "merged_plainly"
    engine.command("DROP TABLE merged_plainly SYNC")


def put_two_parts(engine: Engine, name: str) -> None:
    for _ in range(2):
        engine.command(f"INSERT INTO {name} SELECT number FROM numbers(3)")  # noqa: S608 - our own


def test_every_table_syncs_what_is_merged(engine: Engine, job: Job) -> None:
    tables = engine.rows("SELECT name FROM system.tables WHERE database = currentDatabase()")
    assert {f"events_{job.id}", f"replaced_{job.id}", "votes", "schema_version"} <= {row[0] for row in tables}
    assert unsynced_tables(engine) == []


def test_a_table_from_before_does_so_once_it_is_told(engine: Engine, table: str) -> None:
    engine.command(f"SYSTEM START MERGES {table}")
    before = synced(engine)
    engine.command(f"OPTIMIZE TABLE {table} FINAL")
    assert synced(engine) - before < _FILES_OF_A_PART
    assert unsynced_tables(engine) == [table]
    sync_merges(engine)
    assert unsynced_tables(engine) == []
    put_two_parts(engine, table)
    for change in (
        f"OPTIMIZE TABLE {table} FINAL",
        f"ALTER TABLE {table} DELETE WHERE n = 1 SETTINGS mutations_sync = 2",
    ):
        before = synced(engine)
        engine.command(change)
        assert synced(engine) - before >= _FILES_OF_A_PART, change


def test_the_setting_is_the_one_of_the_schema_files(engine: Engine) -> None:
    assert engine.rows(
        "SELECT 1 FROM system.merge_tree_settings WHERE name = {name:String}", {"name": SYNCED.split()[0]}
    )
