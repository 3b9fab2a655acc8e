"""How events are written."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from trueline.ledger.engine import Engine
    from trueline.service.workspace import Workspace


def test_versions_that_replace_others_are_one_part_with_what_they_take_back(
    workspace: Workspace, engine: Engine, fresh_title: Callable[[], str]
) -> None:
    job = workspace.jobs.create(title=fresh_title(), labels=["A", "B"])
    sent = [b'{"event_id": %d, "raw_body": {"v": 1}, "decision": {"label": "A"}}' % number for number in range(3_000)]
    workspace.ingest.bulk(job, sent)
    engine.command(f"SYSTEM STOP MERGES events_{job.id}")
    try:
        before = parts(engine, job.id)
        again = [line.replace(b'"v": 1', b'"v": 2') for line in sent]
        assert workspace.ingest.bulk(job, again).replaced == len(again)
        new = parts(engine, job.id) - before
    finally:
        engine.command(f"SYSTEM START MERGES events_{job.id}")
    assert [rows for _, rows in new] == [2 * len(again)]
    assert workspace.metrics.job(job.id)["total_events"] == len(again)


def parts(engine: Engine, job_id: int) -> set[tuple[str, int]]:
    """Names and sizes of a job's parts."""
    rows = engine.rows(
        "SELECT name, rows FROM system.parts WHERE database = currentDatabase() AND table = {table:String} AND active",
        {"table": f"events_{job_id}"},
    )
    return {(name, size) for name, size in rows}
