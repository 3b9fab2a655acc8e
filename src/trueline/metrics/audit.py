"""How many decisions to review for a promise, and which: an audit by chance."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from heapq import nsmallest
from math import ceil, log
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.special import bdtr, gammaln

from trueline.metrics.intervals import check_level

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

_CHANCE: Final = 0.8
"""With which a planned audit shall be able to keep its promise, if errors are as frequent as they were so far."""

_MOST_ALLOWED: Final = 10_000
"""Errors that a plan allows: with more it asks for more reviews than anybody gives, and takes long to find."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One decision's subjects, and what earlier reviews by chance found of them."""

    decision: str
    population: int
    reviewed: int = 0
    wrong: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.wrong <= self.reviewed <= self.population:
            raise ValueError(f"{self.wrong} wrong of {self.reviewed} reviewed of {self.population} is no audit")


@dataclass(frozen=True, slots=True)
class Plan:
    """How many of one decision to review."""

    decision: str
    population: int
    review: int
    """How many to draw, of all of them, those reviewed already included."""
    allowed: int
    """So many of those may turn out wrong, and the promise holds."""
    chance: float
    """That no more will, if errors are as frequent as they were so far; 1.0 where none was seen."""
    reason: str | None
    """Why all are to be reviewed, if so, or why nothing can be promised."""


def audit_plan(seen: Sequence[Seen], bound: float, level: float = 0.95) -> list[Plan]:
    """Plan for each decision, so that its audit can say "at most `bound` of these are wrong" at a level.

    For ever more allowed errors (from 16 on in steps of a sixteenth), the smallest sample is taken (see `sample_size`)
    until the chance to stay within reaches 80 % at the rate of errors seen so far. That rate only shapes the plan; the
    promise rests on what is drawn.

    Args:
        seen: the decisions.
        bound: the share of wrong ones to promise, between 0 and 1.
        level: how sure the promise is, one-sided.
    """
    return [_plan(each, bound, level) for each in seen]


def sample_size(bound: float, level: float = 0.95, allowed: int = 0, population: int | None = None) -> int | None:
    """The smallest sample in which finding `allowed` errors or fewer rules out that more than `bound` are wrong.

    Where the population is large that is by the binomial distribution: for no error, log(1 - level) / log(1 - bound),
    299 for 1 % at 95 % (A. J. Duncan, Quality Control and Industrial Statistics, fifth edition, 1986, chapter 7: the
    sampling plan of a given consumer's risk). Of a given population it is by the hypergeometric distribution, exact for
    a draw without replacement; that is sound only for a promise about these very events, not about those to come.

    Returns:
        None where even a review of the whole population with so many errors would not keep the promise.
    """
    check_level(level)
    if not 0 < bound < 1:
        raise ValueError(f"a bound on the share of errors lies between 0 and 1, not at {bound}")
    if allowed < 0:
        raise ValueError("no fewer than 0 errors can be allowed")
    risk = 1 - level
    if population is not None:
        too_many = int(bound * population + 1e-9) + 1
        if too_many > population:
            return 0
        if allowed >= too_many:
            return None
        return _smallest(allowed + 1, population, lambda size: _within(allowed, size, too_many, population) <= risk)
    if allowed == 0:
        return ceil(log(risk) / log(1 - bound) - 1e-9)
    high = allowed + 1
    while bdtr(allowed, high, bound) > risk:
        high *= 2
    return _smallest(allowed + 1, high, lambda size: float(bdtr(allowed, size, bound)) <= risk)


@dataclass(frozen=True, slots=True)
class Draw:
    """What an audit is to review."""

    ids: tuple[str, ...]
    """In the order of drawing, so that whoever stops early has reviewed by chance too."""
    probability: float
    """With which each was drawn: what to send as `review_probability`."""


def draw(ids: Iterable[str], size: int, digest: bytes) -> Draw:
    """Draw by chance, without replacement, each set of `size` ids with the same probability.

    Those whose SHA-256 with the digest is smallest are drawn. So it depends on nothing but digest and ids: not on the
    order of ids, nor on any library, and who doubts it can do it again.

    Args:
        ids: all of them, each once; they are passed once and need not fit in memory.
        size: how many to draw.
        digest: of what makes this draw another than the last, such as job, decision, period and moment.

    Raises:
        ValueError: there are fewer ids than `size`, or `size` is negative.
    """
    if size < 0:
        raise ValueError(f"{size} cannot be drawn")
    salt = sha256(digest).digest()
    there = 0

    def keyed() -> Iterable[tuple[bytes, str]]:
        nonlocal there
        for each in ids:
            there += 1
            yield sha256(salt + each.encode()).digest(), each

    drawn = tuple(each for _, each in nsmallest(size, keyed()))
    if len(drawn) < size:
        raise ValueError(f"{size} cannot be drawn of {there}")
    return Draw(drawn, size / there if there else 0.0)


def _plan(seen: Seen, bound: float, level: float) -> Plan:
    rate = seen.wrong / seen.reviewed if seen.reviewed else 0.0
    allowed = 0
    while rate < bound and allowed <= _MOST_ALLOWED:
        size = sample_size(bound, level, allowed, seen.population)
        if size is None:
            break
        chance = float(bdtr(allowed, size, rate)) if rate else 1.0
        if chance >= _CHANCE:
            reason = None if size < seen.population else "so few that all are to be reviewed"
            if not seen.population:
                reason = "there are none"
            return Plan(seen.decision, seen.population, size, allowed, chance, reason)
        allowed += 1 + allowed // 16
    reason = f"of those reviewed {rate:.2%} were wrong, so review all: at most {bound:.2%} is not to be promised"
    if rate < bound:
        reason = f"of those reviewed {rate:.2%} were wrong, so near {bound:.2%} that only a review of all would do"
    return Plan(seen.decision, seen.population, seen.population, int(bound * seen.population + 1e-9), 0.0, reason)


def _within(allowed: int, size: int, wrong: int, population: int) -> float:
    """The chance that at most `allowed` of `size` drawn without replacement are among `wrong` of a population."""
    found = np.arange(max(0, size - (population - wrong)), min(allowed, size, wrong) + 1)
    if not len(found):
        return 0.0
    logs = _choose(wrong, found) + _choose(population - wrong, size - found) - _choose(population, np.array([size]))
    return float(min(1.0, np.exp(logs).sum()))


def _choose(whole: int, part: NDArray[np.int64]) -> NDArray[np.float64]:
    logs: NDArray[np.float64] = gammaln(whole + 1) - gammaln(part + 1) - gammaln(whole - part + 1)
    return logs


def _smallest(low: int, high: int, holds: Callable[[int], bool]) -> int:
    """The smallest number from `low` to `high` for which something holds that holds for all larger ones."""
    while low < high:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle + 1
    return low
