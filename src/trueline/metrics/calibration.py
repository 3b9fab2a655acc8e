"""Whether a confidence is worth anything: how often decisions are right that claim to be so sure."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise
from math import exp, floor, lgamma, log
from typing import TYPE_CHECKING, Final

from trueline.metrics.figures import Figure, undefined
from trueline.metrics.intervals import UNKNOWN_DIFFERENCE, UNKNOWN_PROPORTION, Interval, clopper_pearson, wilson
from trueline.metrics.strata import Stratum, share_found, worth

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

TENS: Final = tuple(range(0, 101, 10))


@dataclass(frozen=True, slots=True)
class ConfidenceCount:
    """So many decisions claim this confidence.

    Confidences may be fractions. To keep the rows few, cut them down (never round up) to hundredths before counting:
    at most 10,001 rows; no decision then changes its side of a bound or threshold given in hundredths, and a mean
    confidence is low by less than 0.01. Where events of one bucket are not independent, count each bucket once.
    """

    confidence: float | None
    """0 to 100; None where the model gave none."""
    right: int
    """Reviewed, and the decision is the consensus."""
    wrong: int
    """Reviewed, and the consensus is another label."""
    unreviewed: int
    """Without a consensus label: nobody voted, or Undecided."""

    def __post_init__(self) -> None:
        if self.confidence is not None and not 0 <= self.confidence <= 100:  # noqa: PLR2004  percent
            raise ValueError(f"a confidence lies between 0 and 100, not at {self.confidence}")
        if min(self.right, self.wrong, self.unreviewed) < 0:
            raise ValueError(f"{self} counts less than nothing")

    @property
    def reviewed(self) -> int:
        """Those whose truth is known."""
        return self.right + self.wrong

    @property
    def decisions(self) -> int:
        """All of them."""
        return self.reviewed + self.unreviewed


@dataclass(frozen=True, slots=True)
class Band:
    """Decisions of like confidence: ``low <= confidence < high``, in the last band ``<= high``."""

    low: float
    high: float
    decisions: int
    reviewed: int
    mean_confidence: float | None
    """Of the reviewed ones, 0 to 100; None without any. What they claim is known, so it has no interval."""
    right: Figure
    """The share of the reviewed ones that are right, 0 to 1, with Wilson's interval."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """Claimed against true: a model that says 90 should be right nine times of ten."""

    bands: tuple[Band, ...]
    """All of them, lowest first, also empty ones."""
    without_confidence: int
    """Decisions that claim nothing and are in no band."""
    decisions: int
    """Those in bands where at least one was reviewed: the figures below are about these."""
    error: Figure
    """Expected calibration error, 0 to 1: how far claim and truth lie apart, on average over decisions."""
    error_by_chance: float | None
    """What `error` would come to, on average, for a model without fault and with as few reviews; None without any.

    It follows from claims and numbers of reviews, so it has no interval."""
    overconfidence: Figure
    """Mean claim minus share that is right, -1 to 1: positive when the model is surer than it should be."""


def calibration(counts: Iterable[ConfidenceCount], level: float = 0.95, bounds: Sequence[float] = TENS) -> Calibration:
    """Hold confidence against truth, band by band.

    The bands are of equal width by default, not of equal size: their bounds stay the same from week to week and from
    model to model, and a reader knows what 80 to 90 means. A model that claims 95 and more of nearly everything needs
    finer ones at the top, which `bounds` can give. A value on a bound belongs to the band above, as a threshold has it.

    Args:
        counts: Decisions by confidence and review.
        level: Of the intervals.
        bounds: From 0 to 100, rising.

    Raises:
        ValueError: `bounds` do not rise from 0 to 100.
    """
    if len(bounds) < 2 or (bounds[0], bounds[-1]) != (0, 100) or any(low >= high for low, high in pairwise(bounds)):  # noqa: PLR2004
        raise ValueError(f"bounds rise from 0 to 100, not as {list(bounds)}")
    members: list[list[ConfidenceCount]] = [[] for _ in bounds[1:]]
    without = 0
    for count in counts:
        if count.confidence is None:
            without += count.decisions
        else:
            members[min(bisect_right(bounds, count.confidence), len(members)) - 1].append(count)
    bands = tuple(
        _band(low, high, inside, level) for (low, high), inside in zip(pairwise(bounds), members, strict=True)
    )
    reviewed = [(band, inside) for band, inside in zip(bands, members, strict=True) if band.reviewed]
    known = [Stratum(band.decisions, band.reviewed, sum(count.right for count in inside)) for band, inside in reviewed]
    claims = [band.mean_confidence / 100 for band, _ in reviewed if band.mean_confidence is not None]
    by_chance = [_deviation_by_chance(claim, each.reviewed) for each, claim in zip(known, claims, strict=True)]
    return Calibration(
        bands=bands,
        without_confidence=without,
        decisions=sum(each.size for each in known),
        error=_error(known, claims, level),
        error_by_chance=_mean(known, by_chance) if known else None,
        overconfidence=_overconfidence(known, claims, level),
    )


