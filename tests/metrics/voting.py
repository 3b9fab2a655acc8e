"""Worlds in which analysts vote and a model decides, each right with a known probability, independently."""

from __future__ import annotations

from itertools import product
from math import prod
from typing import TYPE_CHECKING

from metrics.covering import samples
from trueline.metrics.votes import VotePattern

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

LABELS = ("Drop", "Investigate", "Escalate")
ANALYSTS = ("ana", "ben", "cyd", "dan")


def world(
    prevalence: Sequence[float], right: float, voters: Mapping[int, float], model: float | None = None
) -> dict[VotePattern, float]:
    """The probability of each pattern: truth by `prevalence`, so many voters, an error falls on any other label."""
    labels = LABELS[: len(prevalence)]
    chances: dict[VotePattern, float] = {}
    decisions = [None] if model is None else list(labels)
    for (count, share), (truth, common) in product(voters.items(), zip(labels, prevalence, strict=True)):
        for *votes, decision in product(*[labels] * count, decisions):
            pattern = VotePattern(tuple(zip(ANALYSTS, map(str, votes), strict=False)), 1, decision)
            chance = prod(_chance(str(vote), truth, right, len(labels)) for vote in votes)
            if model is not None and decision is not None:
                chance *= _chance(decision, truth, model, len(labels))
            chances[pattern] = chances.get(pattern, 0.0) + share * common * chance
    return chances


def whole(chances: Mapping[VotePattern, float]) -> list[VotePattern]:
    """So large a sample that its figures are those of the world."""
    return _counted(list(chances), [round(chance * 1e12) for chance in chances.values()])


def drawn(chances: Mapping[VotePattern, float], size: int, runs: int) -> Iterator[list[VotePattern]]:
    """Draw samples of subjects."""
    for row in samples(list(chances.values()), size, runs).tolist():
        yield _counted(list(chances), row)


def _counted(patterns: Sequence[VotePattern], counts: Sequence[int]) -> list[VotePattern]:
    return [
        VotePattern(pattern.votes, count, pattern.decision)
        for pattern, count in zip(patterns, counts, strict=True)
        if count
    ]


def _chance(given: str, truth: str, right: float, kinds: int) -> float:
    return right if given == truth else (1 - right) / (kinds - 1)
