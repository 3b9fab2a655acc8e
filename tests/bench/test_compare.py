"""The comparison: every contender comes to the same answers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, get_args

import pytest

from comparison import CONTENDERS, DIFFERENT, Comparison, Plan, main
from contenders.floor import Floor
from contenders.trueline import AT_SERVICE, FIRST_TIME
from questions import QUESTIONS
from report import Report
from results import ROWS, VOTE, Size
from stream import Grouping, Stream
from targets import targets

if TYPE_CHECKING:
    from pathlib import Path

EVENTS = 20_000


@pytest.mark.parametrize("grouping", get_args(Grouping))
def test_all_contenders_answer_alike(grouping: Grouping, tmp_path: Path) -> None:
    # under load once: what is sent then does not depend on what votes are about
    load_seconds = 0.2 if grouping == "bucket" else 0
    plan = Plan(groupings=(grouping,), runs=1, seconds=0, load_seconds=load_seconds, keep_from=1)
    report = Report({})
    size = Comparison(Stream(EVENTS), plan, report).made()
    report.add(size)
    report.write(tmp_path / "results.json")

    assert report.differences == []
    figures = size.groupings[grouping].figures
    asked = {each["field"] for question in QUESTIONS for each in question.filters}
    assert set(size.groupings[grouping].kept) == asked - {"arcanna.result_label"}  # or they were all the engine's
    assert list(figures) == list(ROWS)
    for row, of_row in figures.items():  # there is no first vote
        assert set(of_row) == set(size.contenders()) - ({FIRST_TIME} if row == VOTE else set())
    assert all(target.figure > 0 for target in targets(size, None, grouping))
    written = json.loads((tmp_path / "results.json").read_text())
    assert written["sizes"][0]["groupings"][grouping]["figures"]["all time"][AT_SERVICE]["ratio"] == 1
    assert "| all time, after a vote |" in (tmp_path / "results.md").read_text()
    if size.absent:
        pytest.skip(f"all but these were compared: {size.absent}")
    assert len(size.contenders()) == 3 + len(CONTENDERS)


def test_answers_that_differ_are_the_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def differing(comparison: Comparison) -> Size:
        comparison.report.differs("all time: 1 and 2")
        return Size(EVENTS)

    monkeypatch.setattr(Comparison, "made", differing)
    monkeypatch.setattr("sys.argv", ["compare.py", "--rows", str(EVENTS)])
    assert main() == DIFFERENT
    shown = capsys.readouterr().out
    assert "DIFFERENT: all time: 1 and 2" in shown
    assert "1 answers differed" in shown


@pytest.mark.parametrize("grouping", get_args(Grouping))
def test_no_question_is_about_nothing(grouping: Grouping) -> None:
    floor, stream = Floor(), Stream(EVENTS)
    floor.load(stream)
    floor.weigh(stream, grouping)
    answers = {question.title: floor.ask(question)[0] for question in QUESTIONS}
    assert all(answer.events for answer in answers.values())
    assert answers["all time"].events == EVENTS
    assert 0 < answers["explicit policy"].with_consensus < EVENTS
    wrong = sum(map(sum, answers["all time"].matrix)) - sum(answers["all time"].matrix[i][i] for i in range(4))
    assert wrong > 0
    before = answers["all time, after a vote"]
    floor.vote("Contain")
    assert floor.ask(QUESTIONS[0])[0] != before
