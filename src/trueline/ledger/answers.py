"""Answers about a job: from its tally where that has them, else from the count query."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from trueline.ledger.by_subject import CountsBySubject
from trueline.ledger.conditions import ask_for_kinds_alone, ask_for_moments, ask_for_subjects, on_events, on_kinds
from trueline.ledger.count import CountTable, latest_changed, most_changed
from trueline.metrics.changed_events import ChangedEvents
from trueline.metrics.counts import Count
from trueline.metrics.hours import HOUR, Window
from trueline.metrics.tally import Selection

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractContextManager

    from trueline.ledger.count import CountQuery
    from trueline.ledger.kept import KeptCounts
    from trueline.ledger.kinds import KindQuery
    from trueline.ledger.population import Population
    from trueline.metrics.tally import Bound, Tally

_TRIES = 3

_WORTH_NAMING = 2_000
"""Moments that are worth to be named to the engine: with more of them it reads most of a table anyway."""


class Answers:
    """Answers what the numbers of a job are made from. Exact."""

    def __init__(self, query: CountQuery, kinds: KindQuery, kept: KeptCounts) -> None:
        self._query = query
        self._kinds = kinds
        self._kept = kept
        self._by_subject = CountsBySubject(query, kinds, kept)

    def counts(self, population: Population) -> CountTable:
        """Count a population's events by decision, consensus and what a training changed.

        Raises:
            QueryTimeoutError: it took longer than the budget.
        """
        counted = self._kept_counts(population)
        if counted is None and population.is_of_now and not ask_for_moments(population.filters):
            counted = self._by_subject.counts(population)
        return counted or self._query.counts(population)

    def bounds(self, population: Population) -> tuple[int | None, int | None]:
        """The moments of the first and the last event that `counts` would tell.

        Raises:
            QueryTimeoutError: it took longer than the budget.
        """
        kept = self._kept_counts(population)
        if kept is not None:
            return kept.earliest, kept.latest
        return self._by_subject.bounds(population) or self._query.bounds(population)

    def changed_events(self, population: Population, table: CountTable, limit: int = 10) -> list[str]:
        """As `CountQuery.changed_events`."""
        if (found := self._named_first(population, table, limit)) is not None:
            return found
        return self._query.changed_events(population, table if table.changed else self._query.counts(population), limit)

    def _named_first(self, population: Population, table: CountTable, limit: int) -> list[str] | None:
        """The same by naming to the engine the moments that the tally knows; None where that would be too many."""
        selection = self._selection(population)
        if selection is None and (population.as_of is not None or ask_for_subjects(population.filters)):
            return None
        counted = sum(count.events for count in table.counts if count.changed_after_training)
        if selection is None and (moments := self._changed_moments(population, table, limit)) is not None:
            changed = _first(moments, limit)
            found = _in_order(changed, self._ids_at(population, changed))
            return found[:limit] if len(found) >= min(limit, counted) else None
        wanted = limit
        if selection is None:  # the tally does not know which events pass, but of which subjects some do
            subjects = latest_changed(table.changed, limit)
            selection = Selection(
                Window(population.start, population.end), subjects=np.fromiter(subjects, np.uint64, len(subjects))
            )
            passing = sum(each.events for each in table.changed if each.subject_key in subjects)
            with self._tally(population) as tally:
                size = 0 if tally is None else tally.changed_size(selection)
            wanted = min(-(-2 * limit * size // max(passing, 1)), _WORTH_NAMING) if size > limit else size
        while 0 < wanted <= _WORTH_NAMING:
            found = self._named(population, selection, wanted)
            if len(found) >= min(limit, counted):
                return found[:limit]
            wanted *= 4
        return None

    def _changed_moments(self, population: Population, table: CountTable, limit: int) -> list[ChangedEvents] | None:
        """When events of the subjects happened that have the first so many changed events, in their order.

        None where it is not known, as with filters on kinds: what is kept of documents knows no decisions.
        """
        if on_kinds(population.filters):
            return None
        changed_at = latest_changed(table.changed, limit)
        moments = self._kept.moments(population, changed_at) if population.is_of_now and changed_at else None
        if moments is None:
            return None
        changed = [
            ChangedEvents(changed_at[each.subject_key], each.ts, each.subject_key, each.events) for each in moments
        ]
        return sorted(changed, key=lambda each: (-each.changed_at, -each.ts))

    def _named(self, population: Population, selection: Selection, wanted: int) -> list[str]:
        """The ids of those of the first so many changed events of a selection that pass the filters, in their order."""
        with self._tally(population) as tally:
            changed = [] if tally is None else tally.changed_events(selection, wanted)
        # of subjects it counts all events, of which some pass
        ids = self._ids_at if selection.subjects is None else self._ids
        return _in_order(changed, ids(population, changed))

    def _ids_at(self, population: Population, changed: Sequence[ChangedEvents]) -> dict[tuple[int, int], list[str]]:
        """The ids of events by subject's key and moment; `changed` says how many pass the filters.

        Where all events of a subject at a moment pass, their ids are those without filters.
        """
        known = self._ids_of_all(population, changed)
        others = [each for each in changed if len(known[each.subject_key, each.ts]) != each.events]
        return known | self._ids(population, others)

    def _ids_of_all(self, population: Population, changed: Sequence[ChangedEvents]) -> dict[tuple[int, int], list[str]]:
        """The ids of all decided events at these moments, without filters, as far as they can be remembered."""
        moments = [(each.subject_key, each.ts) for each in changed]
        with self._tally(population) as tally:
            known = {} if tally is None else tally.ids.of(moments)
            events = None if tally is None else tally.size
        missing = [moment for moment in moments if moment not in known]
        if not missing:
            return known
        found = self._query.ids(replace(population, filters=(), start=None, end=None), missing)
        with self._tally(population) as tally:
            if tally is not None and tally.size == events:  # else they may be of another time than the tally is
                tally.ids.keep(found)
        return known | found

    def _ids(self, population: Population, changed: Sequence[ChangedEvents]) -> dict[tuple[int, int], list[str]]:
        """The ids of events by subject's key and moment, of those that pass the filters."""
        if not changed:
            return {}
        # what the tally has selected by is not asked again
        asked_about = replace(population, filters=on_events(population.filters))
        return self._query.ids(asked_about, [(each.subject_key, each.ts) for each in changed])

    def changed_buckets(self, population: Population, table: CountTable, limit: int = 10) -> list[str]:
        """As `CountQuery.changed_buckets`."""
        selection = self._selection(population)
        with self._tally(population) as tally:
            if tally is not None and selection is not None:
                return tally.changed_buckets(selection, limit)
            if tally is not None and table.changed and population.as_of is None:
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

    def _selection(self, population: Population, inner: Window | None = None) -> Selection | None:
        """What a population is to the tally, or the part of it in a window.

        None where its filters ask for more than the tally counts by.
        """
        if not population.is_of_now or not ask_for_kinds_alone(population.filters):
            return None
        window = inner or Window(population.start, population.end)
        if not population.filters:
            return Selection(window)
        with self._tally(population) as tally:
            kinds = None if tally is None else tally.kinds()
        return None if kinds is None else Selection(window, self._kinds.passing(population, kinds))

    def _kept_counts(self, population: Population) -> CountTable | None:
        """Count whole hours from the tally and what a window has beside them from the events."""
        inner, edges = whole_hours(population)
        if inner is None:
            return None
        for _ in range(_TRIES):
            changes = self._kept.changes(population.job_id)
            selection = self._selection(population, inner)
            if selection is None:
                return None
            table, asked = self._tallied(population, selection)
            if table is None:
                return None
            since, until = population.start is None, population.end is None
            others = [
                self._query.counts(replace(population, start=start, end=end), earliest=since, latest=until)
                for start, end in edges
            ]
            # what is of one moment wholly, or has met no change of what is counted
            if not (others or asked) or (changes % 2 == 0 and self._kept.changes(population.job_id) == changes):
                return _together([table, *others])
        return None  # one question to the ledger is right whatever is changed meanwhile

    def _tallied(self, population: Population, selection: Selection) -> tuple[CountTable | None, bool]:
        """The count table of whole hours, and whether the ledger was asked, too."""
        with self._tally(population) as tally:
            if tally is None or not tally.knows_all_kinds(selection):
                return None, False
            counts, bounds = tally.counts(selection, population.training), tally.bounds(selection)
        if bounds is None:
            return CountTable(counts), False
        first, last = bounds
        earliest = self._moment(population, first) if population.start is None else None
        latest = self._moment(population, last, last=True) if population.end is None else None
        asked = not (first.exact or population.start is not None) or not (last.exact or population.end is not None)
        return CountTable(counts, earliest, latest), asked

    def _moment(self, population: Population, bound: Bound, *, last: bool = False) -> int | None:
        """A bound of a population, read from the events of its hour where it is known no better."""
        if bound.exact:
            return bound.ts
        hour = bound.ts // HOUR * HOUR
        of_hour = replace(population, start=hour, end=hour + HOUR)
        earliest, latest = self._query.bounds(of_hour, earliest=not last, latest=last)
        return latest if last else earliest


