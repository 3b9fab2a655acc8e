"""Backups taken while clients write are of one moment, and the gate would tell if they were not."""

from __future__ import annotations

import random
import re
import shutil
from typing import TYPE_CHECKING, Any

import pytest

import backed_up
from backed_up import Step, Taking, Writer, back_up_and_compare
from gate import BrokenError
from read_back import QUESTIONS
from trueline.service.restoring import restore

if TYPE_CHECKING:
    from pathlib import Path

    from trueline.settings import Settings

ROUNDS = 2


def test_a_backup_is_of_one_moment(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    came = back_up_and_compare(tmp_path, ROUNDS, seed=1)
    assert came.restored == ROUNDS
    assert came.compared == ROUNDS * 2 * len(QUESTIONS)
    assert came.steps > 0
    with capsys.disabled():
        print(f"\nbackups: {came}")  # noqa: T201 - the figure of the gate


def test_a_backup_without_its_votes_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def restore_in_part(file: Path, settings: Settings, **parts: Any) -> None:  # noqa: ANN401 - handed on
        restore(file, settings, **parts)
        ledger = settings.data / "ledger"
        (definition,) = ledger.rglob("votes.sql")
        found = re.search("UUID '(...)(.*?)'", definition.read_text())
        assert found is not None
        parts_of_votes = list((ledger / "store" / found[1] / f"{found[1]}{found[2]}").glob("all_*"))
        assert parts_of_votes
        for each in parts_of_votes:
            shutil.rmtree(each)

    monkeypatch.setattr(backed_up, "_EARLIEST", 5.0)
    monkeypatch.setattr(backed_up, "_LATEST", 5.0)
    monkeypatch.setattr(backed_up, "restore", restore_in_part)
    with pytest.raises(BrokenError, match=r"differed from a recount|instead of"):
        back_up_and_compare(tmp_path, 1, seed=2)


def writer(number: int, *steps: tuple[float, float]) -> Writer:
    made = [Step(None, None, ("event", str(at)), *times) for at, times in enumerate(steps)]  # type: ignore[arg-type]
    return Writer(number, random.Random(1), made)  # noqa: S311 - test data


@pytest.mark.parametrize(
    ("numbers", "wrong"),
    [
        ((1, 1), ""),
        ((2, 2), ""),
        ((2, 1), ""),  # both were under way when it was taken
        ((0, 1), "acknowledged before the backup was asked for"),
        ((3, 2), "began after the backup was taken"),
    ],
)
def test_which_steps_may_have_been_there_at_one_moment(numbers: tuple[int, int], wrong: str) -> None:
    writers = [writer(0, (0, 1), (4, 6), (8, 9)), writer(1, (0, 1), (4, 6))]
    taking = Taking(asked=3, taken=7, complete=8, manifest=None, size=0)  # type: ignore[arg-type]
    said = backed_up._not_of_one_moment(writers, numbers, taking)  # noqa: SLF001 - the heart of the gate
    assert wrong in said
    assert bool(said) == bool(wrong)


def test_a_step_without_one_that_was_acknowledged_before_it_began_is_noticed() -> None:
    writers = [writer(0, (4, 4.5)), writer(1, (5, 6))]
    taking = Taking(asked=3, taken=7, complete=8, manifest=None, size=0)  # type: ignore[arg-type]
    said = backed_up._not_of_one_moment(writers, (0, 1), taking)  # noqa: SLF001 - the heart of the gate
    assert said == "a step is there, and one is missing that was acknowledged before that one began"
