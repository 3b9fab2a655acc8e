"""Filters on paths of documents, put to the different values that stand there instead of to every event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from trueline.ledger.conditions import conditions
from trueline.ledger.document_columns import ValueKind
from trueline.ledger.job_tables import JobTable
from trueline.ledger.parameters import Parameters

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trueline.filters.request import Filter
    from trueline.ledger.conditions import JobShape
    from trueline.ledger.engine import Engine
    from trueline.ledger.path_values import PathValues

# the same words for the same columns as where rows of events are asked, so that a condition says the same of both
_PASSING: Final = """
SELECT place FROM
(
    SELECT standing.1 AS place{columns}
    FROM (SELECT arrayJoin(arrayZip({values})) AS standing)
)
WHERE {condition}"""

_AT_ONCE: Final = 8_192

_BOUND_AS: Final = {
    ValueKind.TEXT: "Array(Nullable(String))",
    ValueKind.LONG_TEXT: "Array(Nullable(String))",
    ValueKind.INTEGER: "Array(Nullable(Int64))",
    ValueKind.DOUBLE: "Array(Nullable(Float64))",
    ValueKind.BOOLEAN: "Array(Nullable(Bool))",
    ValueKind.SEVERAL: "Array(Array(String))",
    ValueKind.OBJECT: "Array(Bool)",
}


class ValueQuery:
    """Asks the engine which values pass a filter, in the words that it is asked about events."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def passing(self, each: Filter, shape: JobShape, values: PathValues, numbers: range) -> NDArray[np.bool_]:
        """Whether what stands at the path of a filter passes it, for each of some numbers of `values`.

        Raises:
            QueryTimeoutError: it took longer than the budget.
        """
        parts = [
            self._ask(each, shape, values, range(begin, min(begin + _AT_ONCE, numbers.stop)))
            for begin in range(numbers.start, numbers.stop, _AT_ONCE)
        ]
        return np.concatenate([np.empty(0, np.bool_), *parts])

    def _ask(self, each: Filter, shape: JobShape, values: PathValues, numbers: range) -> NDArray[np.bool_]:
        into, standing = Parameters(), JobTable("")
        kinds = values.kinds(numbers)
        bound = [into.bind(list(range(len(numbers))), "Array(UInt32)")]
        columns = []
        for place, kind in enumerate(kinds, 2):
            standing.has(values.columns[kind])
            bound.append(into.bind(values.of_kind(kind, numbers), _BOUND_AS[kind]))
            columns.append(f", standing.{place} AS `{values.columns[kind]}`")
        (condition,) = conditions((each,), shape, standing, into).on_events
        statement = _PASSING
        for name, part in {
            "{columns}": "".join(columns),
            "{values}": ", ".join(bound),
            "{condition}": condition,
        }.items():
            statement = statement.replace(name, part)
        passing = np.zeros(len(numbers), np.bool_)
        passing[[row[0] for row in self._engine.rows(statement, into.values)]] = True
        return passing
