"""Filters on what events are counted by, put to the few kinds of events that there are instead of to the events."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from trueline.ledger.conditions import conditions
from trueline.ledger.parameters import Parameters
from trueline.ledger.population import STATE_NAME

if TYPE_CHECKING:
    from collections.abc import Hashable

    from numpy.typing import NDArray

    from trueline.ledger.engine import Engine
    from trueline.ledger.job_tables import JobTables
    from trueline.ledger.population import Population
    from trueline.metrics.kinds import Kind

# the same words for the same columns as where rows of events are asked, so that a condition says the same of both
_PASSING = """
SELECT place FROM
(
    SELECT place, decision, consensus, trained, changed, {state} AS state
    FROM
    (
        SELECT arrayJoin(arrayZip(arrayEnumerate({decisions}), {decisions}, {consensus}, {trained}, {changed})) AS kind,
               kind.1 AS place, kind.2 AS decision, kind.3 AS consensus, kind.4 AS trained, kind.5 AS changed
    )
)
WHERE {conditions}"""

_KNOWN = 256
"""Answers that are kept: each follows from what was asked alone."""


class KindQuery:
    """Asks the engine which kinds of events pass filters, in the words that it is asked about events."""

    def __init__(self, engine: Engine, tables: JobTables) -> None:
        self._engine = engine
        self._tables = tables
        self._known: dict[Hashable, NDArray[np.bool_]] = {}

    def passing(self, population: Population, kinds: tuple[Kind, ...]) -> NDArray[np.bool_]:
        """Which of these kinds pass the filters of a population; they must be on what is counted by alone."""
        # written out, since True, 1 and 1.0 are one to a dictionary and three to a filter; nothing else decides
        asked = (repr(population.filters), population.shape, population.training is not None, kinds)
        passing = self._known.get(asked)
        if passing is None:
            if len(self._known) >= _KNOWN:
                self._known.clear()
            passing = self._known[asked] = self._ask(population, kinds)
        return passing

    def _ask(self, population: Population, kinds: tuple[Kind, ...]) -> NDArray[np.bool_]:
        into = Parameters()
        met = conditions(population.filters, population.shape, self._tables.of(population.job_id), into)
        trained = population.training is not None
        statement = _PASSING
        for name, part in {
            "{state}": STATE_NAME,
            "{decisions}": into.bind([each.decision for each in kinds], "Array(String)"),
            "{consensus}": into.bind([each.consensus for each in kinds], "Array(String)"),
            "{trained}": into.bind([int(trained and each.trained) for each in kinds], "Array(UInt8)"),
            "{changed}": into.bind([int(trained and each.changed) for each in kinds], "Array(UInt8)"),
            "{conditions}": " AND ".join(["1", *met.on_events, *met.on_states]),
        }.items():
            statement = statement.replace(name, part)
        places = [row[0] - 1 for row in self._engine.rows(statement, into.values)]
        passing = np.zeros(len(kinds), np.bool_)
        passing[places] = True
        return passing
