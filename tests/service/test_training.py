"""What is known of a job's last training, also when it was broken off."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from trueline.catalog.errors import StoreFull
from trueline.ledger.errors import LedgerError
from trueline.service.errors import NothingToLearnError
from trueline.service.training import Training, TrainingState

if TYPE_CHECKING:
    from collections.abc import Callable

    from trueline.catalog.records import Job
    from trueline.service.workspace import Workspace


@pytest.fixture
def job(workspace: Workspace, fresh_title: Callable[[], str]) -> Job:
    job = workspace.jobs.create(title=fresh_title(), labels=["A", "B"])
    votes = [{"analyst": "ana", "label": "A"}]
    workspace.ingest.bulk(job, [json.dumps({"event_id": "a", "raw_body": {}, "votes": votes}).encode()])
    return job


def state(workspace: Workspace, job: Job) -> tuple[TrainingState, str]:
    last = workspace.training.last(workspace.jobs.get(job.id))
    return last.state, last.message


def test_a_training_that_breaks_off_says_so_and_keeps_none_out(
    workspace: Workspace, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise LedgerError("words of the engine")

    with monkeypatch.context() as patched:
        patched.setattr(workspace._ledger.trainings, "learn_from_consensus", fail)  # noqa: SLF001
        with pytest.raises(LedgerError):
            workspace.training.train(job)
    assert state(workspace, job) == (TrainingState.FAILED, "the training was broken off")
    assert workspace.training.models(job) == []
    assert workspace.training.train(job).active
    assert state(workspace, job) == (TrainingState.FINISHED, "")


def test_a_training_that_a_crash_cut_short_is_known_at_the_next_start(workspace: Workspace, job: Job) -> None:
    workspace.training.train(job)
    workspace._catalog.change_job(job.id, last_train_started_at=datetime.now(UTC))  # noqa: SLF001 - and no more
    after = Training(workspace._ledger, workspace._catalog, workspace._writing)  # noqa: SLF001
    assert after.last(workspace.jobs.get(job.id)).state is TrainingState.FAILED
    assert after.train(job).active
    assert after.last(workspace.jobs.get(job.id)).state is TrainingState.FINISHED


def test_what_trainings_learned_that_a_full_catalog_refused_goes_with_the_next(
    workspace: Workspace, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise StoreFull

    def learned() -> list[int]:
        rows = workspace._ledger.engine.rows(  # noqa: SLF001
            "SELECT DISTINCT training FROM knowledge_base WHERE job_id = {job:UInt64}", {"job": job.id}
        )
        return sorted(row[0] for row in rows)

    with monkeypatch.context() as patched:
        patched.setattr(workspace._catalog, "add_model", refuse)  # noqa: SLF001
        for train in (workspace.training.train, workspace.training.register, workspace.training.train):
            with pytest.raises(StoreFull):
                train(job)
    assert len(learned()) == 1
    models = [workspace.training.train(job), workspace.training.register(job)]
    assert learned() == sorted(model.training for model in models)


def test_votes_without_a_winner_or_withdrawn_teach_nothing(workspace: Workspace, job: Job) -> None:
    for label in ("B", None):
        line = json.dumps({"event_id": "a", "analyst": "ben" if label else "ana", "label": label})
        workspace.feedback.bulk(job, [line.encode()])
        if label:  # two labels with a vote each
            with pytest.raises(NothingToLearnError, match="nothing to learn from"):
                workspace.training.train(job)
    assert workspace.training.train(job).active
    kept = workspace.metrics.job(job.id)
    assert kept["active_model_id"] == kept["all_model_ids"][0]
