"""Answers about the reviews of a job: from what is kept of them where that has them, else from the query."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from trueline.ledger.answers import whole_hours
from trueline.ledger.conditions import (
    ask_for_kinds_alone,
    ask_for_moments,
    ask_for_subjects,
    ask_for_trainings,
    on_kinds,
    on_states,
)
from trueline.ledger.remembered import RememberedReviews
from trueline.metrics.hours import HOUR, Window
from trueline.metrics.kinds import Kind
from trueline.metrics.reviews import Mass, ReviewCount

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from trueline.filters.request import Filter
    from trueline.ledger.kept import KeptCounts
    from trueline.ledger.kinds import KindQuery
    from trueline.ledger.population import Population
    from trueline.ledger.reviews import ReviewPart, ReviewQuery, Split
    from trueline.metrics.reviewed_buckets import Placed
    from trueline.metrics.tally import LatestMissed, Tally

_TRIES: Final = 3
_MORE_TO_BE_FILTERED: Final = 16
"""Times as many are looked at where filters let only some pass."""
_NAMED_HOURS: Final = 24
_ROWS_AT_ONCE: Final = 20_000_000
"""Two questions cost much more than one for both; so many rows are some 250 MB on their way."""
_WORTH_NAMING: Final = 2_560
"""Events whose hours are worth to be named to the engine: with more of them it reads most of a table anyway."""


class ReviewAnswers:
    """Answers what the report's numbers are made from. Exact."""

    def __init__(self, query: ReviewQuery, kinds: KindQuery, kept: KeptCounts) -> None:
        self._query = query
        self._kinds = kinds
        self._kept = kept
        self._remembered = RememberedReviews(kept)

    def are_kept(self, population: Population) -> bool:
        """Whether counts of such a population are told from what is kept: then it is worth being made ready."""
        filters = population.filters
        return population.is_of_now and not ask_for_moments(filters) and not ask_for_trainings(filters)

    def are_told_in_parts(self, population: Population) -> bool:
        """Whether that takes what is kept of parts of all time."""
        return self.are_kept(population) and ask_for_kinds_alone(population.filters) and not _of_all_time(population)

    def counts(self, population: Population) -> list[ReviewCount]:
        """As `ReviewQuery.counts`."""
        if self.are_kept(population) and ask_for_kinds_alone(population.filters):
            kept = self._passing(population, population.filters, self._kept_counts)
            if kept is not None:
                return kept
        return self._remembered.answer(population, "counts", lambda: self._counted(population))

    def parts(self, population: Population, split: Split) -> list[ReviewPart]:
        """As `ReviewQuery.parts`."""
        return self._query.parts(population, split)

    def largest(self, population: Population, field: str, limit: int) -> list[str]:
        """As `ReviewQuery.largest`."""
        return self._query.largest(population, field, limit)

    def missed(self, population: Population, label: str, limit: int) -> list[str]:
        """As `ReviewQuery.missed`."""
        if population.is_of_now and not ask_for_subjects(population.filters):
            found = self._latest_missed(population, label, limit)
            if found is not None:
                return found
        return self._remembered.answer(
            population, f"missed {limit} {label}", lambda: self._query.missed(population, label, limit)
        )

    def _latest_missed(self, population: Population, label: str, limit: int) -> list[str] | None:
        """The same by way of the tally; None where there is none, a write has changed what it told, or few pass."""
        if not population.filters:
            return self._missed_among(population, label, limit, limit)
        wanted = limit * _MORE_TO_BE_FILTERED
        while wanted <= _WORTH_NAMING:
            found = self._missed_among(population, label, limit, wanted)
            if found is None or len(found) >= limit:
                return found
            wanted *= _MORE_TO_BE_FILTERED
        return None

    def _missed_among(self, population: Population, label: str, limit: int, wanted: int) -> list[str] | None:
        """Those that pass of the latest `wanted` without filters; None where what was counted has changed meanwhile."""
        window = Window(population.start, population.end)
        changes = self._kept.changes(population.job_id)
        with self._kept.tally(population.job_id, population.training) as tally:
            if tally is None:
                return None
            latest = tally.latest_missed(window, label, wanted)
            size, known = tally.size, self._told_before(tally, population, latest, label)
        if not latest.hours or known is not None:
            return [event_id for _, event_id in sorted(known or ())[:limit]]
        rows = self._query.named(_of_hours(population, latest.hours), label, latest.moments)
        keys = np.array([row[0] for row in rows], np.uint64)
        with self._kept.tally(population.job_id, population.training) as tally:
            if tally is None:
                return None
            others = set(tally.unmarked(keys).tolist()) if latest.others else set()
            if not population.filters and tally.size == size:  # else they may be of another time than the tally is
                tally.ids.keep(_by_moment(rows, latest, window), label)
        found = sorted(
            (-moment, event_id)
            for subject, moment, event_id, came in rows
            if (subject, moment) in latest.moments or (came and subject in others)
        )
        if population.filters:  # how many have to pass is not known, so nothing may have changed
            if changes % 2 or self._kept.changes(population.job_id) != changes:
                return None
        elif len(found) < min(limit, latest.events):
            return None
        return [event_id for _, event_id in found[:limit]]

    @staticmethod
    def _told_before(
        tally: Tally, population: Population, latest: LatestMissed, label: str
    ) -> list[tuple[int, str]] | None:
        """Those of the latest with what they are sorted by, where all their ids were told before."""
        if population.filters or latest.others:
            return None
        window = Window(population.start, population.end)
        moments = [each for each in latest.moments if window.holds_moment(each[1])]
        known = tally.ids.of(moments, label)
        if len(known) < len(moments):
            return None
        return [(-moment, event_id) for (_, moment), ids in known.items() for event_id in ids]

    def _counted(self, population: Population) -> list[ReviewCount]:
        """By a question to the ledger, with the states of subjects from what is kept where that has them."""
        found = None
        if self.are_kept(population):
            found = self._passing(population, on_kinds(population.filters), self._counted_of_selected)
        if found is None and self.are_kept(population):
            found = self._passing(population, on_states(population.filters), self._counted_without_states)
        return self._query.counts(population) if found is None else found

    def _passing(
        self,
        population: Population,
        filters: tuple[Filter, ...],
        count: Callable[[Population], list[ReviewCount] | None],
    ) -> list[ReviewCount] | None:
        """Those counts that pass filters on decision and consensus, of a population that is counted without these."""
        counts = count(replace(population, filters=tuple(each for each in population.filters if each not in filters)))
        if not filters or not counts:
            return counts
        kinds = tuple(sorted({(each.decision, each.consensus or "") for each in counts}))
        asked = replace(population, filters=filters)
        passing = self._kinds.passing(asked, tuple(Kind(*kind, trained=False, changed=False) for kind in kinds))
        passed = {kind for kind, passes in zip(kinds, passing.tolist(), strict=True) if passes}
        return [each for each in counts if (each.decision, each.consensus or "") in passed]

    def _counted_without_states(self, population: Population) -> list[ReviewCount] | None:
        """Count by a question that knows no states; None where what is counted changes over and over meanwhile."""
        for _ in range(_TRIES):
            changes = self._kept.changes(population.job_id)
            if changes % 2:
                return None
            if population.shape.by_bucket:
                placed = self._placed(population)
                counts = None if placed is None else self._kept.reviews.counts_of_placed(population.job_id, placed)
            else:
                counts = self._kept.reviews.counts_of(population.job_id, self._query.groups(population))
            if counts is not None and self._kept.changes(population.job_id) == changes:
                return counts
        return None

    def _counted_of_selected(self, population: Population) -> list[ReviewCount] | None:
        """Count what is kept of documents too; None where that is not, or what is counted changes over and over."""
        for _ in range(_TRIES):
            changes = self._kept.changes(population.job_id)
            selected = None if changes % 2 else self._kept.selected_again(population)
            if selected is None:
                return None
            counts = self._kept.reviews.counts_of_selected(population.job_id, selected)
            if counts is None or self._kept.changes(population.job_id) == changes:
                return counts
        return None

    def _placed(self, population: Population) -> list[Placed] | None:
        """The events of a population of a job grouped by bucket; so many at once that little memory is needed."""
        decisions = self._kept.reviews.decisions(population.job_id)
        with self._kept.tally(population.job_id, population.training) as tally:
            if tally is None or decisions is None:
                return None
            windows = tally.divided(Window(population.start, population.end), _ROWS_AT_ONCE)
        found = []
        for window in windows:
            of_part = replace(population, start=window.start, end=window.end)
            placed = self._kept.reviews.place(population.job_id, self._query.decided(of_part, decisions))
            if placed is None:
                return None
            found.append(placed)
        return found

    def _kept_counts(self, population: Population) -> list[ReviewCount] | None:
        """Count whole hours from what is kept and what a window has beside them from the events."""
        hours, edges = whole_hours(population)
        if hours is None:
            return None
        for _ in range(_TRIES):
            changes = self._kept.changes(population.job_id)
            counts = self._with_edges(population, hours, [replace(population, start=s, end=e) for s, e in edges])
            if counts is None or not edges:
                return counts
            if changes % 2 == 0 and self._kept.changes(population.job_id) == changes:
                return counts
        return None  # one question to the ledger is right whatever is changed meanwhile

    def _with_edges(self, population: Population, hours: Window, edges: list[Population]) -> list[ReviewCount] | None:
        reviews = self._kept.reviews
        if not population.shape.by_bucket:
            counts = reviews.counts(population.job_id, hours)
            if counts is None or not edges:
                return counts
            return _together([*counts, *(count for each in edges for count in self._query.counts(each))])
        beside: list[Placed] = []  # a bucket may have events in the whole hours, too
        for each in edges:
            placed = self._placed(each)
            if placed is None:
                return None
            beside += placed
        return reviews.counts(population.job_id, hours, beside)


