"""What is answered once the server is to stop."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from trueline.api import stopping
from trueline.api.stopping import CountedRequests, Stopping

if TYPE_CHECKING:
    import httpx

    from trueline.service.workspace import Workspace


class Clock:
    """Time that passes when told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(stopping, "time", made)
    return made


def test_it_is_over_when_nothing_is_under_way(clock: Clock) -> None:
    of = Stopping(notice_seconds=2, seconds=10)
    assert not of.is_over()
    of.begin()
    assert (of.begun, of.is_over(), of.refusing) == (True, False, False)  # others are told first
    clock.now += 2
    of.under_way = 1
    assert (of.is_over(), of.refusing) == (False, True)
    of.under_way = 0
    assert of.is_over()


def test_it_is_over_when_the_time_is(clock: Clock) -> None:
    of = Stopping(notice_seconds=0, seconds=10)
    of.under_way = 1
    of.begin()
    clock.now += 9
    of.begin()  # not from the beginning again
    assert (of.is_over(), of.refusing) == (False, True)
    clock.now += 1
    assert of.is_over()


async def ask(app: CountedRequests, path: str) -> list[dict[str, Any]]:
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:  # noqa: ANN401 - of the framework
        sent.append(message)

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    await app({"type": "http", "path": path, "method": "GET", "headers": []}, receive, send)
    return sent


def test_what_comes_too_late_is_refused_but_not_those_who_look_after_it() -> None:
    asked: list[str] = []

    async def inner(scope: Any, _: object, __: object) -> None:  # noqa: ANN401 - of the framework
        asked.append(scope["path"])

    of = Stopping()
    app = CountedRequests(inner, of)
    of.begin()
    asyncio.run(ask(app, "/api/v2/jobs"))
    assert asked == ["/api/v2/jobs"]
    assert of.is_over()
    start, body = asyncio.run(ask(app, "/api/v2/jobs"))
    assert start["status"] == 503
    assert {(b"connection", b"close"), (b"retry-after", b"1")} < set(start["headers"])
    assert body["body"] == b'{"error":"The server is stopping"}'
    asyncio.run(ask(app, "/readyz"))
    assert asked == ["/api/v2/jobs", "/readyz"]


def test_what_is_broken_off_says_that_nobody_knows() -> None:
    async def inner(_: object, __: object, ___: object) -> None:
        raise asyncio.CancelledError

    of = Stopping()
    with pytest.raises(asyncio.CancelledError):  # by the client, who is gone
        asyncio.run(ask(CountedRequests(inner, of), "/"))
    of.begin()
    start, body = asyncio.run(ask(CountedRequests(inner, of), "/"))
    assert start["status"] == 503
    assert b"may be done or not" in body["body"]
    assert of.under_way == 0


def test_health_says_that_it_is_stopping(
    client: httpx.Client, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never() -> None:
        raise AssertionError

    monkeypatch.setattr(workspace, "ping", never)
    monkeypatch.setattr(Stopping, "begun", True)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["reason"]) == (503, "the server is stopping")
    answer = client.get("/api/v2/health")
    assert (answer.status_code, answer.json()["status"]) == (503, "NOK")
    assert client.get("/healthz").status_code == 200
