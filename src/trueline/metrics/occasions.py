"""On which occasions subjects were reviewed, as far as anybody said, by small numbers that stand for them.

What was said along with a vote comes first; else what the audits say that a subject was drawn for, among those of one
decision.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from trueline.metrics.growing import Numbers, columns_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pyarrow as pa
    from numpy.typing import NDArray

UNSAID: Final = 0
"""Stands for an occasion of which nobody said anything."""

_DECISIONS: Final = 1 << 12


class Occasion(NamedTuple):
    """How a subject came to be reviewed."""

    probability: float | None = None
    """With which it was drawn for review; None where unknown."""
    reason: str = ""
    """Why it was reviewed; empty where nobody said."""

    def completed(self, other: Occasion) -> Occasion:
        """The same, with what the other one says where this one says nothing."""
        probability = other.probability if self.probability is None else self.probability
        return Occasion(probability, self.reason or other.reason)


class Occasions:
    """Of one job's subjects, which are named by their numbers. Not for several threads at once."""

    def __init__(self) -> None:
        self.different = [Occasion()]
        """By the number that stands for each."""
        self._numbers = {Occasion(): UNSAID}
        self._said = columns_of(occasion=np.int64)
        self._drawn = Numbers()  # subject and decision, packed
        self._drawn_occasion = np.empty(0, np.int64)

    def grow(self, subjects: int) -> None:
        """Have a place for so many subjects."""
        if subjects > len(self._said):
            self._said.append(subjects - len(self._said), occasion=UNSAID)

    def say(self, subjects: NDArray[np.int64], said: pa.Table) -> None:
        """Set what votes say of subjects, one a row: `probability`, null, and `reason`, empty, where none says it."""
        self._said["occasion"][subjects] = self._numbered(said)

    def draw(self, subjects: NDArray[np.int64], decisions: NDArray[np.int64], drawn: pa.Table) -> None:
        """Set which subjects were drawn, among those of which decision, with what of `say`: all there are."""
        self._drawn = Numbers()
        self._drawn.add(_packed(subjects, decisions))
        self._drawn_occasion = np.array(self._numbered(drawn), np.int64)

    def of(self, subjects: NDArray[np.int64], decisions: NDArray[np.int64]) -> NDArray[np.int64]:
        """The numbers of the occasions of subjects with these decisions."""
        occasion: NDArray[np.int64] = self._said["occasion"][subjects]
        if not len(self._drawn):
            return occasion
        complete = np.array([each.probability is not None and each.reason != "" for each in self.different])
        lacking = np.flatnonzero(~complete[occasion])
        at = self._drawn.find(_packed(subjects[lacking], decisions[lacking]))
        lacking, drawn = lacking[at >= 0], self._drawn_occasion[at[at >= 0]]
        occasion[lacking] = self._completed(occasion[lacking], drawn)
        return occasion

    def _completed(self, said: NDArray[np.int64], drawn: NDArray[np.int64]) -> NDArray[np.int64]:
        found = drawn.copy()
        partly = np.flatnonzero(said != UNSAID)
        size = len(self.different)
        pairs, place = np.unique(said[partly] * size + drawn[partly], return_inverse=True)
        both = [(self.different[pair // size], self.different[pair % size]) for pair in pairs.tolist()]
        found[partly] = np.array([self._number(one.completed(other)) for one, other in both], np.int64)[place]
        return found

    def _numbered(self, table: pa.Table) -> list[int]:
        each: Iterable[tuple[float | None, str]] = zip(
            table["probability"].to_pylist(), table["reason"].to_pylist(), strict=True
        )
        return [self._number(Occasion(probability or None, reason)) for probability, reason in each]

    def _number(self, occasion: Occasion) -> int:
        number = self._numbers.setdefault(occasion, len(self.different))
        if number == len(self.different):
            self.different.append(occasion)
        return number


def _packed(subjects: NDArray[np.int64], decisions: NDArray[np.int64]) -> NDArray[np.uint64]:
    return (subjects * _DECISIONS + decisions).astype(np.uint64)
