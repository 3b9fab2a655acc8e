"""The numbers that stand at one path of a job's documents, where hardly two are alike: rows have them as doubles.

So nothing is kept for each different value, as `path_values` does, and a filter compares rows themselves. Only paths at
which nothing but numbers stands are kept so, and of integers those that are the same as doubles: of these a comparison
of doubles says what the engine's says, see `predicates` and `membership`.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow.compute as pc

from trueline.filters.operators import Comparison
from trueline.ledger.document_columns import ValueKind, are_exact, column_name
from trueline.ledger.membership import Wanted
from trueline.ledger.predicates import as_float
from trueline.metrics.passing import PassingValues

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa
    from numpy.typing import NDArray

    from trueline.filters.request import Filter

_COMPARED: Final[dict[Comparison, Callable[[Any, Any], Any]]] = {
    Comparison.LESS: operator.lt,
    Comparison.LESS_OR_EQUAL: operator.le,
    Comparison.GREATER: operator.gt,
    Comparison.GREATER_OR_EQUAL: operator.ge,
}
_AMONG: Final = {Comparison.EQUALS, Comparison.EQUALS_ANY}
_NOTHING: Final = np.nan
_A_FEW: Final = 8
"""Members of a filter that every row is compared with; with more of them the engine is faster, and can be stopped."""
_FEW_PASS, _SOME_PASS, _MOST_PASS = 0.0, 0.5, 1.0


class PathNumbers:
    """What stands at a path, as doubles; NaN is that nothing does."""

    def __init__(self, path: str) -> None:
        self.columns = {kind: column_name(kind, path) for kind in ValueKind}
        """By kind, those that the path may have."""
        self.cannot_be_kept = False
        """Whether anything came that is no such number: from then on nothing is told."""
        self.nbytes = 0

    def __len__(self) -> int:
        """How many different values are kept, none."""
        return 0

    def tell(self, each: Filter) -> bool:
        """Whether it follows from the value what passes a filter on the path."""
        return not self.cannot_be_kept and len(each.members) <= _A_FEW and are_told(each)

    def numbers(self, documents: pa.Table) -> NDArray[np.float64]:
        """What stands at the path, row for row.

        Args:
            documents: Has the columns of the path that anything stands in, as the job's table has them.
        """
        found = np.full(documents.num_rows, _NOTHING)
        known = set(documents.column_names)
        for kind, name in self.columns.items():
            if name in known and (there := _there(kind, documents[name])).any():
                if kind not in {ValueKind.INTEGER, ValueKind.DOUBLE}:
                    self.cannot_be_kept = True
                    continue
                if kind is ValueKind.INTEGER and not pc.all(are_exact(documents[name])).as_py():
                    self.cannot_be_kept = True
                found[there] = pc.drop_null(documents[name]).to_numpy()
        return found


def are_told(each: Filter) -> bool:
    """Whether it follows from such values what passes a filter."""
    comparison = each.operator.comparison
    return comparison is Comparison.EXISTS or comparison in _AMONG or comparison in _COMPARED


def passing(each: Filter) -> PassingValues:
    """Tells which of such values pass a filter that `are_told` is true of."""
    positive, share = _met(each)
    if not each.operator.negated:
        return PassingValues(positive, share)
    return PassingValues(lambda values: ~positive(values), _MOST_PASS - share)


def _there(kind: ValueKind, column: pa.ChunkedArray) -> NDArray[np.bool_]:
    """In which rows anything stands in the column of a kind."""
    if kind is ValueKind.SEVERAL:
        there = pc.fill_null(pc.greater(pc.list_value_length(column), 0), False)
    elif kind is ValueKind.OBJECT:
        there = pc.fill_null(column.cast("bool"), False)
    else:
        there = pc.is_valid(column)
    found: NDArray[np.bool_] = there.to_numpy()
    return found


def _met(each: Filter) -> tuple[Callable[[NDArray[np.floating]], NDArray[np.bool_]], float]:
    """Whether each of some values meets the positive of a filter, and about how many do."""
    comparison, value = each.operator.comparison, each.value
    if comparison is Comparison.EXISTS:
        return lambda values: ~np.isnan(values), _MOST_PASS
    if comparison in _AMONG:
        wanted = np.array([as_float(number) for number in Wanted.of(each.members).numbers], np.float64)
        if len(wanted) > _A_FEW:
            return lambda values: np.isin(values, wanted), _FEW_PASS
        return lambda values: _are_any(values, wanted), _FEW_PASS
    if not isinstance(value, int | float):  # a moment, which no number is
        return lambda values: np.zeros(len(values), np.bool_), _FEW_PASS
    # of numpy's own kind, or it would be rounded to what rows are kept in
    bound, compared = np.float64(as_float(value)), _COMPARED[comparison]
    return lambda values: compared(values, bound), _SOME_PASS


def _are_any(values: NDArray[np.floating], wanted: NDArray[np.float64]) -> NDArray[np.bool_]:
    found = np.zeros(len(values), np.bool_)
    for each in wanted:
        found |= values == each
    return found
