"""A store of schema version 1 is brought to the newest one, with the same numbers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from trueline.ledger import moving
from trueline.ledger.job_tables import JobTables
from trueline.ledger.migrations import schema_files, statements

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from trueline.ledger.engine import Engine
    from trueline.service.workspace import Workspace

FIELDS = ["a", "a.b", "c", "arcanna.result_label", "arcanna.consensus"]


@pytest.fixture
def old_table(engine: Engine) -> Iterator[None]:
    """The tables of version 1 that later ones have no more."""
    for statement in statements(schema_files()[1]):
        if " events\n" in statement or " incoming_events " in statement:
            engine.command(statement)
    yield
    for statement in statements(schema_files()[2]):
        engine.command(statement)


def numbers(workspace: Workspace, job_id: int) -> list[dict[str, Any]]:
    filters = [[], *([{"field": field, "operator": "exists"}] for field in FIELDS)]
    return [workspace.metrics.job(job_id, filters=each) for each in filters]


@pytest.mark.usefixtures("old_table")
def test_every_version_of_every_event_is_moved_once(
    workspace: Workspace, engine: Engine, fresh_title: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moving, "_ROWS_AT_ONCE", 7)
    job = workspace.jobs.create(title=fresh_title(), labels=["A", "B"])
    documents: list[dict[str, Any]] = [{"a": {"b": 1}}, {"c": ["x", 2]}, {"a": "é"}, {}]
    for label, votes in (("A", [{"analyst": "ana", "label": "B"}]), ("B", [])):
        events = [
            {"event_id": str(n), "raw_body": documents[n % 4], "decision": {"label": label}, "votes": votes}
            for n in range(0, 40, 1 if label == "A" else 3)
        ]
        workspace.ingest.bulk(job, [json.dumps(event).encode() for event in events])
    before = numbers(workspace, job.id)
    put_back(engine, job.id)
    for _ in range(2):  # the second time as after a move that was cut short
        moving.move_events(engine)
        assert numbers(workspace, job.id) == before
        assert size(engine, f"events_{job.id}") == size(engine, "events")


def size(engine: Engine, table: str) -> int:
    rows = engine.rows("SELECT count() FROM {table:Identifier}", {"table": table})
    return int(rows[0][0])


def put_back(engine: Engine, job_id: int) -> None:
    """Lay the events of a job out as version 1 did, but for what filters asked there."""
    kept = engine.rows(
        "SELECT arrayStringConcat(groupArray(name), ', ') FROM system.columns WHERE database = currentDatabase()"
        " AND table = 'events' AND default_kind = '' AND name NOT IN ('job_id', 'document', 'objects')"
    )[0][0]
    rows = engine.table(f"SELECT {kept} FROM {JobTables(engine).of(job_id).name}")  # noqa: S608 - our own names
    rows = rows.append_column("job_id", pa.repeat(pa.scalar(job_id, pa.uint64()), rows.num_rows))
    engine.insert("events", rows)
    engine.command(f"TRUNCATE TABLE events_{job_id}")
