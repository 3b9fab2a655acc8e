"""Every limit is where it is said to be, and the gate would tell if one were not."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from gate import BrokenError
from limited import DOCUMENTED, GATE, OTHERS, Edge, overflow, send
from trueline.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

EDGE = Edge("filters", "/api/v2/metrics/job?job_id=1", b"{}", "at most 64 filters")
BULK = Edge("depth", "/api/v2/jobs/1/events/bulk", b"{}", "nested more than 64 deep")


def answering(answer: Callable[[httpx.Request], httpx.Response]) -> httpx.Client:
    return httpx.Client(base_url="http://server", transport=httpx.MockTransport(answer))


def test_each_limit_is_answered_at_it_and_beyond_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    figures = GATE.run(tmp_path, DOCUMENTED.max_job_paths + 300, 1)
    with capsys.disabled():
        print(f"\nlimits: {figures}")  # noqa: T201 - the figure of the gate


def test_the_documented_limits_are_the_defaults_and_the_others_differ_in_each() -> None:
    defaults = Settings(data=Path())
    for name, limit in asdict(DOCUMENTED).items():
        assert getattr(defaults, name) == limit
        assert getattr(OTHERS, name) != limit
    assert DOCUMENTED.settings() == {}
    assert len(OTHERS.settings()) == len(asdict(OTHERS))


@pytest.mark.parametrize(
    ("edge", "status", "body"),
    [
        (EDGE, 200, {}),
        (EDGE, 500, {"error": "at most 64 filters"}),
        (EDGE, 422, {"detail": "something else"}),
        (Edge("filters", EDGE.path, b"{}"), 422, {}),
        (BULK, 200, {"rejected": []}),
        (BULK, 200, {"rejected": [{"error": "no idea"}]}),
        (Edge("depth", BULK.path, b"{}"), 200, {"rejected": [{"error": "nested"}]}),
        (Edge("lines", BULK.path, b"", "at most", 413), 200, {"rejected": [{"error": "at most"}]}),
    ],
)
def test_an_answer_that_is_not_the_promised_one_is_noticed(edge: Edge, status: int, body: object) -> None:
    with answering(lambda _: httpx.Response(status, json=body)) as client, pytest.raises(BrokenError, match="answered"):
        send(client, edge)


def test_a_job_that_does_not_say_that_paths_overflowed_is_noticed() -> None:
    narrow = {"searched_fast": 0, "at_most": DOCUMENTED.max_job_paths, "others_searched_slowly": False, "note": ""}

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/bulk"):
            lines = request.read().count(b"\n") + 1
            return httpx.Response(200, json={"accepted": lines, "rejected": []})
        return httpx.Response(200, json={"job_id": 1, "document_paths": narrow})

    with answering(answer) as client, pytest.raises(BrokenError, match="the job should say"):
        overflow(client, DOCUMENTED.max_job_paths + 300, 1, 1)
