"""What errors cost, and what the right decisions save: sums over all events, told from those reviewed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from trueline.metrics.bounds import Known
from trueline.metrics.counts import TruthPolicy
from trueline.metrics.draws import interval_of
from trueline.metrics.figures import Figure
from trueline.metrics.intervals import Interval
from trueline.metrics.partial import not_told

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trueline.metrics.estimated import Estimate
    from trueline.metrics.reviews import ReviewCount


@dataclass(frozen=True, slots=True)
class CostMatrix:
    """What one event costs by its truth (row) and decision (column), in the order of the labels."""

    costs: tuple[tuple[float, ...], ...]
    unit: str
    """`minutes`, or a currency."""

    def __post_init__(self) -> None:
        if any(len(row) != len(self.costs) for row in self.costs):
            raise ValueError("a cost matrix has a row and a column for each label")
        if not all(np.isfinite(cost) for row in self.costs for cost in row):
            raise ValueError("a cost is a finite number")

    @classmethod
    def per_error(cls, size: int, cost: float, unit: str) -> CostMatrix:
        """The same for every wrong decision among `size` labels, nothing for a right one."""
        return cls(tuple(tuple(0.0 if row == column else cost for column in range(size)) for row in range(size)), unit)


@dataclass(frozen=True, slots=True)
class TimeSaved:
    """Minutes of analysts' work."""

    compatible: float
    """`minutes_per_alert` x events decided right, as the compatible endpoint counts them: what nobody contradicted
    is right, and wrong decisions cost nothing."""
    saved: Figure
    """`minutes_per_alert` x events decided right, less `rework`; may be below 0."""
    rework: Figure
    """What wrong decisions cost."""


def expected_cost(counts: Sequence[ReviewCount], estimated: Estimate, costs: CostMatrix, level: float = 0.95) -> Figure:
    """The cost of all decisions of the population, in the unit of the matrix.

    The sum over truths i and decisions j of the estimated events times the cost (C. Elkan, The foundations of
    cost-sensitive learning, IJCAI 2001). Where a decision with events was never reviewed, and what it costs depends on
    the truth, there is no value, but the worst and the best case. These hold for the interval too: what was reviewed is
    known of these very events.
    """
    size = len(estimated.labels)
    if len(costs.costs) != size:
        raise ValueError(f"a cost matrix of {len(costs.costs)} labels does not fit a job of {size}")
    known = Known.of(counts, estimated.labels)
    bounds = known.sum_of(costs.costs)
    each = np.array(costs.costs)
    told = {label: bool((each[:, column] == each[0, column]).all()) for column, label in enumerate(estimated.labels)}
    unknown = [label for label in estimated.unknown if not told[label]]
    if unknown:
        return not_told(unknown, bounds)
    # of the others that nobody reviewed every truth costs the same
    fixed = sum(
        known.open[column] * float(each[0, column])
        for column, label in enumerate(estimated.labels)
        if label in estimated.unknown
    )
    drawn = np.nansum(estimated.draws * each, axis=(1, 2)) + fixed
    value = bounds.nearest(float(np.nansum(estimated.matrix * each)) + fixed)
    interval = interval_of(drawn, value, level)
    return Figure(value, Interval(bounds.nearest(interval.low), bounds.nearest(interval.high)))


def time_saved(
    counts: Sequence[ReviewCount],
    estimated: Estimate,
    minutes_per_alert: float,
    rework: CostMatrix,
    level: float = 0.95,
) -> TimeSaved:
    """Minutes saved by right decisions, less those that wrong ones cost.

    Args:
        counts: the population.
        estimated: the matrix of all events, made from the same counts.
        minutes_per_alert: what an analyst spends on one alert, and saves where it was decided right.
        rework: minutes by truth and decision.
        level: of the intervals.
    """
    if rework.unit != "minutes":
        raise ValueError(f"rework is counted in minutes, not in {rework.unit}")
    size = range(len(estimated.labels))
    net = tuple(
        tuple((minutes_per_alert if row == column else 0.0) - rework.costs[row][column] for column in size)
        for row in size
    )
    right = sum(count.mass.events for count in counts if count.truth(TruthPolicy.IMPLICIT) == count.decision)
    return TimeSaved(
        compatible=minutes_per_alert * right,
        saved=expected_cost(counts, estimated, CostMatrix(net, "minutes"), level),
        rework=expected_cost(counts, estimated, rework, level),
    )
