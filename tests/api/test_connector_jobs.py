"""Jobs as connectors read and operate them."""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING, Any

import pytest

from api.caller import LABELS, event

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from api.caller import Caller
    from trueline.service.workspace import Workspace

OK_V1 = {"status": "OK", "error_message": ""}
OK_V2 = {"status": "OK", "reason": "", "reason_details": ""}


def shown(caller: Caller, job: int) -> dict[str, Any]:
    answer = caller.client.get(f"/api/v1/jobs/{job}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def operate(caller: Caller, job: int, operation: str, version: str = "v2") -> httpx.Response:
    return caller.client.post(f"/api/{version}/jobs/{job}/{operation}")


def test_a_new_job_has_seen_nothing(caller: Caller) -> None:
    job = caller.make_job(title="v1 shape", grouping="bucket", decision_points=["rule.name"])
    answer = caller.client.get(f"/api/v1/jobs/{job}/")
    assert list(answer.json().items()) == [
        ("job_id", job),
        ("category", "Decision intelligence"),
        ("data_type", "JSON alerts"),
        ("title", "v1 shape"),
        ("status", "ENABLED"),
        ("retrain_state", "NOT_STARTED"),
        ("retrain_msg", ""),
        ("labels", LABELS),
        ("features", ["rule.name"]),
        ("processed_documents_count", 0),
        ("feedback_documents_count", 0),
        ("last_processed_timestamp", None),
        ("last_feedback_timestamp", None),
        ("last_train_start_timestamp", None),
        ("last_train_finished_timestamp", None),
        ("invalid", False),
    ]
    by_name = caller.client.post("/api/v1/jobs/get_by_name", json={"job_name": "v1 shape"})
    assert by_name.json() == answer.json()
    assert answer.json() in caller.client.get("/api/v1/jobs").json()


@pytest.mark.parametrize("grouping", ["event", "bucket"])
def test_the_counts_are_those_of_the_metrics(caller: Caller, grouping: str) -> None:
    job = caller.make_job(grouping=grouping)
    assert shown(caller, job)["processed_documents_count"] == 0
    lines = [event(name, "Drop") | {"bucket_id": name[0]} for name in ("a1", "a2", "b", "c")]
    lines[2]["raw_body"]["@timestamp"] = "2025-01-02T00:00:00.000001Z"
    pending = {"event_id": "p", "raw_body": {"@timestamp": "2025-06-01T00:00:00Z"}, "bucket_id": "a"}
    caller.bulk(job, "events", *lines, pending)
    caller.vote(job, ("a1", "ana", "Drop"), ("b", "ana", "Drop"), ("b", "ben", "Escalate"), ("c", "ana", "Drop"))
    caller.vote(job, ("c", "ana", None))
    found = shown(caller, job)
    assert found["processed_documents_count"] == caller.metrics(job)["total_events"] == 4
    # a1 (and with its bucket a2) has a label, b is undecided, the vote on c is withdrawn
    assert found["feedback_documents_count"] == (3 if grouping == "bucket" else 2)
    assert found["last_processed_timestamp"] == "2025-01-02T00:00:00.000001Z"
    last = found["last_feedback_timestamp"]
    caller.vote(job, ("c", "cyd", "Drop"))
    again = shown(caller, job)
    assert again["last_feedback_timestamp"] > last > "2025-01-03"
    assert again["feedback_documents_count"] == found["feedback_documents_count"] + 1


def test_labels_by_id_and_by_name(caller: Caller) -> None:
    job = caller.make_job(title="with / slashes / labelled")
    assert caller.client.get(f"/api/v1/jobs/{job}/labels").json() == LABELS
    assert caller.client.get("/api/v1/jobs/with / slashes / labelled/labels").json() == LABELS
    named = caller.client.post("/api/v1/jobs/get_by_name/labels", json={"job_name": "with / slashes / labelled"})
    assert named.json() == LABELS


@pytest.mark.parametrize("path", ["get_by_name", "get_by_name/labels"])
def test_a_name_that_no_job_has_or_a_body_without_one(caller: Caller, path: str) -> None:
    answer = caller.client.post(f"/api/v1/jobs/{path}", json={"job_name": "nobody's"})
    assert (answer.status_code, answer.json()) == (404, {"error": "Job not found"})
    answer = caller.client.post(f"/api/v1/jobs/{path}", json={"name": "nobody's"})
    assert answer.status_code == 422
    assert ["body", "job_name"] in [each["loc"] for each in answer.json()["detail"]]


def test_only_those_the_key_may_read_are_listed(caller: Caller, anonymous: httpx.Client, workspace: Workspace) -> None:
    caller.make_job()
    mine, other = caller.make_job(), caller.make_job()
    for scopes, jobs in ((["read:resources"], [mine]), ([f"read:resources:job:{mine}"], None)):
        key = workspace.access.create("one job", scopes, jobs=jobs)
        answer = anonymous.get("/api/v1/jobs", headers={"X-Arcanna-Api-Key": key})
        assert [job["job_id"] for job in answer.json()] == [mine]
    assert other != mine


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_stopped_job_refuses_events_and_nothing_else(caller: Caller, version: str) -> None:
    title = f"stopped under {version}"
    job = caller.make_job(title=title)
    caller.fill(job, a="Drop")
    ok = OK_V1 if version == "v1" else OK_V2
    assert operate(caller, job, "stop", version).json() == ok
    assert operate(caller, job, "stop", version).json() == ok
    assert shown(caller, job)["status"] == "DISABLED"
    assert caller.client.get(f"/api/v2/jobs/{job}").json()["status"] == "DISABLED"
    before = caller.metrics(job)
    for path, sent in (
        ("/api/v1/events", {"json": {"job_id": job, "raw_body": {}}}),
        ("/api/v1/events/b", {"json": {"job_id": job, "raw_body": {}}}),
        (f"/api/v2/jobs/{job}/events/bulk", {"content": b'{"event_id": "b", "raw_body": {}}'}),
        (f"/api/v2/jobs/{job}/events/bulk", {"content": b"no event at all"}),
    ):
        answer = caller.client.post(path, **sent)
        assert answer.status_code == 409
        assert answer.json() == {"error": f"the job {title!r} is stopped and takes in no events: start it first"}
    assert caller.metrics(job) == before
    decided = caller.client.put(f"/api/v2/events/{job}/a/decision", json={"label": "Escalate"})
    assert decided.status_code == 200
    caller.vote(job, ("a", "ana", "Escalate"))
    assert operate(caller, job, "train").status_code == 200
    assert caller.metrics(job)["total_events_in_knowledge_base"] == 1
    assert operate(caller, job, "start", version).json() == ok
    caller.fill(job, b="Drop")
    assert caller.metrics(job)["total_events"] == 2


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_training_makes_the_knowledge_base_of_now_the_active_models(caller: Caller, version: str) -> None:
    job = caller.make_job()
    caller.fill(job, a="Drop", b="Drop", c="Drop")
    caller.vote(job, ("a", "ana", "Escalate"), ("b", "ana", "Drop"), ("b", "ben", "Escalate"))
    for turn in (1, 2):
        assert operate(caller, job, "train", version).json() == (OK_V1 if version == "v1" else OK_V2)
        metrics = caller.metrics(job)
        assert metrics["total_events_in_knowledge_base"] == turn
        assert len(metrics["all_model_ids"]) == turn
        assert metrics["active_model_id"] == metrics["all_model_ids"][-1]
        assert re.fullmatch(rf"generic-1-{job}-model-[0-9]{{10}}(-2)?", metrics["active_model_id"])
        found = shown(caller, job)
        assert (found["retrain_state"], found["retrain_msg"]) == ("FINISHED", "")
        assert found["last_train_start_timestamp"] <= found["last_train_finished_timestamp"]
        caller.vote(job, ("c", "ana", "Drop"))


def test_a_training_without_a_consensus_is_refused_and_leaves_the_model(caller: Caller) -> None:
    job = caller.make_job(title="nothing to learn")
    caller.fill(job, a="Drop", b="Drop")
    caller.vote(job, ("a", "ana", "Drop"))
    assert operate(caller, job, "train").status_code == 200
    model = caller.metrics(job)["active_model_id"]
    caller.vote(job, ("a", "ben", "Escalate"))
    for version in ("v1", "v2"):
        answer = operate(caller, job, "train", version)
        assert answer.status_code == 409
        sentence = "the job 'nothing to learn' has nothing to learn from: no event and no bucket of it has a consensus"
        assert answer.json() == {"error": f"{sentence} label"}
    found = shown(caller, job)
    assert (found["retrain_state"], found["retrain_msg"]) == ("FAILED", f"{sentence} label")
    assert caller.metrics(job)["all_model_ids"] == [model]


def test_a_training_registered_from_elsewhere_is_the_last_one(caller: Caller) -> None:
    job = caller.make_job()
    caller.client.post(f"/api/v2/jobs/{job}/models", json={"trained_at": "2025-05-01"})
    found = shown(caller, job)
    assert (found["retrain_state"], found["last_train_start_timestamp"]) == ("FINISHED", "2025-05-01T00:00:00Z")
    assert found["last_train_finished_timestamp"] > "2025-05-02"


def test_a_second_training_is_refused_while_one_runs(
    caller: Caller, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = caller.make_job(title="trained twice at once")
    caller.fill(job, a="Drop")
    caller.vote(job, ("a", "ana", "Drop"))
    assert shown(caller, job)["processed_documents_count"] == 1  # counted once, it is told while the job is held too
    begun, go_on = threading.Event(), threading.Event()
    learn: Callable[..., None] = workspace._ledger.trainings.learn_from_consensus  # noqa: SLF001

    def slowly(*arguments: int) -> None:
        begun.set()
        assert go_on.wait(30)
        learn(*arguments)

    monkeypatch.setattr(workspace._ledger.trainings, "learn_from_consensus", slowly)  # noqa: SLF001
    answers: list[httpx.Response] = []
    first = threading.Thread(target=lambda: answers.append(operate(caller, job, "train")))
    first.start()
    try:
        assert begun.wait(30)
        assert shown(caller, job)["retrain_state"] == "IN_PROGRESS"
        second = operate(caller, job, "train")
        assert (second.status_code, second.json()) == (
            409,
            {"error": "the job 'trained twice at once' is being trained already"},
        )
    finally:
        go_on.set()
        first.join(30)
    assert [answer.status_code for answer in answers] == [200]
    assert len(caller.metrics(job)["all_model_ids"]) == 1
    assert operate(caller, job, "train").status_code == 200
