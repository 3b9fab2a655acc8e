"""Answers about the reviews of a job: from what is kept of them where that has them, else from the query."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from trueline.ledger.answers import whole_hours
from trueline.metrics.hours import Window
from trueline.metrics.reviews import Mass, ReviewCount

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trueline.ledger.kept import KeptCounts
    from trueline.ledger.population import Population
    from trueline.ledger.remembered import RememberedReviews
    from trueline.ledger.reviews import ReviewPart, Split

_TRIES: Final = 3


class ReviewAnswers:
    """Answers what the report's numbers are made from. Exact."""

    def __init__(self, query: RememberedReviews, kept: KeptCounts) -> None:
        self._query = query
        self._kept = kept

    def are_kept(self, population: Population) -> bool:
        """Whether counts of such a population come from what is kept: then it is worth being made ready."""
        if not population.is_of_now or population.filters:
            return False
        hours, edges = whole_hours(population)
        return hours is not None and not (population.shape.by_bucket and (edges or hours != Window()))

    def counts(self, population: Population) -> list[ReviewCount]:
        """As `ReviewQuery.counts`."""
        kept = self._kept_counts(population) if self.are_kept(population) else None
        return self._query.counts(population) if kept is None else kept

    def parts(self, population: Population, split: Split) -> list[ReviewPart]:
        """As `ReviewQuery.parts`."""
        return self._query.parts(population, split)

    def largest(self, population: Population, field: str, limit: int) -> list[str]:
        """As `ReviewQuery.largest`."""
        return self._query.largest(population, field, limit)

    def missed(self, population: Population, label: str, limit: int) -> list[str]:
        """As `ReviewQuery.missed`."""
        if population.is_of_now and not population.filters:
            found = self._latest_missed(population, label, limit)
            if found is not None:
                return found
        return self._query.missed(population, label, limit)

    def _latest_missed(self, population: Population, label: str, limit: int) -> list[str] | None:
        """The same by way of the tally; None where there is none, or a write has changed what it told."""
        window = Window(population.start, population.end)
        with self._kept.tally(population.job_id, population.training) as tally:
            if tally is None:
                return None
            latest = tally.latest_missed(window, label, limit)
        if not latest.hours:
            return []
        rows = self._query.named(replace(population, hours=latest.hours), label, latest.moments)
        keys = np.array([row[0] for row in rows], np.uint64)
        with self._kept.tally(population.job_id, population.training) as tally:
            if tally is None:
                return None
            others = set(tally.unmarked(keys).tolist()) if latest.others else set()
        found = sorted(
            (-moment, event_id)
            for subject, moment, event_id, came in rows
            if (subject, moment) in latest.moments or (came and subject in others)
        )
        return [event_id for _, event_id in found[:limit]] if len(found) >= min(limit, latest.events) else None

    def _kept_counts(self, population: Population) -> list[ReviewCount] | None:
        """Count whole hours from what is kept and what a window has beside them from the events."""
        hours, edges = whole_hours(population)
        if hours is None:
            return None
        for _ in range(_TRIES):
            changes = self._kept.changes(population.job_id)
            counts = self._kept.reviews.counts(population.job_id, hours)
            if counts is None or not edges:
                return counts
            for start, end in edges:
                counts += self._query.counts(replace(population, start=start, end=end))
            if changes % 2 == 0 and self._kept.changes(population.job_id) == changes:
                return _together(counts)
        return None  # one question to the ledger is right whatever is changed meanwhile


def _together(counts: Iterable[ReviewCount]) -> list[ReviewCount]:
    """The counts of populations that have no subject in common."""
    found: dict[ReviewCount, Mass] = {}
    for count in counts:
        alike = replace(count, mass=Mass())
        found[alike] = found.get(alike, Mass()) + count.mass
    return [replace(alike, mass=mass) for alike, mass in found.items()]
