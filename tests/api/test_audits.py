"""Audits over HTTP: plan, draw, review, and what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import httpx

    from api.caller import Caller


def draw(caller: Caller, job: int, **parts: object) -> dict[str, Any]:
    """A draw of two Drops."""
    asked = {"decision": "Drop", "count": 2, "seed": "week 48"} | parts
    answer = caller.client.post(f"/api/v2/jobs/{job}/audit/draws", json=asked)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def filled(caller: Caller, **parts: object) -> int:
    job = caller.make_job(**parts)
    caller.fill(job, **{f"e{number}": "Drop" if number % 4 else "Escalate" for number in range(40)})
    return job


def test_nobody_plans_draws_or_reads_a_draw(caller: Caller, anonymous: httpx.Client) -> None:
    job = filled(caller)
    body = draw(caller, job)
    path = f"/api/v2/jobs/{job}/audit"
    assert anonymous.post(f"{path}/plan", json={"bound": 0.1}).status_code == 401
    assert anonymous.post(f"{path}/draws", json={"decision": "Drop", "count": 1, "seed": "x"}).status_code == 401
    assert anonymous.get(f"{path}/draws/{body['draw_id']}").status_code == 401


def test_plan_draw_review_and_what_came_of_it(caller: Caller) -> None:
    job = filled(caller)
    plan = caller.client.post(f"/api/v2/jobs/{job}/audit/plan", json={"bound": 0.2})
    assert plan.status_code == 200
    assert plan.json() == {
        "job_id": job,
        "bound": 0.2,
        "level": 0.95,
        "drawn_are": "events",
        "start_time": None,
        "end_time": None,
        "decisions": [
            {"decision": "Drop", "population": 30, "reviewed": 0, "wrong": 0, "review": 10, "allowed": 0}
            | {"chance": 1.0, "reason": None},
            {"decision": "Investigate", "population": 0, "reviewed": 0, "wrong": 0, "review": 0, "allowed": 0}
            | {"chance": 1.0, "reason": "there are none"},
            {"decision": "Escalate", "population": 10, "reviewed": 0, "wrong": 0, "review": 6, "allowed": 0}
            | {"chance": 1.0, "reason": None},
        ],
    }
    drawn = draw(caller, job, count=10)
    assert (drawn["population"], drawn["probability"], drawn["review_reason"]) == (30, 10 / 30, "audit")
    assert draw(caller, job, count=10) == drawn
    caller.vote(job, *((each["id"], "ana", "Drop") for each in drawn["drawn"]))
    path = f"/api/v2/jobs/{job}/audit/draws/{drawn['draw_id']}"
    read = caller.client.get(path).json()
    assert read == drawn | {"reviewed": 10, "drawn": [each | {"consensus": "Drop"} for each in drawn["drawn"]]}
    assert caller.client.get(f"{path}/").json() == read
    seen = caller.client.post(f"/api/v2/jobs/{job}/audit/plan", json={"bound": 0.2}).json()["decisions"][0]
    assert (seen["reviewed"], seen["wrong"]) == (10, 0)


def test_an_audit_of_a_window_and_of_what_passes_filters(caller: Caller) -> None:
    job = filled(caller)
    window = {"start_datetime": "2025-01-01T10:00:00Z", "end_datetime": "2025-01-01"}
    filters = [{"field": "arcanna.original_id", "operator": "is one of", "value": ["e1", "e2", "e4"]}]
    drawn = draw(caller, job, filters=filters, **window)
    assert {each["id"] for each in drawn["drawn"]} == {"e1", "e2"}
    assert (drawn["start_time"], drawn["end_time"]) == ("2025-01-01T10:00:00Z", "2025-01-02T00:00:00Z")
    plan = caller.client.post(
        f"/api/v2/jobs/{job}/audit/plan", json={"bound": 0.5, "level": 0.9, "filters": filters} | window
    ).json()
    assert [each["population"] for each in plan["decisions"]] == [2, 0, 1]


def test_a_draw_of_another_job_is_not_there(caller: Caller) -> None:
    drawn = draw(caller, filled(caller))
    for name in (drawn["draw_id"], "nothing", "a/b"):
        answer = caller.client.get(f"/api/v2/jobs/{filled(caller)}/audit/draws/{name}")
        assert answer.status_code == 404
    assert caller.client.get(f"/api/v2/jobs/{filled(caller)}/audit/draws/x").json() == {"error": "Draw not found"}


@pytest.mark.parametrize(
    ("path", "part", "value"),
    [
        ("plan", "bound", 0),
        ("plan", "bound", 1),
        ("plan", "bound", None),
        ("plan", "level", 1),
        ("plan", "filters", [{"field": "a", "operator": "looks like"}]),
        ("plan", "start_datetime", "yesterday"),
        ("draws", "decision", "drop"),
        ("draws", "count", 0),
        ("draws", "count", 31),
        ("draws", "count", 2.5),
        ("draws", "seed", ""),
        ("draws", "seed", 48),
        ("draws", "end_datetime", "2025-13-01"),
        ("draws", "minutes", 1),
    ],
)
def test_what_is_no_audit_is_refused_by_name(caller: Caller, path: str, part: str, value: object) -> None:
    job = filled(caller)
    good = {"bound": 0.1} if path == "plan" else {"decision": "Drop", "count": 1, "seed": "s"}
    answer = caller.client.post(f"/api/v2/jobs/{job}/audit/{path}", json=good | {part: value})
    assert answer.status_code == 422, answer.text
    assert answer.json()["detail"][0]["loc"][:2] == ["body", part]
