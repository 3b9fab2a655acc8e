"""One sitting: Trueline and one other are asked in turns, and must come to the same."""

from __future__ import annotations

import gc
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from questions import QUESTIONS
from timing import Timed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from contenders import Asked
    from questions import Answer, Question

_WARM_UPS: Final = 2
_FEWEST_RUNS: Final = 3
_LABELS: Final = ("Drop", "Escalate")


@dataclass(slots=True)
class Sitting:
    """What came of it."""

    asked: dict[str, dict[str, Timed]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(Timed)))
    """By question, then by who answered."""
    voted: dict[str, Timed] = field(default_factory=lambda: defaultdict(Timed))
    """From giving the vote on the largest bucket, or the first event, to its acknowledgement."""
    first: dict[str, float] = field(default_factory=dict)
    """By question: seconds over HTTP, the first time it was asked."""
    kept: list[str] = field(default_factory=list)
    """The fields that Trueline tells filters on from memory, once each question was asked."""
    differences: list[str] = field(default_factory=list)


class Turns:
    """Asks every question of `faces`, which share one job, and of `others`, so many times."""

    def __init__(self, faces: Sequence[Asked], others: Sequence[Asked], runs: int, seconds: float) -> None:
        """A question is not asked again once anybody has spent so many seconds on it, three runs at least."""
        self.settle: Callable[[], list[str]] = list
        """Called once each question was asked for the first time: may wait for what that began; tells what is kept."""
        self._faces = faces
        self._others = others
        self._runs = runs
        self._seconds = seconds
        self._sitting = Sitting()
        self._spent: dict[tuple[str, str], float] = defaultdict(float)
        self._label = 0

    def take(self) -> Sitting:
        """Take all turns. In each the questions follow one another; in every other one it is asked backwards."""
        gc.disable()  # nobody is to look for garbage in what another holds
        try:
            return self._taken()
        finally:
            gc.enable()

    def _taken(self) -> Sitting:
        for each in (self._faces[0], *self._others):
            each.vote(_LABELS[self._label])
        warm_ups = {question.title: 0 for question in QUESTIONS}
        counted = dict(warm_ups)
        for turn in range(_WARM_UPS + self._runs):
            if turn == 1:
                self._sitting.kept = self.settle()
            gc.collect()
            for question in QUESTIONS:
                title = question.title
                # one is enough to warm up those that take seconds
                warm = warm_ups[title] < _WARM_UPS and (not turn or self._most_spent(title) < self._seconds / 10)
                if warm:
                    warm_ups[title] += 1
                elif counted[title] < _FEWEST_RUNS or self._most_spent(title) < self._seconds:
                    counted[title] += 1
                else:
                    continue
                self._round(question, backwards=bool(turn % 2), counts=not warm)
        return self._sitting

    def _round(self, question: Question, *, backwards: bool, counts: bool) -> None:
        if not question.after_vote:
            self._ask([*self._faces, *self._others][:: -1 if backwards else 1], question, counts=counts)
            return
        for face in self._faces:  # one of them at a time, since a vote on the job they share is news but once
            self._label = 1 - self._label
            self._ask([face, *self._others][:: -1 if backwards else 1], question, counts=counts)

    def _ask(self, parties: Sequence[Asked], question: Question, *, counts: bool) -> None:
        answers: dict[str, Answer] = {}
        for party in parties:
            if question.after_vote:
                voted = party.vote(_LABELS[self._label])
                if counts:
                    self._sitting.voted[party.title].add(voted)
            answers[party.title], seconds = party.ask(question.anew())
            self._spent[question.title, party.title] += seconds
            if party is self._faces[0]:
                self._sitting.first.setdefault(question.title, seconds)
            if counts:
                self._sitting.asked[question.title][party.title].add(seconds)
        first, *rest = answers.items()
        self._sitting.differences.extend(
            f"{question.title}:\n  {first[0]}: {first[1]}\n  {title}: {found}"
            for title, found in rest
            if found != first[1]
        )

    def _most_spent(self, title: str) -> float:
        return max((spent for (question, _), spent in self._spent.items() if question == title), default=0.0)
