"""With which probability subjects were drawn for review, as far as anybody said, by small numbers that stand for them.

What was said along with a vote comes first; else the chance of the audits a subject was drawn for, among those of one
decision.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from trueline.metrics.growing import Numbers, columns_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

NO_CHANCE: Final = 0
"""Stands for a probability that nobody knows."""

_DECISIONS: Final = 1 << 12


class Chances:
    """Of one job's subjects, which are named by their numbers. Not for several threads at once."""

    def __init__(self) -> None:
        self.probabilities: list[float | None] = [None]
        """By the number that stands for each."""
        self._numbers: dict[float, int] = {}
        self._said = columns_of(chance=np.int64)
        self._drawn = Numbers()  # subject and decision, packed
        self._drawn_chance = np.empty(0, np.int64)

    def grow(self, subjects: int) -> None:
        """Have a place for so many subjects."""
        if subjects > len(self._said):
            self._said.append(subjects - len(self._said), chance=NO_CHANCE)

    def say(self, subjects: NDArray[np.int64], probabilities: Sequence[float | None]) -> None:
        """Set what votes say of subjects; None where none says anything any more."""
        self._said["chance"][subjects] = [self._number(each) for each in probabilities]

    def draw(self, subjects: NDArray[np.int64], decisions: NDArray[np.int64], probabilities: Sequence[float]) -> None:
        """Set which subjects were drawn, and among those of which decision: all there are."""
        self._drawn = Numbers()
        self._drawn.add(_packed(subjects, decisions))
        self._drawn_chance = np.array([self._number(each) for each in probabilities], np.int64)

    def of(self, subjects: NDArray[np.int64], decisions: NDArray[np.int64]) -> NDArray[np.int64]:
        """The numbers of the probabilities of subjects with these decisions."""
        chance: NDArray[np.int64] = self._said["chance"][subjects]
        if not len(self._drawn):
            return chance
        unsaid = np.flatnonzero(chance == NO_CHANCE)
        at = self._drawn.find(_packed(subjects[unsaid], decisions[unsaid]))
        found = at >= 0
        chance[unsaid[found]] = self._drawn_chance[at[found]]
        return chance

    def _number(self, probability: float | None) -> int:
        if not probability:
            return NO_CHANCE
        number = self._numbers.setdefault(probability, len(self.probabilities))
        if number == len(self.probabilities):
            self.probabilities.append(probability)
        return number


def _packed(subjects: NDArray[np.int64], decisions: NDArray[np.int64]) -> NDArray[np.uint64]:
    return (subjects * _DECISIONS + decisions).astype(np.uint64)
