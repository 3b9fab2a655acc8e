"""Two answers to the same questions: how often each is right where the other is not, and whether that is chance."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

from scipy.special import bdtr

from trueline.metrics.figures import Figure, undefined
from trueline.metrics.intervals import Interval, wilson

_NOTHING = "nothing with a known truth was decided by both"


@dataclass(frozen=True, slots=True)
class PairedTable:
    """Things that both decided and whose truth is known, by who was right. Fractions stand for an effective sample."""

    both_right: float
    only_first: float
    only_second: float
    neither: float

    def __post_init__(self) -> None:
        if min(self.both_right, self.only_first, self.only_second, self.neither) < 0:
            raise ValueError(f"{self} counts less than nothing")

    @property
    def total(self) -> float:
        """All of them."""
        return self.both_right + self.only_first + self.only_second + self.neither

    @property
    def first_right(self) -> float:
        """Where the first was right, the second or not."""
        return self.both_right + self.only_first

    @property
    def second_right(self) -> float:
        """Where the second was right, the first or not."""
        return self.both_right + self.only_second

    def scaled(self, factor: float) -> PairedTable:
        """As if `factor` times as many had been seen."""
        return PairedTable(
            self.both_right * factor, self.only_first * factor, self.only_second * factor, self.neither * factor
        )


def share_right(right: float, total: float, level: float) -> Figure:
    """A share of right decisions, 0 to 1, with Wilson's interval."""
    return Figure(right / total, wilson(right, total, level)) if total else undefined(_NOTHING)


def difference(table: PairedTable, level: float) -> Figure:
    """Second minus first share of right decisions, -1 to 1: positive where the second is better.

    The interval is method 10 of R. G. Newcombe, Improved confidence intervals for the difference between binomial
    proportions based on paired data, Statistics in Medicine 17 (1998), pages 2635 to 2650: the distances of both Wilson
    intervals, squared and added, less what the answers have in common. It is closed, stays in [-1, 1], and is one of
    two that Fagerland, Lydersen and Laake recommend (Statistics in Medicine 33 (2014), pages 2850 to 2875).
    """
    if not table.total:
        return undefined(_NOTHING)
    return Figure((table.only_second - table.only_first) / table.total, _newcombe(table, level))


def _newcombe(table: PairedTable, level: float) -> Interval:
    total = table.total
    first, second = table.first_right / total, table.second_right / total
    of_first, of_second = wilson(table.first_right, total, level), wilson(table.second_right, total, level)
    assert of_first is not None  # noqa: S101  total is not 0
    assert of_second is not None  # noqa: S101
    common = _correlation(table)
    low, high = (
        sqrt(max(0.0, down * down - 2 * common * down * up + up * up))
        for down, up in (
            (second - of_second.low, of_first.high - first),
            (of_second.high - second, first - of_first.low),
        )
    )
    value = (table.only_second - table.only_first) / total
    return Interval(max(-1.0, value - low), min(1.0, value + high))


def _correlation(table: PairedTable) -> float:
    """Pearson's phi, a positive one lowered by half an observation, as method 10 has it; 0 with an empty margin."""
    margins = (
        table.first_right * table.second_right * (table.total - table.first_right) * (table.total - table.second_right)
    )
    if margins <= 0:
        return 0.0
    product = table.both_right * table.neither - table.only_first * table.only_second
    if product > 0:
        product = max(product - table.total / 2, 0.0)
    return product / sqrt(margins)


def mcnemar(only_first: int, only_second: int) -> Figure:
    """The exact two-sided p-value of McNemar's test: 0 to 1; small when the two are not equally good.

    Q. McNemar, Psychometrika 12 (1947), pages 153 to 157. If both are equally good, each thing that only one got right
    is a toss of a fair coin; the value is twice the smaller tail of the binomial distribution, at most 1.
    """
    tossed = only_first + only_second
    if not tossed:
        return undefined("there is nothing that only one of the two got right")
    return Figure(min(1.0, 2 * float(bdtr(min(only_first, only_second), tossed, 0.5))))
