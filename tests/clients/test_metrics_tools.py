"""The official client's metrics tools, through its own validation, against the plain answers and the oracle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from clients import triage
from clients.client import ToolFailed
from clients.triage import ACTIVE_MODEL, EVENTS, OLD_MODEL, unlike

if TYPE_CHECKING:
    import httpx

    from api.caller import Caller
    from clients.client import Client
    from clients.triage import Triage

MODEL_NUMBERS = [
    *("confusion_matrix", "overall_accuracy", "overall_f1_score", "overall_recall", "overall_precision"),
    "metrics_per_decision",
]
METRICS = "arcanna_mcp_server.tools.metrics"
RECOMPUTE = f"{METRICS}:metrics_model_request_recompute_metrics"


@pytest.fixture(scope="module")
def jobs(with_key: httpx.Client) -> dict[str, Triage]:
    return {grouping: triage.fill(with_key, f"metrics tools, by {grouping}", grouping) for grouping in triage.CATEGORY}


@pytest.fixture(params=["event", "bucket"])
def job(request: pytest.FixtureRequest, jobs: dict[str, Triage]) -> Triage:
    """A job in use, of each grouping."""
    return jobs[request.param]


def model_numbers(told: Triage, model: str) -> dict[str, Any]:
    """What the oracle says of the events that a model decided."""
    only = [{"field": "arcanna.model.path", "operator": "is", "value": model}]
    numbers = told.oracle.metrics(filters=only)
    return {name: numbers[name] for name in MODEL_NUMBERS}


def test_the_metrics_of_a_job(job: Triage, management: Client, caller: Caller) -> None:
    answer = management.call("metrics_job", job_id=job.job)
    assert answer == caller.metrics(job.job)
    assert unlike(answer, job.oracle.metrics()) == []
    assert answer["changed_consensus_after_training"]["total_events"] > 0


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2025-01-02", None),
        (None, "2025-01-02"),
        ("2025-01-02", "2025-01-02"),
        ("2025-01-01T06:00:00", "2025-01-02T12:30:00Z"),
        ("2025-01-01T06:00:00+01:00", "2025-01-02T12:30:00+0100"),
        ("2030-01-01", None),
    ],
)
@pytest.mark.parametrize("tool", ["metrics_job", "metrics_job_and_latest_model"])
def test_dates_as_the_client_sends_them_unescaped(  # noqa: PLR0913, PLR0917 - what is given
    tool: str, start: str | None, end: str | None, job: Triage, management: Client, caller: Caller
) -> None:
    given = {name: date for name, date in (("start", start), ("end", end)) if date is not None}
    answer = management.call(tool, job_id=job.job, **{f"{name}_date": date for name, date in given.items()})
    answer.pop("active_model_metrics", None)
    assert answer == caller.metrics(job.job, None, **{f"{name}_datetime": date for name, date in given.items()})
    assert unlike(answer, job.oracle.metrics(start, end)) == []


@pytest.mark.parametrize("number", range(1, 11))
@pytest.mark.parametrize("tool", ["metrics_job", "metrics_job_and_latest_model"])
def test_each_predefined_filter_of_the_description(
    tool: str, number: int, job: Triage, management: Client, caller: Caller
) -> None:
    described = triage.predefined_filters(management.tools()[tool])
    assert len(described) == 10
    only = [described[number - 1]]
    answer = management.call(tool, job_id=job.job, filters=only)
    answer.pop("active_model_metrics", None)
    assert answer == caller.metrics(job.job, only)
    assert unlike(answer, job.oracle.metrics(filters=only)) == []
    state_of_others = "bucket_state" if job.grouping == "event" else "knowledge_base_state"
    if state_of_others not in only[0]["field"]:
        assert 0 < answer["total_events"] < EVENTS


def test_dates_and_filters_together(job: Triage, management: Client, caller: Caller) -> None:
    only: list[dict[str, Any]] = [
        {"field": "rule.level", "operator": "gte", "value": 5},
        {"field": "host", "operator": "not exists"},
    ]
    for count in (1, 2):
        answer = management.call("metrics_job", job_id=job.job, end_date="2025-01-02", filters=only[:count])
        assert answer == caller.metrics(job.job, only[:count], end_datetime="2025-01-02")
        assert unlike(answer, job.oracle.metrics(None, "2025-01-02", only[:count])) == []


def test_a_job_that_is_not_there_is_named_in_what_the_client_says(management: Client) -> None:
    with pytest.raises(ToolFailed, match="Job not found"):
        management.call("metrics_job", job_id=2**60)


# --- models


@pytest.mark.parametrize("model", [OLD_MODEL, ACTIVE_MODEL])
def test_the_metrics_of_a_model(model: str, job: Triage, management: Client, caller: Caller) -> None:
    answer = management.call("metrics_model", job_id=job.job, model_id=model)
    assert unlike({name: answer[name] for name in MODEL_NUMBERS}, model_numbers(job, model)) == []
    assert answer["model_id"] == model
    assert isinstance(answer["is_recomputing_metrics"], bool)
    plain = caller.client.get("/api/v2/metrics/model", params={"job_id": job.job, "model_id": model})
    assert plain.status_code == 200
    assert answer.items() <= plain.json().items()


def test_the_job_and_its_latest_model_together(job: Triage, management: Client) -> None:
    answer = management.call("metrics_job_and_latest_model", job_id=job.job)
    model = answer.pop("active_model_metrics")
    assert answer == management.call("metrics_job", job_id=job.job)
    assert unlike({name: model[name] for name in MODEL_NUMBERS}, model_numbers(job, ACTIVE_MODEL)) == []
    assert (model["model_id"], model["is_recomputing_metrics"]) == (ACTIVE_MODEL, False)
    alone = management.call("metrics_model", job_id=job.job, model_id=ACTIVE_MODEL)
    assert {name: alone[name] for name in MODEL_NUMBERS} == {name: model[name] for name in MODEL_NUMBERS}


def test_a_job_without_a_model_and_a_model_that_is_not_there_are_named(management: Client, caller: Caller) -> None:
    job = caller.make_job()
    answer = management.plain(f"{METRICS}:metrics_job_and_latest_model", job_id=job)
    assert answer["error"] == "Model not found"
    answer = management.plain(f"{METRICS}:metrics_model", job_id=job, model_id="none such")
    assert answer == {"error": "Model not found", "details": f"Model 'none such' not found for job '{job}'"}


def test_a_recomputation_asked_for_through_the_plain_function(job: Triage, management: Client) -> None:
    answer = management.plain(RECOMPUTE, job_id=job.job, model_id=OLD_MODEL)
    assert set(answer) == {"message", "job_id", "model_id", "status", "requested_at"}
    assert (answer["job_id"], answer["model_id"], answer["status"]) == (job.job, OLD_MODEL, "queued")
    # the client says that its tool returns a text, the documentation that the server answers an object: it wins
    with pytest.raises(ToolFailed, match="valid string"):
        management.call("metrics_model_request_recompute_metrics", job_id=job.job, model_id=OLD_MODEL)
