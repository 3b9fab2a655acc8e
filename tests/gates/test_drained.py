"""SIGTERM drains, and the gate would tell if it did not."""

from __future__ import annotations

import signal
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

import drained
from drained import stop_and_count
from gate import BrokenError

if TYPE_CHECKING:
    from pathlib import Path

ROUNDS = 1


def test_what_is_under_way_is_answered(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    came = stop_and_count(tmp_path, ROUNDS, seed=1)
    assert came.rounds == len(came.red) == len(came.ended) == ROUNDS
    assert came.answered_late > 0
    with capsys.disabled():
        print(f"\nSIGTERM: {came}")  # noqa: T201 - the figure of the gate


def test_a_server_that_drops_what_is_under_way_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drained, "signal", SimpleNamespace(SIGTERM=signal.SIGKILL))
    with pytest.raises(BrokenError, match=r"gone before it was red|never answered|exit code"):
        stop_and_count(tmp_path, 1, seed=2)