def _band(low: float, high: float, inside: Sequence[ConfidenceCount], level: float) -> Band:
    reviewed, right = sum(count.reviewed for count in inside), sum(count.right for count in inside)
    claimed = sum(count.confidence * count.reviewed for count in inside if count.confidence is not None)
    return Band(
        low=low,
        high=high,
        decisions=sum(count.decisions for count in inside),
        reviewed=reviewed,
        mean_confidence=claimed / reviewed if reviewed else None,
        right=Figure(right / reviewed, wilson(right, reviewed, level))
        if reviewed
        else undefined("none of them was reviewed", UNKNOWN_PROPORTION),
    )


def _mean(known: Sequence[Stratum], values: Sequence[float]) -> float:
    total = sum(each.size for each in known)
    return sum(each.size * value for each, value in zip(known, values, strict=True)) / total


def _error(known: Sequence[Stratum], claims: Sequence[float], level: float) -> Figure:
    """Expected calibration error: the mean over bands of the distance of claim and share right.

    M. P. Naeini, G. F. Cooper and M. Hauskrecht, AAAI 2015, pages 2901 to 2907; C. Guo, G. Pleiss, Y. Sun and K. Q.
    Weinberger, ICML 2017, equation 3. They weigh a band by its reviewed decisions; here it weighs as all of its
    decisions, so that a band does not count for more because it was reviewed more. Where all or an equal share were
    reviewed the two are the same. The interval takes each band's share at the level that makes all of them hold at once
    (Bonferroni): it covers more often than its level says.
    """
    if not known:
        return undefined("no decision with a confidence was reviewed", UNKNOWN_PROPORTION)
    value = _mean(known, [abs(claim - each.found / each.reviewed) for each, claim in zip(known, claims, strict=True)])
    strict = 1 - (1 - level) / len(known)
    nearest, farthest = [], []
    for each, claim in zip(known, claims, strict=True):
        share = clopper_pearson(each.found, each.reviewed, strict) or UNKNOWN_PROPORTION
        nearest.append(max(share.low - claim, claim - share.high, 0.0))
        farthest.append(max(abs(share.low - claim), abs(share.high - claim)))
    return Figure(value, Interval(min(value, _mean(known, nearest)), max(value, _mean(known, farthest))))


def _overconfidence(known: Sequence[Stratum], claims: Sequence[float], level: float) -> Figure:
    """The mean claim less the share right, and less the ends of its Wilson interval."""
    if not known:
        return undefined("no decision with a confidence was reviewed", UNKNOWN_DIFFERENCE)
    claim, right, reviews = _mean(known, claims), min(1.0, share_found(known)), worth(known)
    interval = wilson(right * reviews, reviews, level) or UNKNOWN_PROPORTION
    return Figure(claim - right, Interval(claim - interval.high, claim - interval.low))


def _deviation_by_chance(claim: float, reviewed: int) -> float:
    """The mean absolute deviation of a share of `reviewed` tosses that come up with probability `claim`.

    De Moivre's formula; P. Diaconis and S. Zabell, Closed form summation for classical distributions, Statistical
    Science 6 (1991), pages 284 to 302.
    """
    if claim in {0.0, 1.0}:
        return 0.0
    above = floor(reviewed * claim) + 1
    if above > reviewed:  # a claim within rounding of 1
        return 0.0
    ways = lgamma(reviewed + 1) - lgamma(above + 1) - lgamma(reviewed - above + 1)
    return 2 * above / reviewed * exp(ways + above * log(claim) + (reviewed - above + 1) * log(1 - claim))
