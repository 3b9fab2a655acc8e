"""Bodies under way: bounded together, refused before they are read, given up when they do not come."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import threading
import time
from typing import TYPE_CHECKING

import httpx
import pytest
import uvicorn
from starlette.exceptions import HTTPException

from trueline.api.app import create_app
from trueline.api.patience import patient
from trueline.api.under_way import LEAST, BodiesUnderWay, Body

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import Message

    from trueline.service.workspace import Workspace

MOST = 64 * LEAST
ROOM = MOST + MOST // 4


def under_way() -> BodiesUnderWay:
    return BodiesUnderWay(most=MOST, largest=MOST // 4, seconds=30)


def body(bodies: BodiesUnderWay, *parts: bytes, announced: str = "") -> Body:
    waiting = [
        {"type": "http.request", "body": part, "more_body": number < len(parts)} for number, part in enumerate(parts, 1)
    ]

    async def receive() -> Message:
        if not waiting:
            await asyncio.sleep(60)
        return waiting.pop(0)

    return Body(bodies, receive, announced)


async def read(one: Body) -> bytes:
    whole = bytearray()
    while True:
        message = await one.receive()
        whole.extend(message["body"])
        if not message["more_body"]:
            return bytes(whole)


def status_of(one: Body) -> tuple[int, dict[str, str]]:
    with pytest.raises(HTTPException) as refused:
        asyncio.run(read(one))
    return refused.value.status_code, dict(refused.value.headers or {})


def test_bodies_count_until_they_are_answered() -> None:
    bodies = under_way()
    held = [body(bodies, b"x" * (MOST // 4)) for _ in range(4)]
    for each in held:
        asyncio.run(read(each))
    assert bodies.held == MOST
    assert status_of(body(bodies, b"x" * 2 * LEAST)) == (429, {"Retry-After": "1"})
    held[0].end()
    assert asyncio.run(read(body(bodies, b"x" * 2 * LEAST))) == b"x" * 2 * LEAST


def test_what_is_announced_and_has_no_room_is_refused_before_it_is_read() -> None:
    bodies = under_way()
    full = [body(bodies, b"x" * (MOST // 4)) for _ in range(4)]
    for each in full:
        asyncio.run(read(each))
    unread = body(bodies, announced=str(MOST // 8))  # nothing ever comes of it
    assert status_of(unread)[0] == 429


def test_small_bodies_find_room_beside_large_ones_and_are_bounded_too() -> None:
    bodies = under_way()
    for _ in range(4):
        asyncio.run(read(body(bodies, b"x" * (MOST // 4))))
    for _ in range((ROOM - MOST) // LEAST):
        assert asyncio.run(read(body(bodies, b"{}"))) == b"{}"
    assert status_of(body(bodies, b"{}"))[0] == 429


def test_a_body_that_grows_beyond_the_room_is_refused_on_its_way() -> None:
    bodies = under_way()
    for _ in range(3):
        asyncio.run(read(body(bodies, b"x" * (MOST // 4))))
    first = body(bodies, *[b"x" * LEAST] * 16)
    asyncio.run(first.receive())
    asyncio.run(read(body(bodies, *[b"x" * LEAST] * 15)))
    assert status_of(first)[0] == 429
    first.end()
    assert bodies.held == MOST - LEAST


def test_bodies_that_come_together_are_not_all_refused_for_each_others_sake() -> None:
    bodies = under_way()
    together = [body(bodies, *[b"x" * LEAST] * 15) for _ in range(5)]  # four of them fit
    refused = []

    async def check() -> None:
        for _ in range(15):
            for each in [each for each in together if each not in refused]:
                try:
                    await each.receive()
                except HTTPException:
                    refused.append(each)  # and is not answered yet

    asyncio.run(check())
    assert len(refused) == 1
    assert bodies.held == 60 * LEAST


def test_who_comes_alone_is_always_taken_up_to_the_largest() -> None:
    bodies = BodiesUnderWay(most=1, largest=4 * LEAST, seconds=30)
    assert len(asyncio.run(read(body(bodies, b"x" * 4 * LEAST)))) == 4 * LEAST
    assert status_of(body(bodies, b"x" * (4 * LEAST + 1)))[0] == 413
    assert status_of(body(bodies, announced=str(4 * LEAST + 1)))[0] == 413


def test_how_long_to_wait_follows_the_rate_of_what_was_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    bodies = under_way()
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now)
    assert bodies.seconds_until_room() == 1
    bodies.held = 12 * LEAST
    for _ in range(10):
        now += 1.0
        bodies.held += LEAST
        bodies.release(LEAST)  # one a second
    assert 10 <= bodies.seconds_until_room() <= 16
    bodies.held = 10_000 * LEAST
    assert bodies.seconds_until_room() == 60


def test_a_body_that_does_not_come_in_time_is_given_up() -> None:
    bodies = BodiesUnderWay(most=MOST, largest=MOST // 4, seconds=0.05)
    late = body(bodies)
    status, headers = status_of(late)
    assert (status, headers) == (408, {"Connection": "close"})
    late.end()
    assert bodies.held == 0


def test_the_end_of_a_client_is_waited_for_without_a_deadline() -> None:
    async def check() -> None:
        one = body(BodiesUnderWay(most=MOST, largest=MOST, seconds=0.01), b"{}")
        await read(one)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(one.receive(), 0.1)

    asyncio.run(check())


@pytest.fixture(scope="module")
def hasty(workspace: Workspace, no_log: None) -> Iterator[tuple[str, int]]:  # noqa: ARG001 - for its effect
    """A server over the workspace that waits half a second for a request, and a second for the next."""
    settings = workspace.settings
    workspace.settings = settings.model_copy(update={"request_seconds": 0.5})
    app = create_app(workspace)
    workspace.settings = settings
    config = uvicorn.Config(
        app,
        host="127.0.0.1",
        port=0,
        log_config=None,
        http=patient(0.5),  # type: ignore[arg-type]
        timeout_keep_alive=1,
    )
    running = uvicorn.Server(config)
    thread = threading.Thread(target=running.run)
    thread.start()
    while not running.started:
        time.sleep(0.01)
    yield running.servers[0].sockets[0].getsockname()[:2]
    running.should_exit = True
    thread.join(30)


def left_to_say(address: tuple[str, int], *parts: bytes, between: float = 0.0) -> tuple[bytes, float]:
    """All that a server says until it closes the connection, and after how many seconds it did."""
    with socket.create_connection(address, timeout=30) as connection:
        began = time.monotonic()
        for part in parts:
            connection.sendall(part)
            time.sleep(between)
        said = b""
        while more := connection.recv(65_536):
            said += more
        return said, time.monotonic() - began


def test_a_body_a_byte_at_a_time_is_answered_408(hasty: tuple[str, int], admin_key: str) -> None:
    head = f"POST /api/v1/events HTTP/1.1\r\nHost: x\r\nX-Arcanna-Api-Key: {admin_key}\r\nContent-Length: 99\r\n\r\n"
    said, seconds = left_to_say(hasty, head.encode(), b"{", b'"', b"a", between=0.1)
    assert said.startswith(b"HTTP/1.1 408 ")
    assert json.loads(said.partition(b"\r\n\r\n")[2]) == {"error": "The body did not arrive within 0.5 seconds"}
    assert seconds < 10


@pytest.mark.parametrize("parts", [[b"GET /healthz HT", b"TP", b"/1"], [b"G"], [b"GET / HTTP/1.1\r\nA: b\r\n", b"C"]])
def test_a_head_that_does_not_end_is_answered_408(parts: list[bytes], hasty: tuple[str, int]) -> None:
    said, seconds = left_to_say(hasty, *parts, between=0.1)
    assert said.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
    assert json.loads(said.partition(b"\r\n\r\n")[2]) == {"error": "The request did not arrive within 0.5 seconds"}
    assert seconds < 10


def test_a_second_head_that_does_not_end_is_answered_408_too(hasty: tuple[str, int]) -> None:
    said, _ = left_to_say(hasty, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /hea", between=0.2)
    assert re.findall(rb"HTTP/1.1 (\d+)", said) == [b"200", b"408"]


def in_parts(said: bytes) -> tuple[bytes, dict[str, str], bytes]:
    """The status line, the headers and the body of one answer."""
    head, _, body = said.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    assert len(headers) == len(lines), "a header is there twice"
    return status.encode(), headers, body


NO_HTTP = "The request is not valid HTTP, or its head is too long"
CHUNKED = b"HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nno size\r\n"


@pytest.mark.parametrize(
    ("sent", "status", "error"),
    [
        (b"GET /healthz HT", b"HTTP/1.1 408 Request Timeout", "The request did not arrive within 0.5 seconds"),
        (b"no HTTP\r\n\r\n", b"HTTP/1.1 400 Bad Request", NO_HTTP),
        (b"GET /healthz HTTP/1.1\r\nno header\r\n\r\n", b"HTTP/1.1 400 Bad Request", NO_HTTP),
        (b"POST /nothing " + CHUNKED, b"HTTP/1.1 400 Bad Request", NO_HTTP),
    ],
)
def test_what_never_becomes_a_request_is_answered_with_the_headers_of_all_answers(
    sent: bytes, status: bytes, error: str, hasty: tuple[str, int], caplog: pytest.LogCaptureFixture
) -> None:
    nothing, _ = left_to_say(hasty, b"GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    others = in_parts(nothing)[1]
    said, _ = left_to_say(hasty, sent)
    found, headers, body = in_parts(said)
    assert (found, json.loads(body)) == (status, {"error": error})
    assert headers["content-length"] == f"{len(body)}"
    for name in ("x-request-id", "content-length", "date"):
        others.pop(name)
        headers.pop(name, None)
    assert headers == others
    assert headers["x-content-type-options"] == "nosniff"
    assert "Exception in ASGI application" not in caplog.text


def test_what_is_wrong_in_the_body_of_a_head_request_is_answered_without_a_body(hasty: tuple[str, int]) -> None:
    said, _ = left_to_say(hasty, b"HEAD /nothing " + CHUNKED)
    assert in_parts(said)[::2] == (b"HTTP/1.1 400 Bad Request", b"")


@pytest.mark.parametrize("parts", [[], [b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"]])
def test_a_connection_on_which_nothing_is_asked_is_closed(parts: list[bytes], hasty: tuple[str, int]) -> None:
    said, seconds = left_to_say(hasty, *parts)
    assert said.count(b"HTTP/1.1 ") == len(parts)
    assert 0.9 < seconds < 10


def test_a_connection_in_use_is_not_closed(hasty: tuple[str, int]) -> None:
    with httpx.Client(base_url=f"http://{hasty[0]}:{hasty[1]}", timeout=30) as client:
        for _ in range(4):
            assert client.get("/healthz").status_code == 200
            time.sleep(0.4)


def test_who_does_not_read_is_not_waited_for(hasty: tuple[str, int]) -> None:
    assert httpx.get(f"http://{hasty[0]}:{hasty[1]}/openapi.json", timeout=60).status_code == 200  # made the first time
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(30)
        connection.connect(hasty)
        connection.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 1_000)
        time.sleep(2)
        said = 0
        try:
            while more := connection.recv(65_536):
                said += len(more)
                assert said < 50_000_000, "the server went on"
        except ConnectionResetError:
            pass
    assert said > 0
