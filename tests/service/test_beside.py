"""What is kept of a job is read in the background."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING

import pytest

from trueline.ledger.column_reading import Reading
from trueline.ledger.errors import LedgerError
from trueline.service.beside import ReadBeside

if TYPE_CHECKING:
    from collections.abc import Callable

    from trueline.catalog.records import Job
    from trueline.service.workspace import Workspace

EXISTS = {"field": "n", "operator": "exists"}


@pytest.fixture
def job(workspace: Workspace, fresh_title: Callable[[], str], monkeypatch: pytest.MonkeyPatch) -> Job:
    """A job with a few events, which is enough to be read."""
    monkeypatch.setattr(workspace._ledger.kept.columns, "worth_keeping", 1)  # noqa: SLF001
    job = workspace.jobs.create(title=fresh_title(), labels=["Drop", "Escalate"])
    lines = [json.dumps({"raw_body": {"n": number}, "decision": {"label": "Drop"}}).encode() for number in range(5)]
    assert workspace.ingest.bulk(job, lines).accepted == 5
    return job


def test_a_filter_has_its_path_read_without_anybody_waiting(
    workspace: Workspace, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    columns = workspace._ledger.kept.columns  # noqa: SLF001
    read, may_read, began = columns.read, threading.Event(), threading.Event()

    def held_up(*asked: object) -> None:
        began.set()
        assert may_read.wait(20)
        read(*asked)  # type: ignore[arg-type]

    monkeypatch.setattr(columns, "read", held_up)
    assert workspace.metrics.job(job.id, filters=[EXISTS])["total_events"] == 5
    assert began.wait(20)
    # others may write and ask meanwhile
    assert workspace.ingest.bulk(job, [b'{"raw_body": {"n": 7}, "decision": {"label": "Drop"}}']).accepted == 1
    assert workspace.metrics.job(job.id, filters=[EXISTS])["total_events"] == 6
    may_read.set()
    workspace._filtering.put(job.id).result()  # noqa: SLF001
    monkeypatch.setattr(workspace._ledger.count, "groups", None)  # noqa: SLF001
    assert workspace.metrics.job(job.id, filters=[EXISTS])["total_events"] == 6


def test_what_cannot_be_read_is_told_by_the_log_and_answered_by_the_engine(
    workspace: Workspace, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object, **__: object) -> None:
        raise LedgerError("no")

    logged: list[object] = []
    monkeypatch.setattr("trueline.service.beside._log.exception", lambda *said, **more: logged.append((said, more)))
    with monkeypatch.context() as patched:
        patched.setattr(Reading, "read", failing)
        assert workspace.metrics.job(job.id, filters=[EXISTS])["total_events"] == 5
        workspace._filtering.put(job.id).result()  # noqa: SLF001
    told = {"what": "documents", "job_id": job.id}
    assert logged == [(("what was to be kept in memory could not be read",), told)]
    assert workspace.metrics.job(job.id, filters=[EXISTS])["total_events"] == 5
    workspace._filtering.put(job.id).result()  # noqa: SLF001
    assert job.id not in workspace._ledger.kept.columns._kept  # noqa: SLF001 - it is not tried over and over


def test_a_job_that_is_deleted_before_its_turn_is_no_fault(
    workspace: Workspace, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    columns = workspace._ledger.kept.columns  # noqa: SLF001
    with monkeypatch.context() as patched:
        patched.setattr(columns, "wanted", None)
        workspace.metrics.job(job.id, filters=[EXISTS])
    workspace.jobs.delete(job)
    workspace._filtering.put(job.id).result()  # noqa: SLF001
    assert job.id not in columns._kept  # noqa: SLF001


def test_who_wants_something_read_after_the_end_is_not_told_so(workspace: Workspace) -> None:
    class Nothing:
        wanted: Callable[[int], object] | None = None

        def read(self, job_id: int, reading: None, /) -> None:
            raise NotImplementedError

        install = give_up = read

        def close(self) -> None:
            pass

    nothing = Nothing()
    beside = ReadBeside[None]("nothing", nothing, lambda _: None, workspace._writing)  # noqa: SLF001
    wanted = nothing.wanted
    assert wanted is not None
    beside.close()
    wanted(1)
    assert nothing.wanted is None