def _first(changed: Sequence[ChangedEvents], wanted: int) -> Sequence[ChangedEvents]:
    """The first so many events of those in their order, and all that are level with the last one."""
    events = 0
    last = None
    for place, each in enumerate(changed):
        if events >= wanted and (each.changed_at, each.ts) != last:
            return changed[:place]
        last = each.changed_at, each.ts
        events += each.events
    return changed


def _in_order(changed: Sequence[ChangedEvents], ids: Mapping[tuple[int, int], list[str]]) -> list[str]:
    """The ids of changed events: latest change first, then latest ``@timestamp``, then id."""
    found = sorted(
        (-each.changed_at, -each.ts, event_id) for each in changed for event_id in ids[each.subject_key, each.ts]
    )
    return [event_id for _, _, event_id in found]


def whole_hours(population: Population) -> tuple[Window | None, list[tuple[int, int]]]:
    """The whole hours of a population's window, and from when to when what is left of it goes.

    None where no hour is whole.
    """
    start, end = population.start, population.end
    first = None if start is None else -(-start // HOUR) * HOUR
    last = None if end is None else end // HOUR * HOUR
    if first is not None and last is not None and first >= last:
        return None, []
    edges = []
    if start is not None and first is not None and start < first:
        edges.append((start, first))
    if end is not None and last is not None and last < end:
        edges.append((last, end))
    return Window(first, last), edges


def _together(tables: list[CountTable]) -> CountTable:
    """The count table of populations that have no event in common."""
    if len(tables) == 1:
        return tables[0]
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
