"""A rebuild brings what is derived back to what votes and events say."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from trueline.metrics.consensus import Consensus
from trueline.metrics.tally import EVENTS

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from trueline.catalog.records import Job
    from trueline.ledger.store import Ledger
    from trueline.service.workspace import Workspace


@pytest.fixture
def ledger(workspace: Workspace) -> Ledger:
    return workspace._ledger  # noqa: SLF001 - what is wrong there has to be made so


@pytest.fixture(params=["event", "bucket"])
def job(request: pytest.FixtureRequest, workspace: Workspace, fresh_title: Callable[[], str]) -> Job:
    """Four events, two of them voted on in their first line and one later, one model."""
    job = workspace.jobs.create(title=fresh_title(), labels=["A", "B"], grouping=request.param)
    events = [
        {"event_id": name, "bucket_id": name, "raw_body": {}, "decision": {"label": "A"}, "votes": votes}
        for name, votes in {"a": [vote("B")], "b": [vote("A")], "c": [], "d": []}.items()
    ]
    workspace.ingest.bulk(job, packed(*events))
    workspace.feedback.bulk(job, packed({"event_id": "c", **vote("B")}))
    workspace.training.register(job)
    return job


def vote(label: str) -> dict[str, str]:
    return {"analyst": "ana", "label": label, "at": "2025-01-01"}


def packed(*lines: dict[str, Any]) -> list[bytes]:
    return [json.dumps(line).encode() for line in lines]


def test_nothing_is_changed_where_all_is_right(workspace: Workspace, client: httpx.Client, job: Job) -> None:
    before = workspace.metrics.job(job.id)
    answer = client.post(f"/api/v2/jobs/{job.id}/rebuild")
    assert answer.json() == {"job_id": job.id, "subjects": 3, "corrected": 0}
    assert workspace.metrics.job(job.id) == before
    assert before["total_events_with_consensus"] == before["total_events_in_knowledge_base"] == 3


def test_a_consensus_that_is_not_what_the_votes_say_is_corrected(
    workspace: Workspace, ledger: Ledger, job: Job
) -> None:
    before = workspace.metrics.job(job.id)
    wrong = {name: ledger.keys.event(name) if job.grouping == "event" else ledger.keys.bucket(name) for name in "ad"}
    made_up = {key: Consensus("A", 7) for key in wrong.values()}
    ledger.votes.write_consensus(job.id, made_up, dict.fromkeys(made_up, ()), ledger.clock.next())
    assert workspace.metrics.job(job.id) != before
    assert ledger.votes.consensus_of(job.id, list(made_up)) == made_up
    rebuilt = workspace.jobs.rebuild(job.id)
    assert (rebuilt.subjects, rebuilt.corrected) == (3, 2)
    assert workspace.metrics.job(job.id) == before
    assert workspace.jobs.rebuild(job.id).corrected == 0


def test_votes_that_came_to_nothing_need_no_correction(workspace: Workspace, job: Job) -> None:
    withdrawn = {"analyst": "ana", "label": None, "at": "2025-01-02"}
    for name, votes in (("e", [withdrawn]), ("f", [vote("B"), withdrawn])):
        event: dict[str, Any] = {"event_id": name, "bucket_id": name, "raw_body": {}, "votes": votes}
        assert not workspace.ingest.bulk(job, packed(event)).rejected
    assert workspace.jobs.rebuild(job.id).corrected == 0


def test_what_is_kept_in_memory_is_made_anew(
    workspace: Workspace, ledger: Ledger, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger.kept.columns, "worth_keeping", 1)
    exists = [{"field": "v", "operator": "exists"}]
    workspace.ingest.bulk(job, packed({"event_id": "e", "bucket_id": "e", "raw_body": {"v": 1}}))
    workspace.metrics.job(job.id, filters=exists)
    workspace.wait_for_filters()
    before, reported = workspace.metrics.job(job.id), workspace.reports.of(job)
    assert ledger.kept.columns.are_kept(job.id)
    made_up = {"subject_key": 99, "ts": 0, "outcome": "A\0", "consensus_changed_at": 0, "bucket_id": "z", "sign": 1}
    with ledger.kept.tally(job.id, None) as tally:
        assert tally is not None
        tally.add(pa.table({name: [value] for name, value in made_up.items()}, EVENTS))
    assert workspace.metrics.job(job.id)["total_events"] == before["total_events"] + 1
    assert workspace.jobs.rebuild(job.id).corrected == 0
    assert not ledger.kept.columns.are_kept(job.id)
    assert not ledger.kept.reviews.is_ready(job.id)
    assert workspace.metrics.job(job.id) == before
    assert workspace.reports.of(job) == reported
