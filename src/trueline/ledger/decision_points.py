"""What a population has at a decision point: how many different values, and how often none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from trueline.ledger.document_columns import EXACT_FLOAT, ValueKind
from trueline.ledger.document_conditions import ColumnAt, columns_at
from trueline.ledger.population import asked

if TYPE_CHECKING:
    from trueline.ledger.engine import Engine
    from trueline.ledger.job_tables import JobTables
    from trueline.ledger.population import Population

# the values are grouped by as they stand in their columns, so that 5 and "5" stay two
_VALUES = """
SELECT trained, {model} AS model, {names}, sum(sign) AS events
FROM ({rows}) WHERE decision != '' GROUP BY trained, model, {names} HAVING events > 0"""

_STATISTICS = """
SELECT trained, model, countIf({there}), sum(events), sumIf(events, NOT ({there}))
FROM ({values}) GROUP BY trained, model"""


@dataclass(frozen=True, slots=True)
class ValueStatistics:
    """What some events have at one path of their documents."""

    distinct_values: int = 0
    """Different values; a list, or all that a path reaches through one, is one value."""
    events: int = 0
    missing: int = 0
    """Events with nothing there, or null, or an empty list."""


class DecisionPointQuery:
    """Asks what stands at the decision points of a job."""

    def __init__(self, engine: Engine, tables: JobTables) -> None:
        self._engine = engine
        self._tables = tables

    def statistics(
        self, population: Population, path: str, *, by_model: bool
    ) -> dict[tuple[bool, str | None], ValueStatistics]:
        """What a population has at a path, in the knowledge base and outside it. Exact.

        Args:
            population: The events.
            path: Of their documents.
            by_model: Whether each model's events are told apart.

        Returns:
            By whether it is of the knowledge base, and model: None where no model was named, or models are not
            told apart.

        Raises:
            QueryTimeoutError: it took longer than the budget.
        """
        of = asked(self._engine, self._tables, population)
        columns = _together(columns_at(path, self._tables.of(population.job_id), of.into))
        named = {f"value_{place}": column for place, column in enumerate(columns)}
        there = " OR ".join(column.there(name) for name, column in named.items())
        rows = of.learned_rows(
            *[f"{column.expression} AS {name}" for name, column in named.items()] or ["0 AS value_0"]
        )
        query = _STATISTICS
        for part, text in {
            "{values}": _VALUES,
            "{model}": "model_id" if by_model else "''",
            "{names}": ", ".join(named) or "value_0",
            "{there}": there or "0",
            "{rows}": rows,
        }.items():
            query = query.replace(part, text)
        return {
            (bool(trained), model or None): ValueStatistics(int(distinct), int(events), int(missing))
            for trained, model, distinct, events, missing in self._engine.rows(query, of.into.values)
        }


def _together(columns: list[ColumnAt]) -> list[ColumnAt]:
    """The same with each value in one column alone.

    A number, 5, stands among integers, or among doubles if any came before; a long text has not always had a column of
    its own.
    """
    by_kind = {column.kind: column.expression for column in columns}
    together: dict[ValueKind, str] = {}
    integers, doubles = by_kind.get(ValueKind.INTEGER), by_kind.get(ValueKind.DOUBLE)
    if integers is not None and doubles is not None:
        exact = f"({integers} > -{EXACT_FLOAT} AND {integers} < {EXACT_FLOAT})"
        together[ValueKind.INTEGER] = f"if({exact}, NULL, {integers})"
        together[ValueKind.DOUBLE] = f"if(isNotNull({doubles}), {doubles}, if({exact}, toFloat64({integers}), NULL))"
    short, long = by_kind.get(ValueKind.TEXT), by_kind.get(ValueKind.LONG_TEXT)
    if short is not None and long is not None:
        together[ValueKind.TEXT] = f"coalesce({long}, toString({short}))"
        columns = [column for column in columns if column.kind is not ValueKind.LONG_TEXT]
    return [ColumnAt(column.kind, together.get(column.kind, column.expression)) for column in columns]
