"""The server around the app: whom it is reached by, and its end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import httpx
import pytest

from trueline.api.server import is_loopback

if TYPE_CHECKING:
    from pathlib import Path

QUESTION_SECONDS = 8
SLOW = """
import sys
from pathlib import Path
from trueline.api.server import serve
from trueline.service.metrics import JobMetrics
from trueline.settings import Settings

def job(self, *_, **__):
    self._ledger.engine.rows("SELECT sleepEachRow(0.5) FROM numbers(16) SETTINGS max_block_size = 1")
    return {"slept": True}

JobMetrics.job = job
serve(Settings(data=Path(sys.argv[1]), port=0))
"""


@pytest.mark.parametrize("times", [1, 2])
def test_a_question_under_way_is_waited_for_unless_the_signal_comes_twice(times: int, tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TRUELINE_")}
    with subprocess.Popen(
        [sys.executable, "-c", SLOW, str(tmp_path)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        watchdog = threading.Timer(120, process.kill)
        watchdog.start()
        assert process.stdout is not None
        address, key = (process.stdout.readline().split()[-1] for _ in range(2))
        headers = {"X-Arcanna-Api-Key": key}
        made = httpx.post(f"{address}/api/v2/jobs", json={"title": "j", "labels": ["a", "b"]}, headers=headers)
        assert made.status_code == 201
        answers: list[httpx.Response] = []
        asking = threading.Thread(
            target=lambda: answers.append(
                httpx.post(f"{address}/api/v2/metrics/job?job_id=j", headers=headers, json={}, timeout=60)
            )
        )
        asking.start()
        time.sleep(1)
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        while httpx.get(f"{address}/readyz").json().get("reason") != "the server is stopping":
            assert time.monotonic() - began < 30
        if times == 2:
            process.send_signal(signal.SIGTERM)
        asking.join()
        assert process.wait(60) == 0
        watchdog.cancel()
    (answer,) = answers
    if times == 1:
        assert (answer.status_code, answer.json()) == (200, {"slept": True})
    else:
        assert answer.status_code == 503
        assert "may be done or not" in answer.json()["error"]
        assert time.monotonic() - began < QUESTION_SECONDS


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_loopback_is_this_machine_only(host: str) -> None:
    assert is_loopback(host)


EVERYWHERE = "0.0.0.0"  # noqa: S104 - compared, not bound


@pytest.mark.parametrize(
    "host", [EVERYWHERE, "::", "10.0.0.1", "192.168.1.4", "trueline.example", "", "127.0.0.1.test"]
)
def test_all_else_is_warned_of(host: str) -> None:
    assert not is_loopback(host)