def _by_moment(
    rows: Sequence[tuple[int, int, str, bool]], latest: LatestMissed, window: Window
) -> dict[tuple[int, int], list[str]]:
    """The ids that were found of each of the latest moments within a window."""
    found: dict[tuple[int, int], list[str]] = {each: [] for each in latest.moments if window.holds_moment(each[1])}
    for subject, moment, event_id, _ in rows:
        if (subject, moment) in found:
            found[subject, moment].append(event_id)
    return found


def _of_hours(population: Population, hours: tuple[int, ...]) -> Population:
    """A population in some hours; in all from the first to the last of them where they are many."""
    if len(hours) <= _NAMED_HOURS:
        return replace(population, hours=hours)
    start, end = hours[0] * HOUR, (hours[-1] + 1) * HOUR
    return replace(
        population,
        start=start if population.start is None else max(start, population.start),
        end=end if population.end is None else min(end, population.end),
    )


def _of_all_time(population: Population) -> bool:
    return population.start is None and population.end is None


def _together(counts: Iterable[ReviewCount]) -> list[ReviewCount]:
    """The counts of populations that have no subject in common."""
    found: dict[ReviewCount, Mass] = {}
    for count in counts:
        alike = replace(count, mass=Mass())
        found[alike] = found.get(alike, Mass()) + count.mass
    return [replace(alike, mass=mass) for alike, mass in found.items()]
