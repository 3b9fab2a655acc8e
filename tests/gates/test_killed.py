"""kill -9 while clients write: nothing acknowledged is lost, and the gate would tell if it were."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

import killed
from forking import Forked
from gate import BrokenError
from killed import kill_and_compare
from oracle import JobTerms, Oracle
from read_back import ANSWERS
from writing import LABELS, Client, Job

if TYPE_CHECKING:
    import http.client
    from pathlib import Path

ROUNDS = 2


def test_what_was_acknowledged_is_there_once_after_each_kill(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    came = kill_and_compare(tmp_path, ROUNDS, seed=1)
    assert came.rounds == ROUNDS
    assert came.compared == ROUNDS * 2 * ANSWERS
    assert came.acknowledged["events"] > 0
    assert came.events > 0
    with capsys.disabled():
        print(f"\nkill -9: {came}")  # noqa: T201 - the figure of the gate


def test_a_write_that_is_lost_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def lose(client: Client, connection: http.client.HTTPConnection, key: str) -> None:
        if client.pending is None:
            return
        job, request = client.pending
        if job.told.sent:
            connection.request("GET", "/healthz")
            connection.getresponse().read()
            request.tell(job.told)  # said, and never sent
            client.pending = None
        else:
            send(client, connection, key)

    send = Client.send
    monkeypatch.setattr(Client, "send", lose)
    monkeypatch.setattr(killed, "_LATEST_KILL", 3.0)
    with pytest.raises(BrokenError, match="instead of"):
        kill_and_compare(tmp_path, 2, seed=2)


def test_a_server_that_ends_by_itself_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Forked, "kill", Forked.terminate)
    with pytest.raises(BrokenError, match=r"ended by itself, with exit code 0|answered 503"):
        kill_and_compare(tmp_path, 1, seed=3)


def test_a_connection_that_breaks_though_nobody_killed_is_noticed() -> None:
    client = Client(0, seed=1)
    told = Oracle(JobTerms(LABELS))
    with pytest.raises(BrokenError, match="that was not killed"):
        client.write("http://127.0.0.1:1", "key", [Job(1, by_bucket=False, told=told)], NeverSet())


class NeverSet(threading.Event):
    """Of a server that goes on."""

    def wait(self, timeout: float | None = None) -> bool:  # noqa: ARG002 - as the other
        return False


def test_each_moment_happens_once() -> None:
    job = Job(1, by_bucket=False, told=None)  # type: ignore[arg-type]
    assert len({job.moment() for _ in range(100)}) == 100
