"""SIGTERM drains, and the gate would tell if it did not."""

from __future__ import annotations

import signal
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

import drained
from drained import Client, Written, count_again, stop_and_count
from gate import BrokenError

if TYPE_CHECKING:
    from pathlib import Path

ROUNDS = 1


def test_what_is_under_way_is_answered(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    came = stop_and_count(tmp_path, ROUNDS, seed=1)
    assert came.rounds == len(came.red) == len(came.ended) == ROUNDS
    assert came.answered_late > 0
    assert min(came.acknowledged.events, came.acknowledged.voted, len(came.acknowledged.models)) > 0
    with capsys.disabled():
        print(f"\nSIGTERM: {came}")  # noqa: T201 - the figure of the gate


def test_a_server_that_drops_what_is_under_way_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drained, "signal", SimpleNamespace(SIGTERM=signal.SIGKILL))
    with pytest.raises(BrokenError, match=r"gone before it was red|never answered|exit code"):
        stop_and_count(tmp_path, 1, seed=2)


def test_a_server_that_says_it_is_ready_all_the_while_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drained, "_ready", lambda _: 200)
    monkeypatch.setattr(drained, "_SIGNAL_SECONDS", 0.5)
    with pytest.raises(BrokenError, match="/readyz says 200"):
        stop_and_count(tmp_path, 1, seed=3)


def test_what_was_acknowledged_and_is_not_there_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client(0, acknowledged=Written(events=2, voted=1, models={"m"}), in_doubt=Written(events=1))
    there: dict[str, Any] = {"total_count": 2, "all_model_ids": ["m"]}
    monkeypatch.setattr(drained, "asked", lambda *_: there)
    with pytest.raises(BrokenError, match="2 events that were voted on are there; 1 were acknowledged"):
        count_again("", "", 1, [client])
    client.acknowledged.voted = 2
    count_again("", "", 1, [client])
    each: list[dict[str, Any]] = [{"total_count": 1}, {"all_model_ids": []}, {"all_model_ids": ["m", "n"]}]
    for wrong in each:
        with monkeypatch.context() as patched:
            patched.setattr(drained, "asked", lambda *_, wrong=wrong: there | wrong)
            with pytest.raises(BrokenError, match="are there"):
                count_again("", "", 1, [client])
