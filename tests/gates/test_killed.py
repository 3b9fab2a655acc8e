"""kill -9 while clients write: nothing acknowledged is lost, and the gate would tell if it were."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import killed
from gate import BrokenError
from killed import QUESTIONS, Client, Job, kill_and_compare

if TYPE_CHECKING:
    import http.client
    from pathlib import Path

ROUNDS = 2


def test_what_was_acknowledged_is_there_once_after_each_kill(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    came = kill_and_compare(tmp_path, ROUNDS, seed=1)
    assert came.rounds == ROUNDS
    assert came.compared == ROUNDS * 2 * len(QUESTIONS)
    assert came.acknowledged["bulk"] > 0
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


def test_each_moment_happens_once() -> None:
    job = Job(1, by_bucket=False, told=None)  # type: ignore[arg-type]
    assert len({job.moment() for _ in range(100)}) == 100
