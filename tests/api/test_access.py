"""Every route against every kind of key that must not open it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from fastapi.routing import iter_route_contexts

from trueline.api.app import create_app
from trueline.api.not_here import NOT_HERE
from trueline.api.pages import PATHS as PAGES
from trueline.service.keys import KNOWN_SCOPES, KeyRing

if TYPE_CHECKING:
    import httpx

    from api.caller import Caller
    from trueline.service.workspace import Workspace

LINE = json.dumps({"event_id": "e", "raw_body": {}}).encode()


@dataclass(frozen=True)
class Row:
    """A route that needs a key."""

    method: str
    path: str
    scope: str | None
    """None: any valid key will do."""
    body: bytes = b""
    query: str = ""
    of_job: bool = True
    opened: tuple[int, ...] = (200, 201)
    """What it answers to a key that may."""
    also: tuple[str, ...] = ()
    """Scopes that it needs beside."""

    @property
    def route(self) -> tuple[str, str]:
        return self.method, self.path

    def send(self, client: httpx.Client, job: int, key: str | None) -> httpx.Response:
        path = (
            self.path.replace("{job}", str(job))
            .replace("{event}", "e")
            .replace("{event_id}", "e")
            .replace("{workflow}", "w")
            .replace("{draw}", "d")
        )
        path += self.query.replace("{job}", str(job))
        body = self.body.replace(b"{job}", str(job).encode())
        headers = [(b"Content-Type", b"application/json")]
        if key is not None:
            headers.append((b"X-Arcanna-Api-Key", key.encode("latin-1")))
        return client.request(self.method, path, content=body, headers=headers)


TABLE = [
    Row("POST", "/api/v2/metrics/job", "read:job_metrics", b"{}", query="?job_id={job}"),
    Row("POST", "/api/v2/metrics/job_and_latest_model", "read:job_metrics", query="?job_id={job}"),
    Row("GET", "/api/v2/metrics/model", "read:job_metrics", query="?job_id={job}"),
    Row("POST", "/api/v2/metrics/model", "read:job_metrics", query="?job_id={job}"),
    Row(
        "POST",
        "/api/v2/metrics/model/request_recompute_metrics",
        "read:job_metrics",
        query="?job_id={job}",
        also=("execute:recompute_model_metrics",),
    ),
    Row("POST", "/api/v2/metrics/internal_metrics", "read:job_metrics", query="?job_ids={job}"),
    Row("GET", "/api/v2/jobs", "read:resources", of_job=False),
    Row(
        "POST",
        "/api/v2/jobs",
        "write:resources",
        b'{"title": "made by the one right scope", "labels": ["A", "B"]}',
        of_job=False,
    ),
    Row("GET", "/api/v2/jobs/{job}", "read:resources"),
    Row("PATCH", "/api/v2/jobs/{job}", "write:resources", b'{"min_votes": 7}'),
    Row("GET", "/api/v2/jobs/{job}/models", "read:resources"),
    Row("POST", "/api/v2/jobs/{job}/report", "read:job_metrics", b"{}"),
    Row("POST", "/api/v2/jobs/{job}/models", "execute:job_operations", b"{}"),
    Row("POST", "/api/v2/jobs/{job}/rebuild", "execute:job_operations"),
    Row("POST", "/api/v2/jobs/{job}/audit/plan", "read:job_metrics", b'{"bound": 0.01}'),
    Row(
        "POST",
        "/api/v2/jobs/{job}/audit/draws",
        "execute:job_operations",
        b'{"decision": "Drop", "count": 1, "seed": "s"}',
    ),
    Row("GET", "/api/v2/jobs/{job}/audit/draws/{draw}", "read:job_metrics", opened=(404,)),
    Row("POST", "/api/v2/jobs/{job}/train", "execute:job_operations"),
    Row("POST", "/api/v2/jobs/{job}/start", "execute:job_operations"),
    Row("POST", "/api/v2/jobs/{job}/stop", "execute:job_operations"),
    Row("GET", "/api/v1/jobs", "read:resources", of_job=False),
    Row("GET", "/api/v1/jobs/{job}", "read:resources"),
    Row("GET", "/api/v1/jobs/{job}/labels", "read:resources"),
    Row("POST", "/api/v1/jobs/get_by_name", "read:resources", b'{"job_name": "{job}"}'),
    Row("POST", "/api/v1/jobs/get_by_name/labels", "read:resources", b'{"job_name": "{job}"}'),
    Row("POST", "/api/v1/jobs/{job}/train", "execute:job_operations"),
    Row("POST", "/api/v1/jobs/{job}/start", "execute:job_operations"),
    Row("POST", "/api/v1/jobs/{job}/stop", "execute:job_operations"),
    Row("GET", "/api/v2/resources", "read:resources", of_job=False),
    Row(
        "POST",
        "/api/v2/resources",
        "write:resources",
        b'{"resources": {"a": {"type": "job", "properties":'
        b' {"title": "a resource", "category": "Decision intelligence"}}}}',
        of_job=False,
    ),
    Row("DELETE", "/api/v2/resources", "delete:resources", query="?resource_type=job&id={job}"),
    Row("POST", "/api/v2/jobs/{job}/events/bulk", "write:events", LINE),
    Row("PUT", "/api/v2/events/{job}/{event}/decision", "write:events", b'{"label": "Drop"}'),
    Row(
        "POST",
        "/api/v2/jobs/{job}/votes/bulk",
        "write:event_feedback",
        b'{"event_id": "e", "analyst": "ana", "label": "Drop"}',
    ),
    Row("POST", "/api/v1/events", "write:events", b'{"job_id": {job}, "raw_body": {}}'),
    Row("POST", "/api/v1/events/{event_id}", "write:events", b'{"job_id": {job}, "raw_body": {}}'),
    Row("GET", "/api/v1/events/{job}/{event}", "read:event_query"),
    Row("GET", "/api/v1/events/{job}/{event}/export", "read:event_export"),
    Row("PUT", "/api/v1/events/{job}/{event}/feedback", "write:event_feedback", b'{"feedback": "Drop"}'),
    Row("PUT", "/api/v2/events/{job}/{event}/feedback", "write:event_feedback", query="?feedback_label=Drop"),
    Row("POST", "/api/v2/events/query", "read:event_query", b'{"job_ids": {job}}'),
    Row("POST", "/api/v2/filters/fields", "read:event_query", b'{"job_ids": [{job}]}'),
    Row("POST", "/api/v2/filters/fields_mapping", "read:event_query", b'{"job_titles": ["{job}"]}'),
    Row("POST", "/api/v2/events/{job}/reprocess", "execute:reprocess_events", b"{}"),
    Row("POST", "/api/v2/events/{job}/{event}/reprocess", "execute:reprocess_events"),
    Row("POST", "/api/v2/backup", "admin:backup", of_job=False),
    Row("GET", "/api/v2/token/scopes", None, of_job=False),
    Row("GET", "/api/v2/health", None, of_job=False),
    *(Row(method, path.replace(":path", ""), None, of_job=False, opened=(501,)) for method, path in NOT_HERE),
]
OPEN = {("GET", path) for path in ("/healthz", "/readyz", "/metrics", "/openapi.json", "/api/v1/health", *PAGES)}
scoped = [row for row in TABLE if row.scope is not None]
every_row = pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.method} {row.path}")


def state(caller: Caller, job: int) -> object:
    """All of a job that the rows of the table could change."""
    return (
        caller.client.get(f"/api/v2/jobs/{job}").json(),
        caller.client.get(f"/api/v2/jobs/{job}/models").json(),
        caller.metrics(job, truth="explicit"),
    )


def test_every_route_of_the_app_is_in_the_table_or_open_to_all(workspace: Workspace) -> None:
    routes = {
        (method, (context.path or "").replace(":path", ""))
        for context in iter_route_contexts(create_app(workspace).routes)
        for method in (context.methods or ())
        if method != "HEAD"
    }
    assert routes == {row.route for row in TABLE} | OPEN


@every_row
def test_a_key_that_is_no_good_is_answered_401_and_changes_nothing(
    row: Row, caller: Caller, anonymous: httpx.Client, workspace: Workspace
) -> None:
    job = caller.make_job()
    before = state(caller, job)
    for kind in ("none", "empty", "nonsense", "unknown", "revoked", "expired"):
        answer = row.send(anonymous, job, no_good_key(workspace, kind))
        assert (kind, answer.status_code) == (kind, 401)
        assert answer.json() == {"error": "A valid key is needed in the header X-Arcanna-Api-Key"}
    assert state(caller, job) == before


def no_good_key(workspace: Workspace, kind: str) -> str | None:
    ring = workspace.access
    if kind == "unknown":
        stranger = KeyRing(workspace.access.catalog, b"another secret")
        return stranger.create("unknown here", KNOWN_SCOPES)
    if kind == "expired":
        long_ago = datetime.now(UTC) - timedelta(days=2)
        back_then = KeyRing(ring.catalog, ring.secret, clock=lambda: long_ago)
        return back_then.create("expired", KNOWN_SCOPES, expires_at=long_ago + timedelta(days=1))
    if kind == "revoked":
        key = ring.create("revoked", KNOWN_SCOPES)
        ring.revoke(key.split("_")[1])
        return key
    return {"none": None, "empty": "", "nonsense": "trl_no key\u00e9"}[kind]


@pytest.mark.parametrize("row", scoped, ids=lambda row: f"{row.method} {row.path}")
def test_a_key_with_every_scope_but_the_right_one_is_answered_403(
    row: Row, caller: Caller, anonymous: httpx.Client, workspace: Workspace
) -> None:
    job = caller.make_job()
    before = state(caller, job)
    key = workspace.access.create("all others", [scope for scope in KNOWN_SCOPES if scope != row.scope])
    answer = row.send(anonymous, job, key)
    assert answer.status_code == 403
    assert answer.json() == {"error": f"The key lacks the scope {row.scope}"}
    assert state(caller, job) == before


@every_row
def test_the_one_right_scope_opens_the_route(
    row: Row, caller: Caller, anonymous: httpx.Client, workspace: Workspace
) -> None:
    job = caller.make_job()
    caller.fill(job, e="Drop")
    caller.vote(job, ("e", "ana", "Drop"))
    assert caller.client.post(f"/api/v2/jobs/{job}/models", json={}).status_code == 201
    key = workspace.access.create("right one", [row.scope or "read:job_metrics", *row.also])
    assert row.send(anonymous, job, key).status_code in row.opened


@pytest.mark.parametrize("row", [row for row in TABLE if row.of_job], ids=lambda row: f"{row.method} {row.path}")
def test_a_key_for_another_job_sees_this_one_as_if_it_did_not_exist(
    row: Row, caller: Caller, anonymous: httpx.Client, workspace: Workspace
) -> None:
    job, other = caller.make_job(), caller.make_job()
    before = state(caller, job)
    key = workspace.access.create("for another job", KNOWN_SCOPES, jobs=[other])
    hidden, missing = row.send(anonymous, job, key), row.send(anonymous, 2**62, key)
    assert hidden.status_code == missing.status_code == 404
    assert hidden.text == missing.text == '{"error":"Job not found"}'
    assert state(caller, job) == before


@pytest.mark.parametrize("row", [row for row in TABLE if row.of_job], ids=lambda row: f"{row.method} {row.path}")
def test_a_scope_narrowed_to_another_job_is_answered_403_whether_the_job_exists_or_not(
    row: Row, caller: Caller, anonymous: httpx.Client, workspace: Workspace
) -> None:
    job, other = caller.make_job(), caller.make_job()
    key = workspace.access.create("narrowed", [f"{row.scope}:job:{other}"])
    assert row.send(anonymous, job, key).status_code == 403
    assert row.send(anonymous, 2**62, key).text == row.send(anonymous, job, key).text


def test_the_list_of_jobs_shows_a_limited_key_its_own_only(
    caller: Caller, anonymous: httpx.Client, workspace: Workspace
) -> None:
    caller.make_job()
    mine = caller.make_job()
    key = workspace.access.create("one job", ["read:resources"], jobs=[mine])
    answer = anonymous.get("/api/v2/jobs", headers={"X-Arcanna-Api-Key": key})
    assert [job["job_id"] for job in answer.json()] == [mine]


@pytest.mark.parametrize("name", ["X-Arcanna-Api-Key", "x-arcanna-api-key", "X-ARCANNA-API-KEY"])
def test_the_header_is_known_in_any_case(name: str, anonymous: httpx.Client, admin_key: str) -> None:
    assert anonymous.get("/api/v2/jobs", headers={name: admin_key}).status_code == 200
