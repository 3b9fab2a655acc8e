"""Trainings registered over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import httpx

    from api.caller import Caller


def register(caller: Caller, job: int, **training: object) -> httpx.Response:
    return caller.client.post(f"/api/v2/jobs/{job}/models", json=training)


def test_a_training_from_nobody_is_answered_401(caller: Caller, anonymous: httpx.Client) -> None:
    job = caller.make_job()
    assert anonymous.post(f"/api/v2/jobs/{job}/models", json={"model_id": "m"}).status_code == 401
    assert caller.client.get(f"/api/v2/jobs/{job}/models").json() == []


def test_models_are_shown_to_nobody_without_a_key(caller: Caller, anonymous: httpx.Client) -> None:
    assert anonymous.get(f"/api/v2/jobs/{caller.make_job()}/models").status_code == 401


def test_a_registered_model_is_active_and_the_one_before_no_longer(caller: Caller) -> None:
    job = caller.make_job()
    first = register(caller, job, model_id="first", trained_at="2025-01-01T12:00:00+02:00")
    assert first.status_code == 201
    assert first.json() == {
        "job_id": job,
        "model_id": "first",
        "trained_at": "2025-01-01T10:00:00Z",
        "active": True,
    }
    register(caller, job, model_id="second", trained_at="2025-01-02")
    register(caller, job, model_id="older", trained_at="2024-12-31", activate=False)
    listed = caller.client.get(f"/api/v2/jobs/{job}/models").json()
    assert [(model["model_id"], model["active"]) for model in listed] == [
        ("older", False),
        ("first", False),
        ("second", True),
    ]
    metrics = caller.metrics(job)
    assert (metrics["active_model_id"], metrics["all_model_ids"]) == ("second", ["older", "first", "second"])


def test_without_a_training_set_it_learned_every_consensus_of_that_moment(caller: Caller) -> None:
    job = caller.make_job()
    caller.fill(job, a="Drop", b="Drop", c="Drop", d="Drop")
    caller.vote(job, ("a", "ana", "Escalate"), ("b", "ana", "Drop"), ("b", "ben", "Escalate"))
    register(caller, job, model_id="m")
    caller.vote(job, ("c", "ana", "Drop"))
    assert caller.metrics(job)["total_events_in_knowledge_base"] == 1


def test_a_handed_over_set_needs_no_votes_and_may_name_events_to_come(caller: Caller) -> None:
    job = caller.make_job()
    caller.fill(job, a="Drop")
    handed_over = [
        {"event_id": "a", "label": "Escalate"},
        {"event_id": "a", "label": "Drop"},  # named twice, the last counts
        {"event_id": "later", "label": "Drop"},
    ]
    register(caller, job, model_id="m", training_set=handed_over)
    assert caller.metrics(job)["total_events_in_knowledge_base"] == 1
    caller.fill(job, later="Drop")
    caller.vote(job, ("a", "ana", "Drop"), ("later", "ana", "Escalate"))
    metrics = caller.metrics(job)
    assert metrics["total_events_in_knowledge_base"] == 2
    assert metrics["changed_consensus_after_training"] == {
        "total_events": 1,
        "top_events_ids": ["later"],
        "top_buckets_ids": [],
    }


@pytest.mark.parametrize(
    "training",
    [
        {"model_id": "m"},
        {"model_id": "m", "trained_at": "2025-01-01"},
        {"model_id": "m", "training_set": [{"event_id": "a", "label": "Drop"}], "activate": False},
    ],
)
def test_the_same_training_again_gets_the_same_answer_and_changes_nothing(
    training: dict[str, Any], caller: Caller
) -> None:
    job = caller.make_job()
    caller.fill(job, a="Drop")
    first = register(caller, job, **training)
    before = caller.metrics(job)
    again = register(caller, job, **training)
    assert (again.status_code, again.text) == (first.status_code, first.text)
    assert caller.metrics(job) == before


@pytest.mark.parametrize(
    "other",
    [
        {"trained_at": "2025-01-02"},
        {"activate": False},
        {"training_set": []},
        {"training_set": [{"event_id": "a", "label": "Escalate"}]},
    ],
)
def test_another_training_under_the_same_id_is_answered_409(other: dict[str, Any], caller: Caller) -> None:
    job = caller.make_job()
    caller.fill(job, a="Drop")
    training = {"model_id": "m", "trained_at": "2025-01-01", "training_set": [{"event_id": "a", "label": "Drop"}]}
    register(caller, job, **training)
    before = caller.metrics(job)
    refused = register(caller, job, **training | other)
    assert refused.status_code == 409
    assert refused.json() == {"error": "model 'm' is registered already, with another training"}
    assert caller.metrics(job) == before


def test_two_jobs_may_each_have_a_model_of_that_id(caller: Caller) -> None:
    assert [register(caller, caller.make_job(), model_id="m").status_code for _ in range(2)] == [201, 201]


def test_models_without_an_id_get_ids_of_their_own(caller: Caller) -> None:
    job = caller.make_job()
    names = {register(caller, job).json()["model_id"] for _ in range(3)}
    assert len(names) == 3
    assert all(name.startswith(f"generic-1-{job}-model-") for name in names)


@pytest.mark.parametrize(
    ("training", "location"),
    [
        ({"model_id": ""}, ["body", "model_id"]),
        ({"model_id": "a\0b"}, ["body", "model_id"]),
        ({"model_id": "m" * 501}, ["body", "model_id"]),
        ({"model_id": 5}, ["body", "model_id"]),
        ({"trained_at": "noon"}, ["body", "trained_at"]),
        ({"activate": "yes"}, ["body", "activate"]),
        ({"training_set": {}}, ["body", "training_set"]),
        ({"training_set": [{"event_id": "a", "label": "Drop"}, {"label": "Drop"}]}, ["body", "training_set", 1]),
        ({"training_set": [{"event_id": "a", "bucket_id": "a", "label": "Drop"}]}, ["body", "training_set", 0]),
        ({"training_set": [{"event_id": "a", "label": "Nope"}]}, ["body", "training_set", 0]),
        ({"training_set": [{"event_id": "", "label": "Drop"}]}, ["body", "training_set", 0]),
        ({"training_set": [{"event_id": 10**4000, "label": "Drop"}]}, ["body", "training_set", 0]),
        ({"training_set": [{"event_id": "a"}]}, ["body", "training_set", 0, "label"]),
        ({"trainingset": []}, ["body", "trainingset"]),
    ],
)
def test_a_training_that_cannot_be_is_answered_422_naming_the_part(
    training: dict[str, Any], location: list[str | int], caller: Caller
) -> None:
    job = caller.make_job()
    answer = register(caller, job, **training)
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == location
    assert caller.client.get(f"/api/v2/jobs/{job}/models").json() == []
