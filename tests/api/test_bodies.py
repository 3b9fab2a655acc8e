"""Bodies that are no good: each gets a clear 4xx and changes nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from trueline.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from api.caller import Caller

BIG_NUMBER = b"9" * 5_000
UNREADABLE = {
    "cut short": b'{"title": ',
    "no object": b"[]",
    "null": b"null",
    "a text": b'"text"',
    "two documents": b"{} {}",
    "not UTF-8": b'{"title": "\xff", "model_id": "\xff", "filters": "\xff", "label": "\xff"}',
    "a lone surrogate": rb'{"title": "a\ud800b", "model_id": "a\ud800b", "filters": "a\ud800b", "label": "a\ud800b"}',
    "a lone surrogate in a key": rb'{"a\udc00b": 1}',
    "an unknown key": b'{"surprise": 1}',
    "NaN": b'{"minutes_per_alert": NaN, "confidence": NaN, "trained_at": NaN, "filters": NaN}',
    "Infinity": b'{"minutes_per_alert": Infinity, "confidence": Infinity, "filters": Infinity}',
    "a number beyond all": b'{"job_id": %b, "label": %b, "activate": %b, "filters": %b}' % ((BIG_NUMBER,) * 4),
    "nested too deeply, open": b'{"title": ' + b"[" * 100_000,
    "nested too deeply, closed": b'{"filters": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
}
ROUTES = [
    ("POST", "/api/v2/jobs"),
    ("PATCH", "/api/v2/jobs/{job}"),
    ("POST", "/api/v2/jobs/{job}/models"),
    ("PUT", "/api/v2/events/{job}/a/decision"),
    ("POST", "/api/v2/metrics/job?job_id={job}"),
]


def state(caller: Caller, job: int) -> object:
    jobs = caller.client.get("/api/v2/jobs").json()
    return jobs, caller.client.get(f"/api/v2/jobs/{job}/models").json(), caller.metrics(job)


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_an_unreadable_body_is_answered_422_and_changes_nothing(method: str, path: str, caller: Caller) -> None:
    job = caller.make_job()
    caller.fill(job, a="Drop")
    before = state(caller, job)
    for kind, body in UNREADABLE.items():
        answer = caller.client.request(
            method, path.format(job=job), content=body, headers={"Content-Type": "application/json"}
        )
        assert (kind, answer.status_code) == (kind, 422)
        problem = answer.json()["detail"][0]
        assert problem["loc"][0] == "body"
        assert problem["msg"]
        assert "codec" not in problem["msg"]
    assert state(caller, job) == before


@pytest.mark.parametrize("path", ["/api/v2/metrics/job?job_id={job}", "/api/v2/metrics/job/?job_id={job}"])
@pytest.mark.parametrize("body", [b"", b" \n", b"{}", b'{"filters": null}', b'{"filters": []}'])
def test_the_metrics_route_takes_an_empty_body_for_no_filters(path: str, body: bytes, caller: Caller) -> None:
    job = caller.make_job()
    caller.fill(job, a="Drop")
    assert caller.client.post(path.format(job=job), content=body).json()["total_events"] == 1


@pytest.mark.parametrize(
    "path",
    [
        "/api/v2/jobs",
        "/api/v2/jobs/{job}/models",
        "/api/v2/jobs/{job}/events/bulk",
        "/api/v2/jobs/{job}/votes/bulk",
        "/api/v2/metrics/job?job_id={job}",
    ],
)
@pytest.mark.parametrize("way", ["announced", "in chunks"])
def test_a_body_over_the_limit_is_answered_413(path: str, way: str, caller: Caller) -> None:
    most = Settings().max_body_bytes
    job = caller.make_job()
    body = b" " * (most + 1) if way == "announced" else chunks(most + 1)
    answer = caller.client.post(path.format(job=job), content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 413
    assert answer.json() == {"error": f"A body has at most {most} bytes"}
    assert "X-Request-Id" in answer.headers


def chunks(size: int) -> Iterator[bytes]:
    while size > 0:
        yield b" " * min(size, 2**20)
        size -= 2**20


@pytest.mark.parametrize("kind", ["events", "votes"])
def test_a_bulk_request_with_too_many_lines_is_answered_413_and_none_is_taken(kind: str, caller: Caller) -> None:
    most = Settings().max_bulk_lines
    job = caller.make_job()
    caller.fill(job, a="Drop")
    line = {
        "events": {"event_id": "b", "raw_body": {}, "decision": {"label": "Drop"}},
        "votes": {"event_id": "a", "analyst": "ana", "label": "Drop"},
    }[kind]
    body = b"\n".join([json.dumps(line).encode()] * (most + 1))
    answer = caller.client.post(f"/api/v2/jobs/{job}/{kind}/bulk", content=body)
    assert answer.status_code == 413
    assert answer.json() == {"error": f"a bulk request has at most {most} lines, not {most + 1}"}
    metrics = caller.metrics(job)
    assert (metrics["total_events"], metrics["total_events_with_consensus"]) == (1, 0)


def test_exactly_as_many_lines_as_allowed_are_taken(caller: Caller) -> None:
    job = caller.make_job()
    lines = [b'{"event_id": %d, "raw_body": {}}' % number for number in range(Settings().max_bulk_lines)]
    assert caller.bulk(job, "events", *lines)["accepted"] == len(lines)


def test_a_trailing_line_break_is_no_line(caller: Caller, with_key: httpx.Client) -> None:
    job = caller.make_job()
    answer = with_key.post(f"/api/v2/jobs/{job}/events/bulk", content=b'{"raw_body": {}}\r\n')
    assert answer.json() == {"accepted": 1, "replaced": 0, "rejected": []}


def test_json_nested_beyond_the_limit_is_answered_422_a_document_counts_from_its_own_braces(caller: Caller) -> None:
    job = caller.make_job()

    def lists(depth: int) -> str:
        return "[" * depth + "]" * depth

    for path, form in (
        ("/api/v2/metrics/job?job_id={job}", '{{"filters": {}}}'),
        ("/api/v2/events/query", '{{"filters": {}}}'),
        ("/api/v2/jobs", '{{"title": {}}}'),
    ):
        answers = [caller.client.post(path.format(job=job), content=form.format(lists(depth))) for depth in (63, 64)]
        assert [answer.status_code for answer in answers] == [422, 422]
        assert ["nested more than 64 deep" in answer.text for answer in answers] == [False, True]
    event = '{{"job_id": {}, "raw_body": {{"d": {}}}}}'
    for depth, status in ((63, 201), (64, 422)):
        assert caller.client.post("/api/v1/events", content=event.format(job, lists(depth))).status_code == status


def test_more_ids_of_events_than_members_of_a_list_are_answered_422(caller: Caller) -> None:
    ids = [str(number) for number in range(Settings().max_list_members + 1)]
    asked = {"job_ids": caller.make_job(), "event_ids": ids}
    answer = caller.client.post("/api/v2/events/query", json=asked)
    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["body", "event_ids"])
    assert answer.json()["detail"][0]["msg"] == "at most 10000 event_ids are taken, not 10001"
    asked["event_ids"] = ids[1:]
    assert caller.client.post("/api/v2/events/query", json=asked).json()["total_count"] == 0
