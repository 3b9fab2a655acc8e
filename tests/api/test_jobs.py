"""Jobs made, read and changed over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from api.caller import Caller


def test_nobody_makes_lists_reads_or_changes_a_job(
    caller: Caller, anonymous: httpx.Client, fresh_title: Callable[[], str]
) -> None:
    job = caller.make_job()
    before = caller.client.get("/api/v2/jobs").json()
    assert anonymous.post("/api/v2/jobs", json={"title": fresh_title(), "labels": ["A", "B"]}).status_code == 401
    assert anonymous.get("/api/v2/jobs").status_code == 401
    assert anonymous.get(f"/api/v2/jobs/{job}").status_code == 401
    assert anonymous.patch(f"/api/v2/jobs/{job}", json={"min_votes": 2}).status_code == 401
    assert caller.client.get("/api/v2/jobs").json() == before


def test_a_job_has_the_documented_defaults_and_is_read_as_it_was_made(
    caller: Caller, fresh_title: Callable[[], str]
) -> None:
    title = fresh_title()
    made = caller.client.post("/api/v2/jobs", json={"title": title, "labels": ["Yes", "No"]})
    assert made.status_code == 201
    body = made.json()
    job, created_at = body["job_id"], body["created_at"]
    assert body == {
        "job_id": job,
        "title": title,
        "labels": ["Yes", "No"],
        "grouping": "event",
        "decision_points": [],
        "minutes_per_alert": 10.0,
        "min_votes": 1,
        "low_confidence_below": 60.0,
        "created_at": created_at,
        "status": "ENABLED",
        "description": "",
        "cost_matrix": None,
        "time_zone": "UTC",
        "labels_ordered": False,
        "headline_label": None,
    }
    paths = {"searched_fast": 0, "at_most": 2_048, "others_searched_slowly": False, "note": ""}
    assert caller.client.get(f"/api/v2/jobs/{job}").json() == body | {"document_paths": paths}
    assert body in caller.client.get("/api/v2/jobs").json()


SETTINGS = {
    "cost_matrix": {"unit": "EUR", "per_error": 12.5, "cells": {"Escalate": {"Drop": 40000.0}}},
    "time_zone": "Europe/Berlin",
    "labels_ordered": True,
    "headline_label": "Investigate",
}


def test_what_a_report_needs_is_set_at_the_making_or_later_and_set_back(caller: Caller) -> None:
    made = caller.client.get(f"/api/v2/jobs/{caller.make_job(**SETTINGS)}").json()
    assert {name: made[name] for name in SETTINGS} == SETTINGS
    job = caller.make_job()
    changed = caller.client.patch(f"/api/v2/jobs/{job}", json=SETTINGS).json()
    assert {name: changed[name] for name in SETTINGS} == SETTINGS
    assert caller.client.get(f"/api/v2/jobs/{job}").json().items() >= changed.items()
    back = caller.client.patch(f"/api/v2/jobs/{job}", json={"cost_matrix": None, "headline_label": None}).json()
    assert back == changed | {"cost_matrix": None, "headline_label": None}


@pytest.mark.parametrize(
    ("part", "value", "place"),
    [
        ("cost_matrix", [[0]], ["cost_matrix"]),
        ("cost_matrix", {"unit": "EUR"}, ["cost_matrix", "per_error"]),
        ("cost_matrix", {"per_error": -1}, ["cost_matrix", "per_error"]),
        ("cost_matrix", {"cells": {"No": {"Drop": 1}}}, ["cost_matrix", "cells"]),
        ("cost_matrix", {"cells": {"Drop": {"Escalate": "1"}}}, ["cost_matrix", "cells", "Drop", "Escalate"]),
        ("time_zone", "Mars/Olympus", ["time_zone"]),
        ("labels_ordered", "yes", ["labels_ordered"]),
        ("headline_label", "drop", ["headline_label"]),
    ],
)
def test_what_is_no_setting_of_a_report_is_refused_by_name(
    part: str, value: object, place: list[str], caller: Caller, fresh_title: Callable[[], str]
) -> None:
    job = caller.make_job()
    new = {"title": fresh_title(), "labels": ["Drop", "Escalate"], part: value}
    for answer in (
        caller.client.post("/api/v2/jobs", json=new),
        caller.client.patch(f"/api/v2/jobs/{job}", json={part: value}),
    ):
        assert answer.status_code == 422
        assert answer.json()["detail"][0]["loc"] == ["body", *place]


def test_a_job_is_named_by_its_id_or_its_exact_title(caller: Caller, fresh_title: Callable[[], str]) -> None:
    title = f"{fresh_title()} ünï? & # é%20"
    job = caller.make_job(title=title)
    assert caller.client.get(f"/api/v2/jobs/{quote(title)}").json()["job_id"] == job
    by_title = caller.client.post("/api/v2/metrics/job", params={"job_id": title})
    assert by_title.status_code == 200
    assert caller.client.get(f"/api/v2/jobs/{quote(title.upper())}").status_code == 404


@pytest.mark.parametrize("name", ["0", "99999999", "-1", "1.0", "9" * 19, "9" * 5000, "%00", "%ED%A0%80", "none"])
def test_an_unknown_job_is_answered_404(name: str, with_key: httpx.Client) -> None:
    for answer in (
        with_key.get(f"/api/v2/jobs/{name}"),
        with_key.patch(f"/api/v2/jobs/{name}", json={"min_votes": 2}),
        with_key.post(f"/api/v2/jobs/{name}/events/bulk", content=b"{}"),
        with_key.put(f"/api/v2/events/{name}/a/decision", json={"label": "Drop"}),
        with_key.post(f"/api/v2/metrics/job?job_id={name}"),
    ):
        assert (answer.status_code, answer.text) == (404, '{"error":"Job not found"}')


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("title", None),
        ("title", ""),
        ("title", "   "),
        ("title", "1234"),
        ("title", "a\0b"),
        ("title", "x" * 201),
        ("labels", []),
        ("labels", ["Drop"]),
        ("labels", ["Drop", "Drop"]),
        ("labels", ["Drop", ""]),
        ("labels", ["Drop", "a\0b"]),
        ("labels", ["Drop", " Keep"]),
        ("labels", ["Drop", "Undecided"]),
        ("labels", ["Drop", "x" * 201]),
        ("labels", [str(number) for number in range(201)]),
        ("labels", "Drop"),
        ("grouping", "host"),
        ("decision_points", ["a", "a"]),
        ("decision_points", [str(number) for number in range(65)]),
        ("minutes_per_alert", -1),
        ("minutes_per_alert", "10"),
        ("minutes_per_alert", 10**400),
        ("minutes_per_alert", 1.1e12),
        ("min_votes", 0),
        ("min_votes", 1_001),
        ("min_votes", 1.5),
        ("min_votes", True),
        ("low_confidence_below", 100.1),
        ("low_confidence_below", -0.1),
        ("job_id", 0),
        ("job_id", 2**63),
        ("job_id", "7"),
        ("colour", "red"),
    ],
)
def test_a_job_that_cannot_be_is_answered_422_naming_the_part(
    part: str, value: object, caller: Caller, fresh_title: Callable[[], str]
) -> None:
    before = caller.client.get("/api/v2/jobs").json()
    body = {"title": fresh_title(), "labels": ["Drop", "Keep"]} | {part: value}
    answer = caller.client.post("/api/v2/jobs", json=body)
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"][:2] == ["body", part]
    assert caller.client.get("/api/v2/jobs").json() == before


@pytest.mark.parametrize("missing", ["title", "labels"])
def test_a_job_needs_a_title_and_labels(missing: str, caller: Caller, fresh_title: Callable[[], str]) -> None:
    body: dict[str, Any] = {"title": fresh_title(), "labels": ["Drop", "Keep"]}
    del body[missing]
    assert caller.client.post("/api/v2/jobs", json=body).json()["detail"][0]["loc"] == ["body", missing]


def test_a_taken_title_or_id_is_answered_409(caller: Caller, fresh_title: Callable[[], str]) -> None:
    title = fresh_title()
    job = caller.make_job(title=title)
    same_title = caller.client.post("/api/v2/jobs", json={"title": title, "labels": ["A", "B"]})
    assert (same_title.status_code, same_title.json()) == (409, {"error": f"there is a job titled {title!r} already"})
    body = {"title": fresh_title(), "labels": ["A", "B"], "job_id": job}
    same_id = caller.client.post("/api/v2/jobs", json=body)
    assert (same_id.status_code, same_id.json()) == (409, {"error": f"there is a job {job} already"})
    other = caller.make_job()
    renamed = caller.client.patch(f"/api/v2/jobs/{other}", json={"title": title, "min_votes": 5})
    assert renamed.status_code == 409
    assert caller.client.get(f"/api/v2/jobs/{other}").json()["min_votes"] == 1


def test_a_changed_title_names_the_job_from_then_on(caller: Caller, fresh_title: Callable[[], str]) -> None:
    old, new = fresh_title(), fresh_title()
    job = caller.make_job(title=old)
    answer = caller.client.patch(f"/api/v2/jobs/{quote(old)}", json={"title": new})
    assert (answer.status_code, answer.json()["title"]) == (200, new)
    assert caller.client.get(f"/api/v2/jobs/{quote(new)}").json()["job_id"] == job
    assert caller.client.get(f"/api/v2/jobs/{quote(old)}").status_code == 404


def test_labels_are_added_and_put_in_another_order_and_the_matrix_follows(caller: Caller) -> None:
    job = caller.make_job(labels=["Drop", "Keep"])
    caller.fill(job, a="Drop", b="Keep", c="Keep")
    answer = caller.client.patch(f"/api/v2/jobs/{job}", json={"labels": ["Keep", "New", "Drop"]})
    assert answer.json()["labels"] == ["Keep", "New", "Drop"]
    metrics = caller.metrics(job)
    assert metrics["confusion_matrix"] == [[2, 0, 0], [0, 0, 0], [0, 0, 1]]
    assert list(metrics["metrics_per_decision"]) == ["Keep", "New", "Drop"]
    caller.vote(job, ("a", "ana", "New"))
    assert caller.metrics(job)["confusion_matrix"][1][2] == 1


@pytest.mark.parametrize(
    "labels", [["Drop", "New"], ["Drop", "Keep", "\0"], ["Keep", "New"], ["drop", "Keep"], ["Drop"], []]
)
def test_a_label_is_never_taken_away(labels: list[str], caller: Caller) -> None:
    job = caller.make_job(labels=["Drop", "Keep"])
    answer = caller.client.patch(f"/api/v2/jobs/{job}", json={"labels": labels})
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body", "labels"]
    assert caller.client.get(f"/api/v2/jobs/{job}").json()["labels"] == ["Drop", "Keep"]


def test_a_change_of_min_votes_is_in_every_consensus_when_it_answers(caller: Caller) -> None:
    job = caller.make_job()
    line = {"event_id": "with its line", "raw_body": {}, "decision": {"label": "Drop"}}
    caller.bulk(job, "events", line | {"votes": [{"analyst": "ana", "label": "Drop"}]})
    caller.fill(job, one="Drop", two="Drop")
    caller.vote(job, ("one", "ana", "Drop"), ("two", "ana", "Drop"), ("two", "ben", "Drop"))
    found = []
    for min_votes in (1, 2, 3, 1):
        caller.client.patch(f"/api/v2/jobs/{job}", json={"min_votes": min_votes}).raise_for_status()
        metrics = caller.metrics(job)
        found.append((metrics["total_events_with_consensus"], sum(map(sum, metrics["confusion_matrix"]))))
    assert found == [(3, 3), (1, 1), (0, 0), (3, 3)]


def test_changed_minutes_and_threshold_are_in_the_next_answer(caller: Caller) -> None:
    job = caller.make_job()
    line = {"event_id": "a", "raw_body": {}, "decision": {"label": "Drop", "confidence": 50}}
    caller.bulk(job, "events", line)
    caller.client.patch(f"/api/v2/jobs/{job}", json={"minutes_per_alert": 2.5, "low_confidence_below": 50})
    low = [{"field": "attention.low_confidence_score.attention_required", "operator": "is", "value": True}]
    assert (caller.metrics(job)["time_saved_minutes"], caller.metrics(job, low)["total_events"]) == (2.5, 0)


@pytest.mark.parametrize("change", [{"grouping": "bucket"}, {"decision_points": []}, {"job_id": 5}, {"titel": "x"}])
def test_what_cannot_change_is_answered_422(change: dict[str, Any], caller: Caller) -> None:
    job = caller.make_job()
    before = caller.client.get(f"/api/v2/jobs/{job}").text
    assert caller.client.patch(f"/api/v2/jobs/{job}", json=change | {"min_votes": 9}).status_code == 422
    assert caller.client.get(f"/api/v2/jobs/{job}").text == before
