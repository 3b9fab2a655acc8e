"""Metrics of models over HTTP, and those of a job with its active model."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from api.caller import event

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from api.caller import Caller
    from trueline.ledger.store import Ledger
    from trueline.service.workspace import Workspace

MODEL_KEYS = [
    "confusion_matrix",
    "overall_accuracy",
    "overall_f1_score",
    "overall_recall",
    "overall_precision",
    "metrics_per_decision",
    "kb_count_per_decision",
    "buckets_in_kb",
    "events_in_kb",
    "model_id",
    "is_recomputing_metrics",
    "last_recomputed_timestamp",
    "recompute_status",
]
ROUTES = [
    ("POST", "/api/v2/metrics/job_and_latest_model"),
    ("GET", "/api/v2/metrics/model"),
    ("POST", "/api/v2/metrics/model"),
    ("POST", "/api/v2/metrics/model/request_recompute_metrics"),
]
SCORES = MODEL_KEYS[:6]


@pytest.fixture
def job(caller: Caller) -> int:
    """A job with a model m that decided a and b, and an event c that it did not decide."""
    made = caller.make_job()
    lines = [event(name, label) for name, label in (("a", "Drop"), ("b", "Drop"), ("c", "Escalate"))]
    for line in lines[:2]:
        line["decision"]["model_id"] = "m"
    caller.bulk(made, "events", *lines)
    caller.vote(made, ("a", "ana", "Escalate"), ("c", "ana", "Escalate"))
    register(caller, made, "m")
    return made


def register(caller: Caller, job: int, model_id: str, **more: object) -> None:
    answer = caller.client.post(f"/api/v2/jobs/{job}/models", json={"model_id": model_id} | more)
    assert answer.status_code == 201, answer.text


def decide_another(caller: Caller, job: int, name: str) -> None:
    line = event(name, "Investigate")
    line["decision"]["model_id"] = "m"
    caller.bulk(job, "events", line)


def ask(caller: Caller, route: str, job: int, method: str = "POST", **query: object) -> httpx.Response:
    parameters = {"job_id": job} | query
    return caller.client.request(method, f"/api/v2/metrics/{route}", params=parameters)  # type: ignore[arg-type]


def good(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    read: dict[str, Any] = answer.json()
    return read


@pytest.fixture
def held(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Nothing is computed in the background until it is set."""
    ledger: Ledger = workspace._ledger  # noqa: SLF001
    let_go = threading.Event()
    parts = ledger.count.parts

    def wait(*asked: Any) -> Any:  # noqa: ANN401 - passed on
        assert let_go.wait(60)
        return parts(*asked)

    monkeypatch.setattr(ledger.count, "parts", wait)
    yield let_go
    let_go.set()
    workspace.model_metrics._recomputations.put((0, "no model")).result(60)  # noqa: SLF001 - so those before are over


@pytest.mark.parametrize(("method", "route"), ROUTES)
def test_metrics_of_models_are_for_nobody_without_a_key(
    method: str, route: str, anonymous: httpx.Client, job: int
) -> None:
    assert anonymous.request(method, route, params={"job_id": job, "model_id": "m"}).status_code == 401


@pytest.mark.parametrize(("method", "route"), ROUTES)
def test_an_unknown_job_and_a_job_without_a_model_are_answered_404(method: str, route: str, caller: Caller) -> None:
    unknown = caller.client.request(method, route, params={"job_id": "no such job"})
    assert (unknown.status_code, unknown.json()) == (404, {"error": "Job not found"})
    without = caller.make_job()
    answer = caller.client.request(method, route, params={"job_id": without})
    assert answer.status_code == 404
    assert answer.json() == {"error": "Model not found", "details": f"Job '{without}' has no active model"}


@pytest.mark.parametrize(("method", "route"), ROUTES[1:])
def test_an_unknown_model_is_answered_404_naming_it(method: str, route: str, caller: Caller, job: int) -> None:
    answer = caller.client.request(method, route, params={"job_id": job, "model_id": "n"})
    assert answer.status_code == 404
    assert answer.json() == {"error": "Model not found", "details": f"Model 'n' not found for job '{job}'"}


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_first_to_read_a_model_gets_numbers_and_later_ones_those_of_then(
    method: str, caller: Caller, job: int
) -> None:
    first = good(ask(caller, "model", job, method, model_id="m"))
    assert list(first) == MODEL_KEYS
    assert first["confusion_matrix"] == [[1, 0, 0], [0, 0, 0], [1, 0, 0]]
    assert first["kb_count_per_decision"]["Escalate"] == {"alerts_count": 2, "buckets_count": 2}
    assert (first["is_recomputing_metrics"], first["recompute_status"]) == (False, "completed")
    decide_another(caller, job, "later")
    assert good(ask(caller, "model", job, method)) == first


def test_a_model_is_what_the_job_is_with_the_filter_on_it(caller: Caller, job: int) -> None:
    of_model = [{"field": "arcanna.model.path", "operator": "is", "value": "m"}]
    for truth in ("implicit", "explicit"):
        told = good(ask(caller, "model", job, truth=truth))
        of_job = caller.metrics(job, of_model, truth=truth)
        assert {name: told[name] for name in SCORES} == {name: of_job[name] for name in SCORES}


