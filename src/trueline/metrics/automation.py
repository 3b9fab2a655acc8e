"""What may be decided without people: the share above a threshold of confidence, and how wrong it is at most."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Final

from trueline.metrics.figures import Figure, undefined
from trueline.metrics.intervals import UNKNOWN_PROPORTION, Interval, clopper_pearson_upper
from trueline.metrics.strata import Stratum, share_found, worth

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trueline.metrics.calibration import ConfidenceCount

THRESHOLDS: Final = (0, 50, 60, 70, 80, 90, 95, 98, 99)


@dataclass(frozen=True, slots=True)
class AutomationPoint:
    """What happens when decisions of this confidence and above stand without review."""

    threshold: float
    """0 to 100; a decision with just this confidence stands."""
    decisions: int
    """How many stand."""
    share: Figure
    """Of all decisions, those without a confidence included, 0 to 1. A count of all, so it has no interval."""
    reviewed: int
    wrong: int
    error_rate: Figure
    """The share of those that stand that is wrong, 0 to 1; the interval runs from 0 to a one-sided upper bound."""


@dataclass(frozen=True, slots=True)
class Promise:
    """The largest share that can stand without review at no more than a promised rate of errors."""

    error_rate: float
    """What was promised, 0 to 1."""
    point: AutomationPoint | None
    """The lowest threshold that keeps it; None when no threshold is known to."""
    error_at_most: float | None
    """What the rate of errors there is at most, with the search among thresholds allowed for; None without a point."""
    reason: str | None
    """Why there is no point."""


def automation_curve(
    counts: Sequence[ConfidenceCount], level: float = 0.95, thresholds: Sequence[float] = THRESHOLDS
) -> tuple[AutomationPoint, ...]:
    """The share decided and its rate of errors at each threshold, lowest first.

    The rate is that of all decisions above the threshold, not of the reviewed ones: what lies between two thresholds
    weighs as its decisions, however many of them were reviewed. Else a thousand reviews of sure decisions would hide
    ten of doubtful ones. The bound is the one-sided one of Clopper and Pearson (1934), where all were reviewed alike;
    elsewhere it is that for as many reviews as the uneven ones are worth (`trueline.metrics.strata.worth`). Decisions
    between two thresholds of which none was reviewed count as wrong in the bound. It holds at `level` for a threshold
    fixed beforehand; to pick one by its bound use `keep_promise`.

    Args:
        counts: Decisions by confidence and review.
        level: Of the one-sided bounds.
        thresholds: 0 to 100, in any order.
    """
    total = sum(count.decisions for count in counts)
    return tuple(_point(above, total, level) for above in _all_above(counts, thresholds))


def keep_promise(
    counts: Sequence[ConfidenceCount],
    error_rate: float,
    level: float = 0.95,
    thresholds: Sequence[float] = THRESHOLDS,
) -> Promise:
    """Find the lowest threshold whose rate of errors is at most `error_rate`, wrongly with probability 1 - `level`.

    Who looks at many thresholds and takes the best is deceived more often than each single bound says. So the risk is
    divided among those that differ in their reviews and have enough to keep the promise at all (Bonferroni;
    Angelopoulos, Bates, Candes, Jordan and Lei, Learn then test, arXiv 2110.01052). Which these are depends on how many
    were reviewed, not on how they came out.

    Raises:
        ValueError: `error_rate` is not between 0 and 1.
    """
    if not 0 < error_rate < 1:
        raise ValueError(f"a rate of errors to promise lies between 0 and 1, not at {error_rate}")
    # of those with the same reviews, the highest: it has the fewest decisions that nothing is known of
    different = {above.reviewed: above for above in _all_above(counts, thresholds)}.values()
    able = [above for above in different if above.reviewed and above.least_bound(level) <= error_rate]
    if not able:
        return Promise(
            error_rate, None, None, f"too few were reviewed to promise {error_rate:.2%}, even had all been right"
        )
    strict = 1 - (1 - level) / len(able)
    for above in sorted(able, key=lambda above: above.threshold):
        bound = above.bound(strict)
        if bound <= error_rate:
            return Promise(error_rate, _point(above, sum(count.decisions for count in counts), level), bound, None)
    return Promise(error_rate, None, None, f"no threshold is known to keep errors at {error_rate:.2%} or less")


@dataclass(frozen=True, slots=True)
class _Above:
    """Decisions at and above a threshold, in steps from one threshold to the next; found means wrong."""

    threshold: float
    steps: tuple[Stratum, ...]

    @property
    def decisions(self) -> int:
        return sum(step.size for step in self.steps)

    @property
    def reviewed(self) -> int:
        return sum(step.reviewed for step in self.steps)

    @property
    def wrong(self) -> int:
        return sum(step.found for step in self.steps)

    @property
    def error_rate(self) -> float:
        return share_found(self._known)

    def bound(self, level: float) -> float:
        """At most so wrong."""
        return self._bound(self._known, level)

    def least_bound(self, level: float) -> float:
        """What `bound` would be, had all reviewed been right."""
        return self._bound([Stratum(step.size, step.reviewed, 0) for step in self._known], level)

    @property
    def _known(self) -> list[Stratum]:
        return [step for step in self.steps if step.reviewed]

    def _bound(self, known: list[Stratum], level: float) -> float:
        size, reviews = sum(step.size for step in known), worth(known)
        bound = clopper_pearson_upper(min(1.0, share_found(known)) * reviews, reviews, level)
        assert bound is not None  # noqa: S101  a step was reviewed
        return (size * bound + self.decisions - size) / self.decisions


def _all_above(counts: Sequence[ConfidenceCount], thresholds: Sequence[float]) -> list[_Above]:
    """Each threshold, lowest first; the steps are no longer than those of `THRESHOLDS`, whichever are asked for."""
    steps: list[Stratum] = []
    found: list[_Above] = []
    end = inf
    for start in sorted({*thresholds, *THRESHOLDS}, reverse=True):
        inside = [each for each in counts if each.confidence is not None and start <= each.confidence < end]
        end = start
        steps.append(
            Stratum(
                sum(count.decisions for count in inside),
                sum(count.reviewed for count in inside),
                sum(count.wrong for count in inside),
            )
        )
        if start in thresholds:
            found.append(_Above(start, tuple(steps)))
    return found[::-1]


def _point(above: _Above, total: int, level: float) -> AutomationPoint:
    return AutomationPoint(
        threshold=above.threshold,
        decisions=above.decisions,
        share=Figure(above.decisions / total) if total else undefined("there are no decisions"),
        reviewed=above.reviewed,
        wrong=above.wrong,
        error_rate=Figure(above.error_rate, Interval(0.0, above.bound(level)))
        if above.reviewed
        else undefined("none of them was reviewed", UNKNOWN_PROPORTION),
    )
