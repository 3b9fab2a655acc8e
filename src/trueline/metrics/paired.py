"""Two answers to the same questions: how often each is right where the other is not, and whether that is chance."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import scipy  # its parts are loaded when they are first asked for

from trueline.metrics.figures import Figure, undefined
from trueline.metrics.intervals import UNKNOWN_DIFFERENCE, UNKNOWN_PROPORTION, Interval, two_sided_z, wilson

_NOTHING = "nothing with a known truth was decided by both"
_HALVINGS = 60


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
    if not total:
        return undefined(_NOTHING, UNKNOWN_PROPORTION)
    return Figure(right / total, wilson(right, total, level))


def difference(table: PairedTable, level: float) -> Figure:
    """Second minus first share of right decisions, -1 to 1: positive where the second is better.

    The interval is the score interval of T. Tango, Equivalence test and confidence interval for the difference in
    proportions for the paired-sample design, Statistics in Medicine 17 (1998), pages 891 to 908: every difference that
    a score test would not refuse. Of those that Fagerland, Lydersen and Laake recommend (Statistics in Medicine 33
    (2014), pages 2850 to 2875) it stays nearer its level than Newcombe's where the two seldom differ, as good models
    do. It lies in [-1, 1], and where the two never differ it says how much they may.
    """
    if not table.total:
        return undefined(_NOTHING, UNKNOWN_DIFFERENCE)
    value = (table.only_second - table.only_first) / table.total
    reach = two_sided_z(level)
    return Figure(value, Interval(_end(table, value, -1.0, reach), _end(table, value, 1.0, reach)))


def _end(table: PairedTable, value: float, limit: float, reach: float) -> float:
    """Halve the way between the difference seen and the `limit` until the score test stands between yes and no."""
    accepted, refused = value, limit
    for _ in range(_HALVINGS):
        middle = (accepted + refused) / 2
        distance = abs(table.only_second - table.only_first - table.total * middle)
        if distance <= reach * sqrt(_variance(table, middle)):
            accepted = middle
        else:
            refused = middle
    return accepted


def _variance(table: PairedTable, delta: float) -> float:
    """Of the difference of the two counts that one got right alone, were `delta` the truth; by maximum likelihood."""
    only_second, only_first, total = table.only_second, table.only_first, table.total
    linear = (2 * total - only_second + only_first) * delta - only_second - only_first
    root = sqrt(max(0.0, linear * linear + 8 * total * only_first * delta * (1 - delta)))
    first_alone = (root - linear) / (4 * total)
    return max(0.0, total * (2 * first_alone + delta * (1 - delta)))


def mcnemar(only_first: int, only_second: int) -> Figure:
    """The exact two-sided p-value of McNemar's test: 0 to 1; small when the two are not equally good.

    Q. McNemar, Psychometrika 12 (1947), pages 153 to 157. If both are equally good, each thing that only one got right
    is a toss of a fair coin; the value is twice the smaller tail of the binomial distribution, at most 1. It tells of
    the answers at hand and estimates nothing, so it has no interval.
    """
    tossed = only_first + only_second
    if not tossed:
        return undefined("there is nothing that only one of the two got right")
    return Figure(min(1.0, 2 * float(scipy.special.bdtr(min(only_first, only_second), tossed, 0.5))))
