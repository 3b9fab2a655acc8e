"""Counts of a filtered population: the engine groups its events, the tally knows what the groups count as.

So a question does not read and join the states of all subjects, which are known already.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from trueline.ledger.conditions import on_states
from trueline.ledger.count import ChangedSubject, CountTable
from trueline.metrics.counts import Count

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from trueline.ledger.count import CountQuery
    from trueline.ledger.kept import KeptCounts
    from trueline.ledger.kinds import KindQuery
    from trueline.ledger.population import Population
    from trueline.metrics.tally import Kind

_TRIES = 3


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
            groups = self._query.groups(population)
            with self._kept.tally(population.job_id, population.training) as tally:
                if tally is None:
                    return None
                placed = tally.placed(groups)
                kinds = tally.kinds()
            if self._kept.changes(population.job_id) == changes:
                of_states = replace(population, filters=on_states(population.filters))
                passing = self._kinds.passing(of_states, kinds) if of_states.filters else np.ones(len(kinds), np.bool_)
                table = _table(groups, *placed, kinds, passing, trains=population.training is not None)
                bounds = self._query.bounds(population) if table.counts else (None, None)
                return replace(table, earliest=bounds[0], latest=bounds[1])
        return None


def _table(  # noqa: PLR0913 - what a count table is made from
    groups: pa.Table,
    kind: NDArray[np.int64],
    changed_at: NDArray[np.int64],
    kinds: tuple[Kind, ...],
    passing: NDArray[np.bool_],
    *,
    trains: bool,
) -> CountTable:
    decided = np.array([bool(each.decision) for each in kinds], np.bool_)
    kept = (passing & decided)[kind]
    events = groups["events"].to_numpy()
    by_kind = np.zeros(len(kinds), np.int64)
    np.add.at(by_kind, kind[kept], events[kept])
    counted: dict[tuple[str, str | None, bool, bool], int] = {}
    for each, size in zip(kinds, by_kind.tolist(), strict=True):
        if size:
            alike = (each.decision, each.consensus or None, trains and each.trained, trains and each.changed)
            counted[alike] = counted.get(alike, 0) + size
    changed: dict[int, tuple[int, int]] = {}
    if trains:
        has_changed = np.array([each.changed for each in kinds], np.bool_)
        rows = np.flatnonzero(kept & has_changed[kind])
        subjects = groups["marked"].to_numpy()[rows]
        for subject, at, size in zip(subjects.tolist(), changed_at[rows].tolist(), events[rows].tolist(), strict=True):
            before = changed.get(subject, (0, 0))
            changed[subject] = (max(at, before[0]), before[1] + size)
    return CountTable(
        tuple(Count(*alike, size) for alike, size in counted.items()),
        changed=tuple(ChangedSubject(key, at, size) for key, (at, size) in changed.items() if size),
    )
