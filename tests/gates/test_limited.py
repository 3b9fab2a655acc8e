"""Every limit is where it is said to be, and the gate would tell if one were not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from gate import BrokenError
from limited import GATE, JOB_PATHS, Edge, overflow, send

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

EDGE = Edge("filters", "/api/v2/metrics/job?job_id=1", b"{}", "at most 64 filters")
BULK = Edge("depth", "/api/v2/jobs/1/events/bulk", b"{}", "nested more than 64 deep")


def answering(answer: Callable[[httpx.Request], httpx.Response]) -> httpx.Client:
    return httpx.Client(base_url="http://server", transport=httpx.MockTransport(answer))


def test_each_limit_is_answered_at_it_and_beyond_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    figures = GATE.run(tmp_path, JOB_PATHS + 300, 1)
    with capsys.disabled():
        print(f"\nlimits: {figures}")  # noqa: T201 - the figure of the gate


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
    narrow = {"searched_fast": 0, "at_most": JOB_PATHS, "others_searched_slowly": False, "note": ""}

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/bulk"):
            lines = request.read().count(b"\n") + 1
            return httpx.Response(200, json={"accepted": lines, "rejected": []})
        return httpx.Response(200, json={"job_id": 1, "document_paths": narrow})

    with answering(answer) as client, pytest.raises(BrokenError, match="the job should say"):
        overflow(client, JOB_PATHS + 300, 1, 1)