def test_job_and_latest_model_is_the_job_and_its_model_computed_anew(caller: Caller, job: int) -> None:
    before = good(ask(caller, "model", job))
    decide_another(caller, job, "later")
    both = good(ask(caller, "job_and_latest_model", job, start_datetime="2025-01-01", truth="explicit"))
    assert list(both) == [*caller.metrics(job), "active_model_metrics"]
    model = both.pop("active_model_metrics")
    assert both == caller.metrics(job, start_datetime="2025-01-01", truth="explicit")
    assert model == good(ask(caller, "model", job, truth="explicit"))
    assert model["last_recomputed_timestamp"] > before["last_recomputed_timestamp"]
    implicit = good(ask(caller, "job_and_latest_model", job))["active_model_metrics"]
    assert implicit["confusion_matrix"] == [[1, 0, 0], [0, 1, 0], [1, 0, 0]]
    assert implicit["events_in_kb"] == both["total_events_in_knowledge_base"]


def test_job_and_latest_model_tells_of_the_active_model_whatever_window_and_filters(caller: Caller, job: int) -> None:
    register(caller, job, "newer", activate=False)
    answer = caller.client.post(
        "/api/v2/metrics/job_and_latest_model",
        params={"job_id": str(job), "end_datetime": "2024-12-31", "timeout_s": "120"},
        json={"filters": [{"field": "arcanna.result_label", "operator": "is", "value": "Drop"}]},
    )
    both = good(answer)
    assert (both["total_events"], both["active_model_metrics"]["model_id"]) == (0, "m")
    assert both["active_model_metrics"]["confusion_matrix"] == [[1, 0, 0], [0, 0, 0], [1, 0, 0]]


@pytest.mark.parametrize("computed_before", [True, False])
def test_past_its_time_the_model_is_told_as_last_computed(
    computed_before: bool, caller: Caller, job: int, held: threading.Event
) -> None:
    if computed_before:
        held.set()
        before = good(ask(caller, "model", job))
        held.clear()
    began = time.monotonic()
    model = good(ask(caller, "job_and_latest_model", job, timeout_s=0.2))["active_model_metrics"]
    assert 0.2 <= time.monotonic() - began < 10
    assert model["is_recomputing_metrics"] is True
    assert model["recompute_status"] in {"queued", "in_progress"}
    if computed_before:
        for name in MODEL_KEYS[:-3]:
            assert model[name] == before[name]
        assert model["last_recomputed_timestamp"] == before["last_recomputed_timestamp"]
    else:
        assert (model["confusion_matrix"], model["metrics_per_decision"]) == (None, {})
        assert model["last_recomputed_timestamp"] is None
    held.set()
    model = good(ask(caller, "job_and_latest_model", job))["active_model_metrics"]
    assert (model["is_recomputing_metrics"], model["recompute_status"]) == (False, "completed")


@pytest.mark.parametrize("timeout", ["-1", "3601", "nan", "inf", "soon"])
def test_a_timeout_that_cannot_be_is_answered_422(timeout: str, caller: Caller, job: int) -> None:
    answer = ask(caller, "job_and_latest_model", job, timeout_s=timeout)
    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["query", "timeout_s"])


def test_a_wrong_filter_is_answered_422_and_nothing_is_computed(caller: Caller, job: int) -> None:
    answer = caller.client.post(
        "/api/v2/metrics/job_and_latest_model", params={"job_id": job}, json={"filters": [{"field": "a"}]}
    )
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body", "filters", 0, "operator"]
    assert ask(caller, "model", job, truth="maybe").json()["detail"][0]["loc"] == ["query", "truth"]


def test_a_recomputation_is_asked_for_once_while_it_waits(caller: Caller, job: int, held: threading.Event) -> None:
    first = good(ask(caller, "model/request_recompute_metrics", job, model_id="m"))
    assert list(first) == ["message", "job_id", "model_id", "status", "requested_at"]
    assert (first["job_id"], first["model_id"], first["status"]) == (job, "m", "queued")
    second = good(ask(caller, "model/request_recompute_metrics", job, model_id="m"))
    assert second["status"] in {"queued", "in_progress"}
    assert second["requested_at"] == first["requested_at"]
    held.set()
    deadline = time.monotonic() + 60
    while (told := good(ask(caller, "model", job)))["is_recomputing_metrics"]:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert told["recompute_status"] == "completed"
    assert told["last_recomputed_timestamp"] >= first["requested_at"]


def test_asking_for_a_recomputation_needs_both_scopes(caller: Caller, job: int, workspace: Workspace) -> None:
    read, execute = "read:job_metrics", "execute:recompute_model_metrics"
    for scopes, status in (([read], 403), ([execute], 403), ([read, execute], 200)):
        key = {"X-Arcanna-Api-Key": workspace.access.create("narrow", scopes)}
        answer = caller.client.post(ROUTES[3][1], params={"job_id": job}, headers=key)
        assert answer.status_code == status, scopes
    elsewhere = workspace.access.create("elsewhere", [read, execute], jobs=[caller.make_job()])
    for method, route in ROUTES:
        answer = caller.client.request(method, route, params={"job_id": job}, headers={"X-Arcanna-Api-Key": elsewhere})
        assert (answer.status_code, answer.json()) == (404, {"error": "Job not found"})
