"""Metrics of models: when they are computed, what is told meanwhile, what stays after a crash."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from structlog.testing import capture_logs

from trueline.catalog.records import RecomputeStatus
from trueline.instants import format_instant, parse_instant
from trueline.ledger.errors import LedgerError, QueryTimeoutError
from trueline.service.errors import InvalidRequestError, ModelNotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from trueline.catalog.records import Job, Model
    from trueline.ledger.population import Population
    from trueline.ledger.store import Ledger
    from trueline.metrics.parts import Part
    from trueline.service.workspace import Workspace

LABELS = ["Drop", "Investigate", "Escalate"]
SECONDS = 30


@pytest.fixture
def ledger(workspace: Workspace) -> Ledger:
    return workspace._ledger  # noqa: SLF001


@pytest.fixture
def job(workspace: Workspace, fresh_title: Callable[[], str]) -> Job:
    """A job with two events decided by the model m, one by another, and one by none."""
    made = workspace.jobs.create(title=fresh_title(), labels=LABELS)
    fill(workspace, made, ("a", "Drop", "m"), ("b", "Escalate", "m"), ("c", "Drop", "other"), ("d", "Drop", None))
    return made


@pytest.fixture
def model(workspace: Workspace, job: Job) -> Model:
    """The model m, which learned from b and c."""
    learned = [
        {"event_id": "b", "label": "Drop"},
        {"event_id": "c", "label": "Drop"},
        {"event_id": "z", "label": "Drop"},
    ]
    return workspace.training.register(job, model_id="m", training_set=learned)


def fill(workspace: Workspace, job: Job, *decided: tuple[str, str, str | None]) -> None:
    lines = [
        {
            "event_id": name,
            "raw_body": {},
            "decision": {"label": label} | ({} if model is None else {"model_id": model}),
        }
        for name, label, model in decided
    ]
    assert workspace.ingest.bulk(job, [json.dumps(line).encode() for line in lines]).rejected == []


def vote(workspace: Workspace, job: Job, name: str, label: str) -> None:
    line = {"event_id": name, "analyst": "ana", "label": label}
    assert workspace.feedback.bulk(job, [json.dumps(line).encode()]).rejected == []


def matrix(workspace: Workspace, job: Job, model: Model, truth: str = "implicit") -> Any:  # noqa: ANN401 - any JSON
    return workspace.model_metrics.report(job, model, truth)["confusion_matrix"]


class Held:
    """The count in parts waits, once it has begun, to be let go."""

    def __init__(self, ledger: Ledger, patched: pytest.MonkeyPatch) -> None:
        self.begun = threading.Semaphore(0)
        self.let_go = threading.Semaphore(0)
        self._parts = ledger.count.parts
        patched.setattr(ledger.count, "parts", self.parts)

    def parts(self, population: Population, width: int | None = None) -> Sequence[Part]:
        self.begun.release()
        assert self.let_go.acquire(timeout=SECONDS)
        return self._parts(population, width)

    def await_begin(self) -> None:
        assert self.begun.acquire(timeout=SECONDS)


@pytest.fixture
def held(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> Iterator[Held]:
    made = Held(ledger, monkeypatch)
    yield made
    made.let_go.release(100)


def test_nothing_is_told_of_a_model_never_asked_about(workspace: Workspace, job: Job, model: Model) -> None:
    assert workspace.model_metrics.report(job, model) == {
        "confusion_matrix": None,
        "overall_accuracy": None,
        "overall_f1_score": None,
        "overall_recall": None,
        "overall_precision": None,
        "metrics_per_decision": {},
        "kb_count_per_decision": {},
        "buckets_in_kb": None,
        "events_in_kb": None,
        "model_id": "m",
        "is_recomputing_metrics": False,
        "last_recomputed_timestamp": None,
        "recompute_status": None,
    }


def test_they_are_those_of_the_events_that_the_model_decided(workspace: Workspace, job: Job, model: Model) -> None:
    vote(workspace, job, "b", "Drop")
    vote(workspace, job, "c", "Escalate")
    workspace.model_metrics.recompute(model).result(SECONDS)
    filters = [{"field": "arcanna.model.path", "operator": "is", "value": "m"}]
    for truth in ("implicit", "explicit"):
        told = workspace.model_metrics.report(job, model, truth)
        of_job = workspace.metrics.job(job.id, filters=filters, truth=truth)
        names = ["confusion_matrix", "metrics_per_decision", *(name for name in of_job if name.startswith("overall_"))]
        assert {name: told[name] for name in names} == {name: of_job[name] for name in names}
    assert matrix(workspace, job, model) == [[1, 0, 1], [0, 0, 0], [0, 0, 0]]
    with pytest.raises(InvalidRequestError, match="implicit"):
        workspace.model_metrics.report(job, model, "maybe")


def test_its_knowledge_base_is_its_own_whoever_decided_and_whether_seen_yet(
    workspace: Workspace, job: Job, model: Model
) -> None:
    workspace.training.register(job, model_id="later", training_set=[])
    workspace.model_metrics.recompute(model).result(SECONDS)
    told = workspace.model_metrics.report(job, model)
    nothing = {"alerts_count": 0, "buckets_count": 0}
    assert told["kb_count_per_decision"] == {
        "Drop": {"alerts_count": 2, "buckets_count": 3},
        "Investigate": nothing,
        "Escalate": nothing,
    }
    assert (told["events_in_kb"], told["buckets_in_kb"]) == (2, 3)
    workspace.training.register(job, model_id="m again", training_set=[{"event_id": "a", "label": "Drop"}])
    active = workspace.model_metrics.model(job)
    assert active.id == "m again"
    workspace.model_metrics.recompute(active).result(SECONDS)
    of_job = workspace.metrics.job(job.id)
    assert workspace.model_metrics.report(job, active)["events_in_kb"] == of_job["total_events_in_knowledge_base"] == 1


def test_what_comes_later_is_not_in_them_until_they_are_computed_anew(
    workspace: Workspace, job: Job, model: Model
) -> None:
    before = datetime.now(UTC)
    workspace.model_metrics.recompute(model).result(SECONDS)
    told = workspace.model_metrics.report(job, model)
    assert before <= parse_instant(told["last_recomputed_timestamp"]) <= datetime.now(UTC)
    fill(workspace, job, ("e", "Drop", "m"))
    assert workspace.model_metrics.report(job, model) == told
    workspace.model_metrics.recompute(model).result(SECONDS)
    assert matrix(workspace, job, model) == [[2, 0, 0], [0, 0, 0], [0, 0, 1]]


def test_a_label_added_since_has_its_row(workspace: Workspace, job: Job, model: Model) -> None:
    workspace.model_metrics.recompute(model).result(SECONDS)
    job = workspace.jobs.change(job.id, labels=["Close", *LABELS])
    assert matrix(workspace, job, model) == [[0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 1]]
    assert "Close" in workspace.model_metrics.report(job, model)["kb_count_per_decision"]


def test_a_request_is_queued_then_in_progress_then_completed(
    workspace: Workspace, job: Job, model: Model, held: Held
) -> None:
    other = workspace.training.register(job, model_id="other", activate=False)
    of_models = workspace.model_metrics
    of_models.request(job, other)
    held.await_begin()
    first = of_models.request(job, model)
    assert (first.status, first.job_id, first.model_id) == (RecomputeStatus.QUEUED, job.id, "m")
    assert of_models.report(job, model)["recompute_status"] == "queued"
    assert of_models.request(job, model) == first
    held.let_go.release()
    held.await_begin()
    told = of_models.report(job, model)
    assert (told["recompute_status"], told["is_recomputing_metrics"]) == ("in_progress", True)
    second = of_models.request(job, model)
    assert (second.status, second.requested_at) == (RecomputeStatus.IN_PROGRESS, first.requested_at)
    assert second.message != first.message
    ends = of_models._recomputations.next_end((job.id, "m"))  # noqa: SLF001
    assert ends is not None
    held.let_go.release()
    ends.result(SECONDS)
    told = of_models.report(job, model)
    assert (told["recompute_status"], told["is_recomputing_metrics"]) == ("completed", False)
    third = of_models.request(job, model)
    assert (third.status, third.requested_at > first.requested_at) == (RecomputeStatus.QUEUED, True)


@pytest.mark.parametrize("error", [QueryTimeoutError("too long"), RuntimeError("no room")])
def test_one_that_fails_says_so_is_logged_and_leaves_the_numbers(
    workspace: Workspace, job: Job, model: Model, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace.model_metrics.recompute(model).result(SECONDS)
    before = workspace.model_metrics.report(job, model)

    def fail(*_: object) -> None:
        raise error

    with monkeypatch.context() as patched, capture_logs() as logs:
        patched.setattr(workspace._ledger.count, "parts", fail)  # noqa: SLF001
        workspace.model_metrics.recompute(model).result(SECONDS)
    assert workspace.model_metrics.report(job, model) == before | {"recompute_status": "failed"}
    assert [(each["log_level"], each["job_id"], each["model_id"], each["exc_info"]) for each in logs] == [
        ("error", job.id, "m", True)
    ]
    workspace.model_metrics.recompute(model).result(SECONDS)
    assert workspace.model_metrics.report(job, model)["recompute_status"] == "completed"


def test_where_not_even_the_failure_can_be_kept_it_is_told_and_nothing_hangs(
    workspace: Workspace, job: Job, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise LedgerError("the catalog is away")

    kept = workspace._catalog.model_metrics  # noqa: SLF001
    with monkeypatch.context() as patched, capture_logs() as logs:
        patched.setattr(kept, "complete", fail)
        patched.setattr(kept, "fail", fail)
        workspace.model_metrics.recompute(model).result(SECONDS)
    told = workspace.model_metrics.report(job, model)
    assert (told["recompute_status"], told["is_recomputing_metrics"]) == ("failed", False)
    assert [each["log_level"] for each in logs] == ["error", "error"]
    assert workspace.model_metrics.request(job, model).status is RecomputeStatus.QUEUED


def test_the_first_to_read_has_them_computed_and_the_others_wait_with_him(
    workspace: Workspace, job: Job, model: Model, held: Held
) -> None:
    first = workspace.model_metrics.first_time(model)
    held.await_begin()
    assert first is not None
    assert workspace.model_metrics.first_time(model) is first
    held.let_go.release()
    first.result(SECONDS)
    assert workspace.model_metrics.first_time(model) is None
    assert matrix(workspace, job, model) is not None


def test_first_numbers_that_failed_are_not_tried_again_for_everybody_who_reads(
    workspace: Workspace, model: Model, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise QueryTimeoutError("too long")

    with monkeypatch.context() as patched:
        patched.setattr(ledger.count, "parts", fail)
        first = workspace.model_metrics.first_time(model)
        assert first is not None
        first.result(SECONDS)
    assert workspace.model_metrics.first_time(model) is None


def test_what_waited_when_the_process_ended_is_queued_again(workspace: Workspace, job: Job, model: Model) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=1)
    workspace._catalog.model_metrics.queue(job.id, "m", long_ago)  # noqa: SLF001 - as a process killed then left it
    assert workspace.model_metrics.report(job, model)["recompute_status"] == "failed"
    workspace.model_metrics.resume()
    ends = workspace.model_metrics._recomputations.next_end((job.id, "m"))  # noqa: SLF001
    if ends is not None:  # it may be over
        ends.result(SECONDS)
    told = workspace.model_metrics.report(job, model)
    assert (told["recompute_status"], told["last_recomputed_timestamp"] > format_instant(long_ago)) == (
        "completed",
        True,
    )


def test_a_write_that_was_cut_short_is_finished_before_anything_is_counted(
    workspace: Workspace, job: Job, model: Model, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise LedgerError("cut short")

    with monkeypatch.context() as patched:
        patched.setattr(ledger.votes, "write_consensus", fail)
        with pytest.raises(LedgerError):
            vote(workspace, job, "a", "Escalate")
    workspace.model_metrics.recompute(model).result(SECONDS)
    assert matrix(workspace, job, model) == [[0, 0, 0], [0, 0, 0], [1, 0, 1]]


def test_a_model_that_is_not_there_is_named(workspace: Workspace, job: Job) -> None:
    with pytest.raises(ModelNotFoundError) as refused:
        workspace.model_metrics.model(job, "m")
    assert (str(refused.value), refused.value.details) == (
        "Model not found",
        f"Model 'm' not found for job '{job.id}'",
    )
    with pytest.raises(ModelNotFoundError) as refused:
        workspace.model_metrics.model(job)
    assert refused.value.details == f"Job '{job.id}' has no active model"
