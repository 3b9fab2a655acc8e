"""Parts of a population: its count table told apart by when events happened and which model decided them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trueline.metrics.counts import Count

CONFIDENCE_UNITS: Final = 10**12
"""Confidences are summed as integers, of so many to one percent: a sum of doubles would depend on their order, and what
is taken back would not be gone from it."""


@dataclass(frozen=True, slots=True)
class Confidence:
    """What is known of the confidence of some decisions."""

    events: int = 0
    """Events whose decision came with one."""
    low: int = 0
    """Those of them below the job's threshold of low confidence."""
    total: int = 0
    """The sum of their confidences, in `CONFIDENCE_UNITS`."""

    @property
    def mean(self) -> float | None:
        """Percent, 0 to 100; None where no decision came with one."""
        return self.total / (CONFIDENCE_UNITS * self.events) if self.events else None

    @classmethod
    def together(cls, each: Iterable[Confidence]) -> Confidence:
        """Of all these decisions."""
        known = list(each)
        return cls(sum(one.events for one in known), sum(one.low for one in known), sum(one.total for one in known))


@dataclass(frozen=True, slots=True)
class Part:
    """Events of a population that are alike in what the numbers depend on, in their model, and in their interval."""

    interval: int | None
    """Its start, microseconds since 1970; None where all is one interval."""
    model_id: str | None
    """The model that made the decision in force; None where none was named."""
    learned_label: str | None
    """What the knowledge base has of their subjects; None outside it."""
    count: Count
    confidence: Confidence
