"""One share out of parts that were reviewed to different degrees, and how much those reviews are worth together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Stratum:
    """A part of all things; some of it was reviewed, as if drawn by lot, and some of that was found so."""

    size: int
    reviewed: int
    found: int


def share_found(strata: Sequence[Stratum]) -> float:
    """The share of all things in the strata that are so, 0 to 1; each weighs as its size, however much is reviewed.

    Raises:
        ZeroDivisionError: a stratum has no reviews.
    """
    return sum(each.size * (each.found / each.reviewed) for each in strata) / sum(each.size for each in strata)


def worth(strata: Sequence[Stratum]) -> float:
    """How many reviews, drawn by lot from all strata together, would tell the share as exactly as these do.

    With it the intervals of one proportion serve: E. L. Korn and B. I. Graubard, Confidence intervals for proportions
    with small expected number of positive counts estimated from survey data, Survey Methodology 24 (1998), pages 193 to
    201. The variances of the strata are taken with half a review more of each outcome (Jeffreys), since a stratum with
    few reviews and nothing found is not without variance. Equal to the number of reviews where there is one stratum.

    Raises:
        ZeroDivisionError: a stratum has no reviews.
    """
    total = sum(each.size for each in strata)
    weights = [each.size / total for each in strata]
    shares = [(each.found + 0.5) / (each.reviewed + 1) for each in strata]
    share = sum(weight * one for weight, one in zip(weights, shares, strict=True))
    variance = sum(
        weight**2 * one * (1 - one) / each.reviewed for weight, one, each in zip(weights, shares, strata, strict=True)
    )
    return share * (1 - share) / variance
