"""Intervals for one proportion of independent yes-or-no answers."""

from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

import scipy  # its parts are loaded when they are first asked for


@dataclass(frozen=True, slots=True)
class Interval:
    """Both ends included."""

    low: float
    high: float

    def __post_init__(self) -> None:
        if not self.low <= self.high:
            raise ValueError(f"an interval from {self.low} to {self.high} is none")

    def nearest(self, value: float) -> float:
        """The value, or the end that it lies beyond."""
        return min(max(value, self.low), self.high)


UNKNOWN_PROPORTION = Interval(0.0, 1.0)
UNKNOWN_DIFFERENCE = Interval(-1.0, 1.0)
"""Of two proportions, as long as nothing is known of either; alpha lies there, too."""


def two_sided_z(level: float) -> float:
    """How many standard errors to either side hold `level` of a normal distribution; 1.96 for 0.95."""
    check_level(level)
    return NormalDist().inv_cdf((1 + level) / 2)


def wilson(successes: float, total: float, level: float = 0.95) -> Interval | None:
    """The score interval of a proportion; None when `total` is 0.

    E. B. Wilson, Probable inference, the law of succession, and statistical inference, JASA 22 (1927), pages 209 to
    212; why this one: Brown, Cai and DasGupta, Interval estimation for a binomial proportion, Statistical Science 16
    (2001). It keeps near its level from small counts on and never leaves [0, 1]. The counts may be fractions, because
    an effective sample size is one.
    """
    check_counts(successes, total)
    z = two_sided_z(level)
    if total == 0:
        return None
    share = successes / total
    squeeze = 1 + z * z / total
    centre = (share + z * z / (2 * total)) / squeeze
    half = z / squeeze * sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    # At 0 and at all the end is exact; rounding must not move it.
    low = 0.0 if successes == 0 else max(0.0, centre - half)
    high = 1.0 if successes == total else min(1.0, centre + half)
    return Interval(low, high)


def clopper_pearson(successes: float, total: float, level: float = 0.95) -> Interval | None:
    """The exact two-sided interval, which never covers less than its level and often more; None when `total` is 0.

    C. J. Clopper and E. S. Pearson, The use of confidence or fiducial limits illustrated in the case of the binomial,
    Biometrika 26 (1934), by quantiles of the beta distribution.
    """
    check_counts(successes, total)
    check_level(level)
    if total == 0:
        return None
    tail = (1 - level) / 2
    return Interval(_lower(successes, total, tail), _upper(successes, total, tail))


def clopper_pearson_upper(successes: float, total: float, level: float = 0.95) -> float | None:
    """The one-sided exact upper bound: 0 of 300 at 0.95 gives 0.00994; None when `total` is 0."""
    check_counts(successes, total)
    check_level(level)
    return None if total == 0 else _upper(successes, total, 1 - level)


def clopper_pearson_lower(successes: float, total: float, level: float = 0.95) -> float | None:
    """The one-sided exact lower bound; None when `total` is 0."""
    check_counts(successes, total)
    check_level(level)
    return None if total == 0 else _lower(successes, total, 1 - level)


def check_level(level: float) -> None:
    """Refuse, with a ValueError, a level that is no probability strictly between 0 and 1."""
    if not 0 < level < 1:
        raise ValueError(f"a level lies between 0 and 1, not at {level}")


def check_counts(successes: float, total: float) -> None:
    """Refuse, with a ValueError, counts that no experiment gives."""
    if not 0 <= successes <= total:
        raise ValueError(f"{successes} of {total} is no proportion")


def _lower(successes: float, total: float, tail: float) -> float:
    return 0.0 if successes == 0 else float(scipy.special.betaincinv(successes, total - successes + 1, tail))


def _upper(successes: float, total: float, tail: float) -> float:
    return 1.0 if successes == total else float(scipy.special.betaincinv(successes + 1, total - successes, 1 - tail))
