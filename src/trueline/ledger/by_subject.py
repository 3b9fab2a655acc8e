"""Counts of a filtered population: the engine groups its events, the tally knows what the groups count as.

So a question does not read and join the states of all subjects, which are known already.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from trueline.ledger.conditions import on_kinds, on_states
from trueline.ledger.count import ChangedSubject, CountTable

if TYPE_CHECKING:
    import pyarrow as pa

    from trueline.ledger.count import CountQuery
    from trueline.ledger.kept import KeptCounts
    from trueline.ledger.kinds import KindQuery
    from trueline.ledger.population import Population
    from trueline.metrics.groups import PlacedGroups
    from trueline.metrics.selected_rows import SelectedRows

_TRIES = 3

_FEW: Final = 1_000_000
"""Events of a job: to look at when all that pass happened takes less than to ask for the first and the last."""


class CountsBySubject:
    """Counts populations whose filters the tally alone cannot answer."""

    def __init__(self, query: CountQuery, kinds: KindQuery, kept: KeptCounts) -> None:
        self._query = query
        self._kinds = kinds
        self._kept = kept

    def counts(self, population: Population) -> CountTable | None:
        """As `CountQuery.counts`; None where there is no tally, or what is counted changed over and over meanwhile.

        Raises:
            QueryTimeoutError: it took longer than the budget.
        """
        for _ in range(_TRIES):
            changes = self._kept.changes(population.job_id)
            if changes % 2 or not self._kept.is_ready(population.job_id, population.training):
                return None
            selected = self._kept.selected(population)
            if selected is None:
                are_few = self._kept.events(population.job_id) <= _FEW
                groups = self._query.groups(population, in_time=are_few and _is_open(population))
            else:
                groups = selected.groups(with_changes=population.training is not None)
            with self._kept.tally(population.job_id, population.training) as tally:
                placed = None if tally is None else tally.placed(groups)
            if placed is None:
                return None
            table = self._counted(population, groups, placed, selected)
            if self._kept.changes(population.job_id) == changes:
                return table
        return None

    def bounds(self, population: Population) -> tuple[int | None, int | None] | None:
        """As `CountQuery.bounds`; None where it is not kept what the filters ask for."""
        if not population.is_of_now or on_kinds(population.filters):
            return None
        selected = self._kept.selected_again(population)
        return None if selected is None else _bounds(population, selected.bounds())

    def _counted(
        self, population: Population, groups: pa.Table, placed: PlacedGroups, selected: SelectedRows | None
    ) -> CountTable:
        passing = np.ones(len(placed.kinds), np.bool_)
        # all that the groups were not selected by
        left = on_states(population.filters) if selected is None else on_kinds(population.filters)
        if left:
            passing = self._kinds.passing(replace(population, filters=left), placed.kinds)
        is_trained = population.training is not None
        counts = placed.counts(passing, trained=is_trained)
        changed = placed.changed(passing) if is_trained else {}
        bounds: tuple[int | None, int | None] = None, None
        if _is_open(population):
            if selected is not None:
                bounds = _bounds(population, selected.bounds(placed.passing(passing)))
            elif counts:
                told = placed.bounds(groups, passing) if "taken_back" in groups.column_names else (None, None)
                bounds = self._completed(population, *told)
        return CountTable(
            counts,
            *bounds,
            tuple(ChangedSubject(subject, *each) for subject, each in changed.items()),
        )

    def _completed(self, population: Population, first: int | None, last: int | None) -> tuple[int | None, int | None]:
        """The bounds that are asked for: from the ledger what is not known of them."""
        ask = {
            "earliest": population.start is None and first is None,
            "latest": population.end is None and last is None,
        }
        found = self._query.bounds(population, **ask) if any(ask.values()) else (None, None)
        return _bounds(population, (found[0] if first is None else first, found[1] if last is None else last))


def _is_open(population: Population) -> bool:
    """Whether the first or the last event is to be told, as there is no bound."""
    return population.start is None or population.end is None


def _bounds(population: Population, found: tuple[int | None, int | None] | None) -> tuple[int | None, int | None]:
    """Those that are asked for."""
    first, last = found or (None, None)
    return first if population.start is None else None, last if population.end is None else None
