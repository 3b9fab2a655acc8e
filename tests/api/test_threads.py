"""Whoever asks does not wait behind those who write."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import httpx

from trueline.api.threads import THREADS, WRITERS_THREADS

if TYPE_CHECKING:
    from collections.abc import Callable

    from api.caller import Caller
    from trueline.service.workspace import Workspace

EACH = 2 * (THREADS + WRITERS_THREADS)
SECONDS = 60


def test_questions_are_answered_while_more_writes_wait_than_there_are_threads(
    caller: Caller, server: str, admin_key: str, workspace: Workspace
) -> None:
    job = caller.make_job()
    caller.fill(job, a="Drop", b="Drop")
    assert caller.metrics(job)["total_events"] == 2
    limits = httpx.Limits(max_connections=None)
    headers = {"X-Arcanna-Api-Key": admin_key}
    with httpx.Client(base_url=server, headers=headers, timeout=SECONDS, limits=limits) as client:
        writes: list[Callable[[], httpx.Response]] = [
            lambda: client.post("/api/v1/events", json={"job_id": job, "raw_body": {}}),
            lambda: client.post(f"/api/v2/jobs/{job}/events/bulk", content=b'{"raw_body": {}}'),
            lambda: client.put(f"/api/v2/events/{job}/a/decision", json={"label": "Escalate"}),
            lambda: client.put(f"/api/v1/events/{job}/b/feedback", json={"feedback": "Escalate"}),
            lambda: client.patch(f"/api/v2/jobs/{job}", json={"minutes_per_alert": 5}),
        ]
        with ThreadPoolExecutor(len(writes) * EACH) as threads:
            with held(workspace, job):
                sent = [threads.submit(write) for write in writes for _ in range(EACH)]
                time.sleep(0.5)  # long enough for them to arrive
                for _ in range(3):
                    assert caller.metrics(job)["total_events"] == 2
                    read = caller.client.get(f"/api/v1/events/{job}/a")
                    assert read.json()["result_label"] == "Drop"
                assert not any(each.done() for each in sent)
            statuses = [each.result(SECONDS).status_code for each in sent]
    assert statuses == [status for status in (201, 200, 200, 200, 200) for _ in range(EACH)]
    metrics = caller.metrics(job)
    assert (metrics["total_events"], metrics["confusion_matrix"][2]) == (2, [1, 0, 1])


def test_votes_that_wait_for_one_job_leave_threads_for_those_on_others(
    caller: Caller, server: str, admin_key: str, workspace: Workspace
) -> None:
    job, other = caller.make_job(), caller.make_job()
    for each in (job, other):
        caller.fill(each, a="Drop")
    headers = {"X-Arcanna-Api-Key": admin_key}
    with (
        httpx.Client(
            base_url=server, headers=headers, timeout=SECONDS, limits=httpx.Limits(max_connections=None)
        ) as client,
        ThreadPoolExecutor(EACH) as threads,
    ):

        def vote(on: int | str) -> int:
            return client.put(f"/api/v1/events/{on}/a/feedback", json={"feedback": "Escalate"}).status_code

        with held(workspace, job):
            title = workspace.jobs.get(job).title
            names: list[int | str] = [job, f"0{job}", title]  # of one job, whose writers are counted together
            sent = [threads.submit(vote, names[number % 3]) for number in range(EACH - 1)]
            time.sleep(0.5)  # long enough for them to arrive
            assert [vote(other) for _ in range(3)] == [200] * 3
            assert not any(each.done() for each in sent)
        assert [each.result(SECONDS) for each in sent] == [200] * (EACH - 1)


class held:  # noqa: N801 - reads as a phrase
    """Hold a job, as one who writes to it does, in a thread of its own."""

    def __init__(self, workspace: Workspace, job: int) -> None:
        self._workspace = workspace
        self._job = job
        self._holds, self._over = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._hold)

    def _hold(self) -> None:
        with self._workspace._writing.on(self._job):  # noqa: SLF001
            self._holds.set()
            self._over.wait(SECONDS)

    def __enter__(self) -> None:
        self._thread.start()
        assert self._holds.wait(SECONDS)

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
