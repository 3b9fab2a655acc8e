"""Answers about a job: from its tally where that has them, else from the count query."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from trueline.ledger.conditions import ask_for_subjects
from trueline.ledger.count import CountTable, most_changed
from trueline.metrics.counts import Count
from trueline.metrics.hours import HOUR, Window

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from trueline.ledger.count import CountQuery
    from trueline.ledger.kept import KeptCounts
    from trueline.ledger.population import Population
    from trueline.metrics.tally import Bound, ChangedEvents, Tally

_TRIES = 3

_WORTH_NAMING = 2_000
"""Moments that are worth to be named to the engine: with more of them it reads most of a table anyway."""


class Answers:
    """Answers what the numbers of a job are made from. Exact."""

    def __init__(self, query: CountQuery, kept: KeptCounts) -> None:
        self._query = query
        self._kept = kept

    def counts(self, population: Population) -> CountTable:
        """Count a population's events by decision, consensus and what a training changed.

        Raises:
            QueryTimeoutError: it took longer than the budget.
        """
        kept = self._kept_counts(population) if population.as_of is None else None  # tallies are about now
        return kept or self._query.counts(population)

    def bounds(self, population: Population) -> tuple[int | None, int | None]:
        """The moments of the first and the last event that `counts` would tell.

        Raises:
            QueryTimeoutError: it took longer than the budget.
        """
        kept = self._kept_counts(population) if population.as_of is None else None
        return self._query.bounds(population) if kept is None else (kept.earliest, kept.latest)

    def changed_events(self, population: Population, table: CountTable, limit: int = 10) -> list[str]:
        """As `CountQuery.changed_events`."""
        if population.as_of is not None or ask_for_subjects(population.filters):
            return self._query.changed_events(population, table, limit)
        window = Window(population.start, population.end)
        counted = sum(count.events for count in table.counts if count.changed_after_training)
        wanted = limit
        if population.filters and counted:  # so many more changed that do not pass
            with self._tally(population) as tally:
                wanted = 0 if tally is None else 2 * limit * tally.changed_size(window) // counted
        while 0 < wanted <= _WORTH_NAMING:
            found = self._named(population, window, wanted, limit)
            if len(found) >= min(limit, counted):
                return found[:limit]
            wanted *= 4
        return self._query.changed_events(population, table if table.changed else self._query.counts(population), limit)

    def _named(self, population: Population, window: Window, wanted: int, limit: int) -> list[str]:
        """The ids of those of the first so many changed events that pass the filters, in their order.

        All of them, or at least `limit`.
        """
        with self._tally(population) as tally:
            if tally is None:
                return []
            changed = tally.changed_events(window, wanted)
            known = {} if population.filters else tally.remembered(changed)
            events = tally.size
        if population.filters:
            changed = self._passing(population, changed, limit)
        moments = {(each.subject_key, each.ts) for each in changed}
        asked_for = self._query.ids(population, moments - known.keys())
        if not population.filters and asked_for:
            with self._tally(population) as tally:
                if tally is not None and tally.size == events:  # else they may be of another time than the tally is
                    tally.remember(asked_for)
        ids = known | asked_for
        found = sorted(
            (-each.changed_at, -each.ts, event_id) for each in changed for event_id in ids[each.subject_key, each.ts]
        )
        return [event_id for _, _, event_id in found]

    def _passing(self, population: Population, changed: list[ChangedEvents], limit: int) -> list[ChangedEvents]:
        """Those of changed events, in their order, that pass the filters: so many, and all level with the last one."""
        if not changed:
            return []
        standing = self._query.standing_at(population, {(each.subject_key, each.ts) for each in changed})
        passing: list[ChangedEvents] = []
        events = 0
        for each in changed:
            place = (each.changed_at, each.ts)
            if events >= limit and place != (passing[-1].changed_at, passing[-1].ts):
                break
            if (each.subject_key, each.ts) in standing:
                passing.append(each)
                events += standing[each.subject_key, each.ts]
        return passing

    def changed_buckets(self, population: Population, table: CountTable, limit: int = 10) -> list[str]:
        """As `CountQuery.changed_buckets`."""
        if population.as_of is not None:
            return self._query.changed_buckets(population, table, limit)
        with self._tally(population) as tally:
            if tally is not None and not population.filters:
                return tally.changed_buckets(Window(population.start, population.end), limit)
            if tally is not None:
                events = most_changed(table.changed, limit)
                names = tally.names(list(events))
                return [
                    name for _, name in sorted(zip((-each for each in events.values()), names, strict=True))[:limit]
                ]
        return self._query.changed_buckets(
            population, table if table.changed else self._query.counts(population), limit
        )

    def _tally(self, population: Population) -> AbstractContextManager[Tally | None]:
        return self._kept.tally(population.job_id, population.training)

    def _kept_counts(self, population: Population) -> CountTable | None:
        """Count whole hours from the tally and what a window has beside them from the events."""
        inner, edges = whole_hours(population)
        if inner is None:
            return None
        for _ in range(_TRIES):
            changes = self._kept.changes(population.job_id)
            table = self._tallied(population, inner)
            if table is None or not edges:
                return table
            since, until = population.start is None, population.end is None
            others = [
                self._query.counts(replace(population, start=start, end=end), earliest=since, latest=until)
                for start, end in edges
            ]
            if changes % 2 == 0 and self._kept.changes(population.job_id) == changes:
                return _together([table, *others])
        return None  # one question to the ledger is right whatever is changed meanwhile

    def _tallied(self, population: Population, window: Window) -> CountTable | None:
        with self._tally(population) as tally:
            if tally is None:
                return None
            counts, bounds = tally.counts(window, population.training), tally.bounds(window)
        if bounds is None:
            return CountTable(counts)
        earliest = self._moment(population, bounds[0]) if population.start is None else None
        latest = self._moment(population, bounds[1], last=True) if population.end is None else None
        return CountTable(counts, earliest, latest)

    def _moment(self, population: Population, bound: Bound, *, last: bool = False) -> int | None:
        """A bound of a population, read from the events of its hour where it is known no better."""
        if bound.exact:
            return bound.ts
        hour = bound.ts // HOUR * HOUR
        of_hour = replace(population, start=hour, end=hour + HOUR)
        table = self._query.counts(of_hour, earliest=not last, latest=last)
        return table.latest if last else table.earliest


def whole_hours(population: Population) -> tuple[Window | None, list[tuple[int, int]]]:
    """The whole hours of a population's window, and from when to when what is left of it goes.

    None where filters ask for more than is counted by the hour, or no hour is whole.
    """
    start, end = population.start, population.end
    first = None if start is None else -(-start // HOUR) * HOUR
    last = None if end is None else end // HOUR * HOUR
    if population.filters or (first is not None and last is not None and first >= last):
        return None, []
    edges = []
    if start is not None and first is not None and start < first:
        edges.append((start, first))
    if end is not None and last is not None and last < end:
        edges.append((last, end))
    return Window(first, last), edges


def _together(tables: list[CountTable]) -> CountTable:
    """The count table of populations that have no event in common."""
    counts: dict[tuple[str, str | None, bool, bool], int] = {}
    for count in (count for table in tables for count in table.counts):
        alike = (count.decision, count.consensus, count.in_knowledge_base, count.changed_after_training)
        counts[alike] = counts.get(alike, 0) + count.events
    earliest = [table.earliest for table in tables if table.earliest is not None]
    latest = [table.latest for table in tables if table.latest is not None]
    return CountTable(
        tuple(Count(*alike, events) for alike, events in counts.items()),
        min(earliest, default=None),
        max(latest, default=None),
    )
