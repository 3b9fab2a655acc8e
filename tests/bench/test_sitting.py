"""Turns: who is asked how often, and that a different answer is seen."""

from __future__ import annotations

from collections import Counter

import pytest

from contenders.scores import answer_from_counts
from contenders.trueline import FIRST_TIME
from questions import QUESTIONS, Answer, Question
from results import VOTE, figures, http_on_top
from sitting import Turns


class Scripted:
    """Counts as told, from the label of the last vote on, and takes as long as told."""

    def __init__(self, title: str, seconds: float = 0.001, *, forgets: bool = False) -> None:
        self.title = title
        self.asked: Counter[str] = Counter()
        self.voted: list[str] = []
        self._seconds = seconds
        self._forgets = forgets

    def ask(self, question: Question) -> tuple[Answer, float]:
        self.asked[question.title] += 1
        label = "Drop" if self._forgets else self.voted[-1]
        return answer_from_counts([("Drop", label, 10)], question.truth), self._seconds

    def vote(self, label: str) -> float:
        self.voted.append(label)
        return self._seconds


class SameJob(Scripted):
    """Another face of the job that `first` is a face of: a vote on one is a vote on both."""

    def __init__(self, title: str, first: Scripted) -> None:
        super().__init__(title)
        self.voted = first.voted


def test_each_is_asked_as_often_and_warm_ups_do_not_count() -> None:
    face, other = Scripted("Trueline, HTTP"), Scripted("other")
    sitting = Turns([face], [other], runs=5, seconds=10).take()
    assert sitting.differences == []
    assert face.asked == other.asked == {question.title: 7 for question in QUESTIONS}
    assert {len(times.times) for of in sitting.asked.values() for times in of.values()} == {5}
    assert len(sitting.voted["other"].times) == 5


def test_who_is_slow_is_asked_three_times_only() -> None:
    face, other = Scripted("Trueline, HTTP"), Scripted("other", seconds=30)
    sitting = Turns([face], [other], runs=9, seconds=20).take()
    assert {len(times.times) for of in sitting.asked.values() for times in of.values()} == {3}
    assert other.asked["all time"] == 4


def test_every_vote_changes_the_consensus_whoever_gives_it() -> None:
    first = Scripted("Trueline, HTTP")
    second, other = SameJob("Trueline, service call", first), Scripted("other")
    sitting = Turns([first, second], [other], runs=3, seconds=10).take()
    assert sitting.differences == []
    assert all(before != after for before, after in zip(first.voted, first.voted[1:], strict=False))
    found = figures([sitting])
    assert (found[VOTE]["Trueline, HTTP"].runs, found[VOTE]["other"].runs) == (3, 6)


def test_http_on_top_is_within_a_turn() -> None:
    first = Scripted("Trueline, HTTP", seconds=0.005)
    sitting = Turns([first, SameJob("Trueline, service call", first)], [], runs=3, seconds=10).take()
    assert http_on_top([sitting]) == pytest.approx(4)
    assert figures([sitting])["all time"]["Trueline, HTTP"].ratio == pytest.approx(5)


def test_the_first_time_is_told_apart_and_settles_before_the_next() -> None:
    face = Scripted("Trueline, HTTP", seconds=0.005)
    turns = Turns([face, SameJob("Trueline, service call", face)], [], runs=3, seconds=10)
    asked_before: list[int] = []

    def settle() -> list[str]:
        asked_before.append(sum(face.asked.values()))
        return ["a"]

    turns.settle = settle
    sitting = turns.take()
    assert sitting.kept == ["a"]
    assert asked_before == [len(QUESTIONS)]
    assert sitting.first == dict.fromkeys((question.title for question in QUESTIONS), 0.005)
    assert figures([sitting])["all time"][FIRST_TIME].median == pytest.approx(5)


@pytest.mark.parametrize("backwards", [False, True])
def test_who_answers_differently_is_named(backwards: bool) -> None:
    face, other = Scripted("Trueline, HTTP", forgets=backwards), Scripted("other", forgets=not backwards)
    sitting = Turns([face], [other], runs=1, seconds=10).take()
    assert {difference.split(":")[0] for difference in sitting.differences} == {"all time, after a vote"} | {
        question.title for question in QUESTIONS
    }
    assert "other: Answer(" in sitting.differences[0]
