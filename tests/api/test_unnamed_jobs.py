"""Routes that a request may leave without a job: they are about the jobs the key may read, and no others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import httpx

    from api.caller import Caller
    from trueline.service.workspace import Workspace

ROUTES = {
    ("GET", "/api/v1/jobs"): "read:resources",
    ("GET", "/api/v2/jobs"): "read:resources",
    ("GET", "/api/v2/resources"): "read:resources",
    ("GET", "/api/v2/resources?resource_type=job"): "read:resources",
    ("POST", "/api/v2/events/query"): "read:event_query",
    ("POST", "/api/v2/filters/fields"): "read:event_query",
    ("POST", "/api/v2/filters/fields_mapping"): "read:event_query",
    ("POST", "/api/v2/metrics/internal_metrics"): "read:job_metrics",
}
MINE, HIDDEN = "only_in_mine", "only_in_the_hidden_one"


@pytest.mark.parametrize("narrowed_by", ["the jobs of the key", "the job of the scope"])
@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_a_key_for_one_job_is_told_of_that_job_alone(  # noqa: PLR0913, PLR0917 - what is given
    method: str, path: str, narrowed_by: str, caller: Caller, anonymous: httpx.Client, workspace: Workspace
) -> None:
    jobs = {}
    for name in (MINE, HIDDEN):
        # the name is in all that any of the routes tells: title, decision point, field, label
        parts = {"title": f"{name} {method} {path} {narrowed_by}", "labels": [f"{name} label", "other"]}
        jobs[name] = caller.make_job(**parts, decision_points=[name])
        line = {"event_id": name, "raw_body": {name: 1}, "decision": {"label": f"{name} label"}}
        assert caller.bulk(jobs[name], "events", line)["accepted"] == 1
    scope = ROUTES[method, path]
    if narrowed_by == "the jobs of the key":
        key = workspace.access.create("limited", [scope], jobs=[jobs[MINE]])
    else:
        key = workspace.access.create("limited", [f"{scope}:job:{jobs[MINE]}"])
    body = b"{}" if method == "POST" else b""
    answer = anonymous.request(method, path, content=body, headers={"X-Arcanna-Api-Key": key})
    assert answer.status_code == 200, answer.text
    assert MINE in answer.text
    assert HIDDEN not in answer.text


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_a_key_without_the_scope_is_told_nothing(
    method: str, path: str, anonymous: httpx.Client, workspace: Workspace
) -> None:
    key = workspace.access.create("another scope", ["write:events"])
    answer = anonymous.request(method, path, headers={"X-Arcanna-Api-Key": key})
    assert (answer.status_code, answer.json()) == (403, {"error": f"The key lacks the scope {ROUTES[method, path]}"})
