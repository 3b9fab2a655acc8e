"""How many decisions to review for a promise, and which: an audit by chance."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from heapq import nsmallest
from math import ceil, log, sqrt
from typing import TYPE_CHECKING, Final

import numpy as np
import scipy  # its parts are loaded when they are first asked for

from trueline.metrics.intervals import check_level

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

_ROUNDING: Final = 1e-9
"""So that 0.01 of 300 is 3."""
_CHANCE: Final = 0.8
"""With which a planned audit shall be able to keep its promise, if errors are as frequent as they were so far."""


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

    As many errors are allowed, and the smallest sample for them is taken (see `sample_size`), that the chance to stay
    within reaches 80 % at the rate of errors seen so far. That rate only shapes the plan; the promise rests on what is
    drawn.

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
        too_many = int(bound * population + _ROUNDING) + 1
        if too_many > population:
            return 0
        if allowed >= too_many:
            return None
        return _smallest(allowed + 1, population, lambda size: _within(allowed, size, too_many, population) <= risk)
    if allowed == 0:
        return ceil(log(risk) / log(1 - bound) - _ROUNDING)
    high = allowed + 1
    while scipy.special.bdtr(allowed, high, bound) > risk:
        high *= 2
    return _smallest(allowed + 1, high, lambda size: float(scipy.special.bdtr(allowed, size, bound)) <= risk)


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
    most = int(bound * seen.population + _ROUNDING)

    def planned(allowed: int) -> tuple[int, float]:
        size = sample_size(bound, level, allowed, seen.population)
        size = seen.population if size is None else size
        return size, float(scipy.special.bdtr(allowed, size, rate)) if rate else 1.0

    reason: str | None
    if not seen.population:
        return Plan(seen.decision, 0, 0, 0, 1.0, "there are none")
    if rate >= bound:
        reason = f"{rate:.3g} of those reviewed were wrong: at most {bound:g} is not to be promised short of all"
        return Plan(seen.decision, seen.population, seen.population, most, planned(most)[1], reason)
    allowed = _smallest(0, most, lambda errors: planned(errors)[1] >= _CHANCE)
    size, chance = planned(allowed)
    reason = "it takes all of them" if size == seen.population else None
    return Plan(seen.decision, seen.population, size, allowed, chance, reason)


def _within(allowed: int, size: int, wrong: int, population: int) -> float:
    """The chance that at most `allowed` of `size` drawn without replacement are among `wrong` of a population."""
    mean = size * wrong / population
    # beyond ten standard deviations there is less than a float can tell; of millions, that leaves out most
    wide = 10 * sqrt(mean * (1 - wrong / population) * (population - size) / max(1, population - 1)) + 10
    low = max(0, size - (population - wrong), int(min(mean, allowed) - wide))
    found = np.arange(low, min(allowed, size, wrong, int(mean + wide) + 1) + 1)
    if not len(found):
        return 0.0
    logs = _choose(wrong, found) + _choose(population - wrong, size - found) - _choose(population, np.array([size]))
    return float(min(1.0, np.exp(logs).sum()))


def _choose(whole: int, part: NDArray[np.int64]) -> NDArray[np.float64]:
    logs: NDArray[np.float64] = (
        scipy.special.gammaln(whole + 1) - scipy.special.gammaln(part + 1) - scipy.special.gammaln(whole - part + 1)
    )
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
