"""What holds for every request: an id, a path with or without its slash, no word of the engine."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING

import pytest

from trueline.catalog.errors import StoreFull
from trueline.ledger.errors import LedgerBusyError, LedgerError, LedgerFullError, QueryTimeoutError

if TYPE_CHECKING:
    import httpx

    from api.caller import Caller
    from trueline.service.workspace import Workspace

WORDS_OF_THE_ENGINE = "Code: 62. DB::Exception: Syntax error near SELECT secret FROM events"


def test_every_answer_has_a_request_id_of_its_own(
    caller: Caller, anonymous: httpx.Client, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = caller.make_job()
    client = caller.client
    answers = [
        client.get("/healthz"),
        client.get(f"/api/v2/jobs/{job}"),
        client.post("/api/v2/jobs", json={}),
        client.post("/api/v2/jobs/0/votes/bulk"),
        client.get("/no/such/path"),
        client.delete("/api/v2/jobs"),
        anonymous.get("/api/v2/jobs"),
    ]
    monkeypatch.setattr(workspace.metrics, "job", fail_with(RuntimeError(WORDS_OF_THE_ENGINE)))
    answers.append(client.post(f"/api/v2/metrics/job?job_id={job}"))
    assert [answer.status_code for answer in answers] == [200, 200, 422, 404, 404, 405, 401, 500]
    assert len({answer.headers["X-Request-Id"] for answer in answers}) == len(answers)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (RuntimeError(WORDS_OF_THE_ENGINE), 500),
        (LedgerError("the ledger could not carry out a statement"), 500),
        (QueryTimeoutError("the query went over its time budget and was stopped"), 503),
        (LedgerBusyError("the ledger is short of memory for this"), 503),
        (LedgerFullError(), 507),
        (StoreFull(), 507),
    ],
)
def test_a_failure_is_answered_without_a_word_of_the_engine_and_the_connection_lives_on(
    error: Exception, status: int, caller: Caller, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = caller.make_job()
    error.__cause__ = ValueError(WORDS_OF_THE_ENGINE)
    with monkeypatch.context() as patched:
        patched.setattr(workspace.metrics, "job", fail_with(error))
        answer = caller.client.post(f"/api/v2/metrics/job?job_id={job}")
    assert answer.status_code == status
    assert list(answer.json()) == ["error"]
    for word in ("Code", "DB::", "SELECT", "Traceback", "RuntimeError"):
        assert word not in answer.text
    assert answer.headers.get("Retry-After") == ("1" if status == 503 else None)
    assert caller.metrics(job)["total_events"] == 0


def test_a_client_that_leaves_before_its_request_is_whole_is_no_error(
    server: str, admin_key: str, anonymous: httpx.Client
) -> None:
    noted = 'trueline_http_requests_total{method="POST",route="/api/v1/events",status="499"}'
    host, _, port = server.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        head = f"POST /api/v1/events HTTP/1.1\r\nHost: {host}\r\nX-Arcanna-Api-Key: {admin_key}\r\n"
        connection.sendall(f'{head}Content-Length: 99\r\n\r\n{{"job_id"'.encode())
        time.sleep(0.2)
    until = time.monotonic() + 30
    while noted not in anonymous.get("/metrics").text:
        assert time.monotonic() < until
        time.sleep(0.05)


def fail_with(error: Exception) -> object:
    def fail(*_: object, **__: object) -> None:
        raise error

    return fail


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/api/v2/jobs", "/api/v2/jobs/{job}", "/openapi.json"])
def test_a_trailing_slash_makes_no_difference_and_no_redirect(path: str, caller: Caller) -> None:
    path = path.format(job=caller.make_job())
    bare, slashed = caller.client.get(path), caller.client.get(f"{path}/")
    assert (bare.status_code, slashed.status_code) == (200, 200)
    assert not slashed.history
    assert bare.text == slashed.text


def test_a_trailing_slash_makes_no_difference_where_something_is_sent(caller: Caller) -> None:
    job = caller.make_job()
    line = b'{"event_id": "a", "raw_body": {}}'
    client = caller.client
    assert client.post(f"/api/v2/jobs/{job}/events/bulk/", content=line).json()["accepted"] == 1
    assert client.put(f"/api/v2/events/{job}/a/decision/", json={"label": "Drop"}).status_code == 200
    assert client.post(f"/api/v2/metrics/job/?job_id={job}").json()["total_events"] == 1


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/", 404), ("GET", "/api", 404), ("DELETE", "/api/v2/jobs", 405)]
)
def test_what_is_not_there_is_answered_in_the_shape_of_all_errors(
    method: str, path: str, status: int, with_key: httpx.Client
) -> None:
    answer = with_key.request(method, path)
    assert (answer.status_code, list(answer.json())) == (status, ["error"])


SAFE = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def test_every_answer_has_the_safe_headers_once_and_none_that_opens_it_to_other_sites(
    caller: Caller, anonymous: httpx.Client, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = caller.make_job()
    other_site = {"Origin": "http://elsewhere.test", "Access-Control-Request-Method": "POST"}
    answers = [
        anonymous.get("/healthz", headers=other_site),
        anonymous.get("/metrics"),
        anonymous.get("/openapi.json", headers=other_site),
        anonymous.get("/no/such/path"),
        anonymous.get("/api/v2/jobs", headers=other_site),
        anonymous.options(f"/api/v2/metrics/job?job_id={job}", headers=other_site),
        caller.client.get(f"/api/v2/jobs/{job}", headers=other_site),
        caller.client.post("/api/v2/jobs", json={}),
        caller.client.post(f"/api/v2/jobs/{job}/votes/bulk", content=b"{"),
    ]
    monkeypatch.setattr(workspace.metrics, "job", fail_with(RuntimeError(WORDS_OF_THE_ENGINE)))
    answers.append(caller.client.post(f"/api/v2/metrics/job?job_id={job}"))
    assert [answer.status_code for answer in answers] == [200, 200, 200, 404, 401, 405, 200, 422, 200, 500]
    for answer in answers:
        assert {name: answer.headers.get_list(name) for name in SAFE} == {name: [kept] for name, kept in SAFE.items()}
        assert not [name for name in answer.headers if name.startswith("access-control-")]
