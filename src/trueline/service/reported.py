"""What each section of the report is made from."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from trueline.metrics.draws import draws_of
from trueline.metrics.estimated import Estimate, estimate

if TYPE_CHECKING:
    from trueline.catalog.records import Job
    from trueline.metrics.costs import CostMatrix
    from trueline.metrics.reviews import ReviewCount


@dataclass(frozen=True)
class Reported:
    """A population, or a part of it, and how it is to be told."""

    job: Job
    counts: tuple[ReviewCount, ...]
    costs: CostMatrix
    """What one event costs by truth and decision."""
    level: float
    """Of all intervals, between 0 and 1."""
    digest: bytes
    """Of request and data; all that is drawn follows from it."""
    missed_events: tuple[str, ...] | None = field(default=None)
    """Ids of events of the headline that were missed, latest first; None where they were not looked for."""

    @cached_property
    def estimated(self) -> Estimate:
        """The matrix of all events, also of those nobody reviewed."""
        return estimate(self.counts, self.job.labels, self.digest, draws_of(len(self.job.labels)))
