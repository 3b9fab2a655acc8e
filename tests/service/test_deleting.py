"""A deleted job leaves nothing behind, whenever it was cut short and whoever was busy with it."""

from __future__ import annotations

import itertools
import json
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from trueline.ledger.errors import JobGoneError, LedgerError
from trueline.service.errors import JobNotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from trueline.catalog.records import Job
    from trueline.catalog.store import Catalog
    from trueline.ledger.store import Ledger
    from trueline.service.workspace import Workspace


@pytest.fixture
def ledger(workspace: Workspace) -> Ledger:
    return workspace._ledger  # noqa: SLF001 - what is left there is looked for


@pytest.fixture
def catalog(workspace: Workspace) -> Catalog:
    return workspace._catalog  # noqa: SLF001


@pytest.fixture(params=["event", "bucket"])
def job(request: pytest.FixtureRequest, workspace: Workspace, fresh_title: Callable[[], str]) -> Job:
    """A job with something in every table."""
    return filled(workspace, fresh_title(), request.param)


def filled(workspace: Workspace, title: str, grouping: str = "event") -> Job:
    job = workspace.jobs.create(title=title, labels=["A", "B"], grouping=grouping)
    workspace.ingest.bulk(job, [packed(name) for name in "abc"])
    workspace.ingest.bulk(job, [packed("c", other="than before")])
    workspace.feedback.bulk(job, [json.dumps({"event_id": "a", "analyst": "ana", "label": "B"}).encode()])
    workspace.training.train(job)
    workspace.search.reprocess_one(job, "b")
    workspace.audits.draw(job, "A", 2, "week")
    assert workspace.metrics.job(job.id)["total_events_in_knowledge_base"] == 1
    return job


def packed(name: str, **more: str) -> bytes:
    line = {"event_id": name, "bucket_id": name, "raw_body": {"n": name, **more}, "decision": {"label": "A"}}
    return json.dumps(line).encode()


def left_of(ledger: Ledger, catalog: Catalog, job: Job) -> dict[str, int]:
    """Rows and tables that still hold something of a job."""
    found = {
        table: ledger.engine.rows(
            "SELECT count() FROM {table:Identifier} WHERE job_id = {job:UInt64}", {"table": table, "job": job.id}
        )[0][0]
        for (table,) in ledger.engine.rows(
            "SELECT table FROM system.columns WHERE database = currentDatabase() AND name = 'job_id'"
        )
    }
    found["events"] = f"events_{job.id}" in ledger._tables.names()  # noqa: SLF001
    found["replaced"] = f"replaced_{job.id}" in ledger._tables.names_of_replaced()  # noqa: SLF001
    found["models"] = len(catalog.models(job.id))
    found["unfinished"] = job.id in catalog.uncleared_jobs()
    return {name: count for name, count in found.items() if count}


EVERYWHERE = {
    "votes", "consensus", "knowledge_base", "reprocess_requests", "audit_draws", "events", "replaced", "models",
}  # fmt: skip


def fail(*_: object, **__: object) -> None:
    raise LedgerError("cut short")


def test_nothing_is_left_in_either_store_and_the_others_keep_theirs(
    workspace: Workspace, ledger: Ledger, catalog: Catalog, job: Job, fresh_title: Callable[[], str]
) -> None:
    other = filled(workspace, fresh_title())
    before = workspace.metrics.job(other.id)
    assert left_of(ledger, catalog, job).keys() == EVERYWHERE
    workspace.jobs.delete(job)
    assert left_of(ledger, catalog, job) == {}
    assert not ledger.kept.is_ready(job.id, None)
    assert workspace.metrics.job(other.id) == before
    assert workspace.jobs.rebuild(other.id).corrected == 0
    assert workspace.metrics.job(other.id) == before
    assert left_of(ledger, catalog, other).keys() == EVERYWHERE


