"""The worst and the best case: what remains possible whatever the truth of the unreviewed is.

C. F. Manski, Nonparametric bounds on treatment effects, American Economic Review 80 (1990); Partial Identification of
Probability Distributions, 2003, chapter 1. They speak of the events at hand and have no level: nothing is assumed, not
even chance. The Undecided count as not reviewed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from trueline.metrics.intervals import UNKNOWN_PROPORTION, Interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trueline.metrics.reviews import ReviewCount


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a population, in events.

    Attributes:
        reviewed: K x K, row = truth, column = decision.
        open: K, the events of each decision without a truth.
    """

    reviewed: list[list[int]]
    open: list[int]

    @classmethod
    def of(cls, counts: Sequence[ReviewCount], labels: Sequence[str]) -> Known:
        """Put counts by truth and decision."""
        place = {label: index for index, label in enumerate(labels)}
        known = cls([[0] * len(labels) for _ in labels], [0] * len(labels))
        for count in counts:
            if count.reviewed is None:
                known.open[place[count.decision]] += count.mass.events
            else:
                known.reviewed[place[count.reviewed]][place[count.decision]] += count.mass.events
        return known

    def seen(self, label: int) -> bool:
        """Whether any review decided or found this label."""
        return bool(sum(self.reviewed[label]) + sum(row[label] for row in self.reviewed))

    def recall(self, label: int) -> Interval:
        """Lowest if all open events of other decisions are truly of the label, highest if those of its own are."""
        right, found = self.reviewed[label][label], sum(self.reviewed[label])
        elsewhere = sum(self.open) - self.open[label]
        return _between(
            (right, found + elsewhere), (right + self.open[label], found + self.open[label]), self.seen(label)
        )

    def precision(self, label: int) -> Interval:
        """Lowest if no open event of the decision is right, highest if all are."""
        right, decided = self.reviewed[label][label], sum(row[label] for row in self.reviewed) + self.open[label]
        return _between((right, decided), (right + self.open[label], decided), self.seen(label))

    def miss_rate(self, label: int) -> Interval:
        """What `recall` leaves."""
        recall = self.recall(label)
        return Interval(1 - recall.high, 1 - recall.low)

    def sum_of(self, coefficients: Sequence[Sequence[float]]) -> Interval:
        """Of a sum over all events, each with the coefficient of its truth (row) and decision (column)."""
        size = range(len(self.open))
        fixed = sum(coefficients[row][column] * self.reviewed[row][column] for row in size for column in size)
        columns = [[coefficients[row][column] for row in size] for column in size]
        return Interval(
            fixed + sum(events * min(column) for events, column in zip(self.open, columns, strict=True)),
            fixed + sum(events * max(column) for events, column in zip(self.open, columns, strict=True)),
        )


def _between(low: tuple[int, int], high: tuple[int, int], seen: bool) -> Interval:
    """From one fraction to the other; from 0 to 1 where nothing was seen, or where an end is not defined."""
    if not seen:
        return UNKNOWN_PROPORTION
    return Interval(low[0] / low[1] if low[1] else 0.0, high[0] / high[1] if high[1] else 1.0)
