"""The bulk route as a sink: what is sent again, what is split, what ends the import."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from trueline.importers.errors import SinkError
from trueline.importers.http_sink import HttpSink
from trueline.importers.pipeline import Answer, RejectedLine

if TYPE_CHECKING:
    from collections.abc import Callable

TAKEN = {"accepted": 2, "replaced": 1, "rejected": [{"line": 3, "error": "no"}]}


def sink(answer: Callable[[httpx.Request], httpx.Response], waits: list[float] | None = None) -> HttpSink:
    client = httpx.Client(base_url="http://server", transport=httpx.MockTransport(answer))
    return HttpSink(client, 7, sleep=(waits if waits is not None else []).append)


def test_lines_are_posted_as_ndjson() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        assert request.url.path == "/api/v2/jobs/7/events/bulk"
        assert request.content == b"{}\n{}\n{}\n"
        return httpx.Response(200, json=TAKEN)

    assert sink(answer).commit([b"{}", b"{}", b"{}"]) == Answer(2, 1, [RejectedLine(3, "no", b"{}")])


def test_a_busy_server_is_asked_again_when_it_says() -> None:
    answers = [
        httpx.Response(429, headers={"Retry-After": "3"}),
        httpx.Response(503, headers={"Retry-After": "Thu, 01 Jan 1970 00:00:00 GMT"}),
        httpx.Response(503),
        httpx.Response(200, json=TAKEN),
    ]
    waits: list[float] = []
    assert sink(lambda _: answers.pop(0), waits).commit([b"{}"] * 3).accepted == 2
    assert waits == [3.0, 2.0, 4.0]


def test_a_server_that_takes_no_more_for_now_is_waited_for_longer_than_one_that_fails() -> None:
    answers = [httpx.Response(429, headers={"Retry-After": "2"})] * 40 + [httpx.Response(200, json=TAKEN)]
    waits: list[float] = []
    assert sink(lambda _: answers.pop(0), waits).commit([b"{}"] * 3).accepted == 2
    assert waits == [2.0] * 40


def test_a_server_that_never_takes_more_ends_the_import_too() -> None:
    waits: list[float] = []
    full = httpx.Response(429, headers={"Retry-After": "60"}, json={"error": "later"})
    with pytest.raises(SinkError, match="with 429: later"):
        sink(lambda _: full, waits).commit([b"{}"])
    assert 600 <= sum(waits) < 1200


def test_a_server_that_stays_busy_ends_the_import() -> None:
    waits: list[float] = []
    with pytest.raises(SinkError, match="refused POST /api/v2/jobs/7/events/bulk with 503: later"):
        sink(lambda _: httpx.Response(503, json={"error": "later"}), waits).commit([b"{}"])
    assert len(waits) == 7
    assert sum(waits) < 300


def test_a_server_that_went_away_ends_the_import() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("connection refused", request=request)

    with pytest.raises(SinkError, match=r"http://server.* cannot be reached: connection refused"):
        sink(answer).commit([b"{}"])


def test_what_is_too_much_at_once_goes_in_halves() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        lines = request.content.splitlines()
        if len(lines) > 1 or b"large" in lines[0]:
            return httpx.Response(413, json={"error": "too large"})
        wrong = [{"line": 1, "error": "bad"}] if b"bad" in lines[0] else []
        return httpx.Response(200, json={"accepted": 1 - len(wrong), "replaced": 0, "rejected": wrong})

    assert sink(answer).commit([b"a", b"bad", b"large", b"b", b"bad"]) == Answer(
        2,
        0,
        [
            RejectedLine(2, "bad", b"bad"),
            RejectedLine(3, "the line is too large for the server", b"large"),
            RejectedLine(5, "bad", b"bad"),
        ],
    )


@pytest.mark.parametrize(
    ("response", "message"),
    [
        (httpx.Response(403, json={"error": "The key lacks the scope"}), "with 403: The key lacks the scope"),
        (httpx.Response(422, json={"detail": [{"loc": ["body", 1], "msg": "wrong", "type": "x"}]}), "body.1: wrong"),
        (httpx.Response(500, text="oh"), "with 500: Internal Server Error"),
        (httpx.Response(200, text="<html>"), "does not answer as a Trueline server does"),
    ],
)
def test_refusals_end_the_import_with_a_sentence(response: httpx.Response, message: str) -> None:
    with pytest.raises(SinkError, match=message):
        sink(lambda _: response).commit([b"{}"])