@pytest.mark.parametrize("cut", ["at the table of events", "at the votes", "before it is noted"])
@pytest.mark.parametrize("go_on", ["at the next start", "by the next deletion"])
def test_what_was_cut_short_is_finished(  # noqa: PLR0913, PLR0917
    workspace: Workspace,
    ledger: Ledger,
    catalog: Catalog,
    fresh_title: Callable[[], str],
    monkeypatch: pytest.MonkeyPatch,
    cut: str,
    go_on: str,
) -> None:
    job, other = filled(workspace, fresh_title()), filled(workspace, fresh_title())
    with monkeypatch.context() as patched:
        if cut == "at the table of events":
            patched.setattr(ledger._tables, "drop", fail)  # noqa: SLF001
        elif cut == "at the votes":
            command = ledger.engine.command
            patched.setattr(
                ledger.engine,
                "command",
                lambda sql, *given: fail() if sql.startswith("ALTER TABLE votes") else command(sql, *given),
            )
        else:
            patched.setattr(catalog, "mark_cleared", fail)
        with pytest.raises(LedgerError, match="cut short"):
            workspace.jobs.delete(job)
    # it is gone already, only not cleared yet
    assert "unfinished" in left_of(ledger, catalog, job)
    with pytest.raises(JobNotFoundError):
        workspace.metrics.job(job.id)
    with pytest.raises(JobNotFoundError):
        workspace.ingest.bulk(job, [packed("d")])
    assert workspace.jobs.create(title=job.title, labels=["A", "B"]).id > job.id
    if go_on == "at the next start":
        workspace.recover()
    else:
        workspace.jobs.delete(other)
    assert left_of(ledger, catalog, job) == {}


def test_who_waits_for_a_job_finds_it_gone(workspace: Workspace, ledger: Ledger, catalog: Catalog, job: Job) -> None:
    with ThreadPoolExecutor(3) as pool:
        with workspace._writing.on(job.id):  # noqa: SLF001
            sent = [workspace.ingest.put(workspace.ingest.prepare(job, [packed(name)])) for name in "de"]
            deleting: Future[None] = pool.submit(workspace.jobs.delete, job)
            voting = pool.submit(workspace.feedback.give, job, "a", "ana", "A")
            training = pool.submit(workspace.training.train, job)
        deleting.result(60)
        # who came first was answered; who came after it finds nothing
        failed = [voting.exception(60), training.exception(60), *(each.exception(60) for each in sent)]
        assert all(error is None or isinstance(error, JobNotFoundError) for error in failed)
    for late in (
        lambda: workspace.ingest.bulk(job, [packed("f")]),
        lambda: workspace.feedback.give(job, "a", "ana", "A"),
        lambda: workspace.training.train(job),
        lambda: workspace.jobs.stop(job),
        lambda: workspace.jobs.delete(job),
        lambda: workspace.activity.of(job),
    ):
        with pytest.raises(JobNotFoundError):
            late()
    assert left_of(ledger, catalog, job) == {}


def test_a_question_that_comes_too_late_is_answered_404_and_makes_no_table_anew(  # noqa: PLR0913, PLR0917
    workspace: Workspace, client: httpx.Client, ledger: Ledger, catalog: Catalog, job: Job,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    known = ledger._tables.of(job.id)  # noqa: SLF001
    workspace.jobs.delete(job)
    with pytest.raises(JobGoneError):
        ledger.engine.rows("SELECT count() FROM {table:Identifier}", {"table": known.name})
    with pytest.raises(JobGoneError):
        workspace.events.state(job, "a")
    monkeypatch.setattr(workspace.jobs, "get", lambda _: job)  # as if it had been found just before
    for path in ("", "/export"):
        answer = client.get(f"/api/v1/events/{job.id}/a{path}")
        assert (answer.status_code, answer.json()) == (404, {"error": "Job not found"})
    assert left_of(ledger, catalog, job) == {}


def test_deleting_while_others_write_and_ask_ends_with_nothing_left(
    workspace: Workspace, ledger: Ledger, catalog: Catalog, job: Job
) -> None:
    def keep(work: Callable[[int], Any]) -> int:
        deadline = time.monotonic() + 60
        for turn in itertools.count():
            if time.monotonic() > deadline:
                break
            try:
                work(turn)
            except (JobNotFoundError, JobGoneError):
                return turn
        raise AssertionError("the job was never gone")

    with ThreadPoolExecutor(4) as pool:
        busy = [
            pool.submit(keep, lambda turn: workspace.ingest.bulk(job, [packed(f"w{turn}")])),
            pool.submit(keep, lambda _: workspace.metrics.job(job.id)),
            pool.submit(keep, lambda turn: workspace.feedback.give(job, "a", f"ana {turn}", "A")),
            pool.submit(keep, lambda _: workspace.events.state(job, "a")),
        ]
        workspace.jobs.delete(job)
        for each in busy:
            each.result(60)
    assert left_of(ledger, catalog, job) == {}
