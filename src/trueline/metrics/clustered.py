"""A proportion of events that come in groups: in a job grouped by bucket all events of one share a label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import scipy  # its parts are loaded when they are first asked for

from trueline.metrics.figures import Figure, undefined
from trueline.metrics.intervals import UNKNOWN_PROPORTION, Interval, two_sided_z, wilson

if TYPE_CHECKING:
    from trueline.metrics.reviews import Mass


@dataclass(frozen=True, slots=True)
class Proportion:
    """So much of so much, how sure that is, and both counts that it rests on."""

    figure: Figure
    part: Mass
    whole: Mass


def proportion(part: Mass, rest: Mass, level: float, nothing: str) -> Proportion:
    """The share of `part` in both, by events.

    Args:
        part: what has the property.
        rest: what has not.
        level: of the interval.
        nothing: the reason to give where there is neither; the interval is [0, 1] then.
    """
    whole = part + rest
    if not whole.events:
        return Proportion(undefined(nothing, UNKNOWN_PROPORTION), part, whole)
    return Proportion(Figure(part.events / whole.events, clustered_wilson(part, rest, level)), part, whole)


def clustered_wilson(part: Mass, rest: Mass, level: float) -> Interval | None:
    """Wilson's interval on as many independent events as the grouped ones are worth; None where there are none.

    The effective size is the smaller of two. One is by the variance of the ratio, by linearisation: n* = p (1 - p) /
    variance, shrunk by the squared ratio of normal to t quantiles for few groups (E. L. Korn and B. I. Graubard,
    Confidence intervals for proportions with small expected number of positive counts estimated from survey data,
    Survey Methodology 24, 1998); it sees that large groups are right more or less often than small ones, but where
    errors are few it takes the variance for smaller than it is. The other takes the events of a group for wholly alike:
    n* = (sum of sizes)^2 / sum of squares (L. Kish, Survey Sampling, 1965, section 8.2). Put into Wilson's interval, as
    by N. Dean and M. Pagano, Evaluating confidence interval methods for binomial proportions in clustered surveys,
    Journal of Survey Statistics and Methodology 3 (2015).

    A group whose events lie on both sides is counted on both, as if it were two, and so is one whose events of one side
    were decided differently: a bucket decided wrongly with two labels is two subjects on the wrong side of accuracy,
    which makes the interval a little narrower than it should be, since counts by decision do not tell that they are
    one. Where each event is its own subject, this is Wilson's interval.
    """
    events = part.events + rest.events
    if part.squares == part.events and rest.squares == rest.events:
        return wilson(part.events, events, level)
    effective = effective_size(part, rest, level)
    return wilson(part.events / events * effective, effective, level)


def effective_size(part: Mass, rest: Mass, level: float) -> float:
    """As many independent events would tell as much of the share of `part`."""
    events = part.events + rest.events
    alike = events**2 / (part.squares + rest.squares)
    share = part.events / events
    spread = (1 - share) ** 2 * part.squares + share**2 * rest.squares
    groups = part.subjects + rest.subjects
    if share in {0.0, 1.0} or groups < 2:  # noqa: PLR2004 - without two sides there is no variance to see
        return alike
    seen = share * (1 - share) * events**2 / spread * (groups - 1) / groups
    return min(alike, seen * few_groups(groups, level))


def few_groups(groups: int, level: float) -> float:
    """What the effective size is multiplied with because the variance itself is known from few groups only."""
    return float((two_sided_z(level) / scipy.special.stdtrit(groups - 1, (1 + level) / 2)) ** 2)
