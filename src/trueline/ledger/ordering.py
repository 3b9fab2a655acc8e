"""The orders that events can be listed in, as SQL.

Events without a value at the field come last in either direction. Numbers come before texts and texts before booleans;
numbers compare as numbers, texts by their code points. Of several values the first in the direction counts. Events that
are level come by time and then by their key, in the same direction, so that no two are alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from trueline.filters.fields import Kind, OwnField, own_field
from trueline.ledger.conditions import own_expression
from trueline.ledger.document_columns import MAX_PATH_LENGTH, NUMBER_TAG, OBJECT_TAG, TEXT_TAG, ValueKind
from trueline.ledger.other_paths import OTHER_PATHS

if TYPE_CHECKING:
    from trueline.ledger.conditions import JobShape
    from trueline.ledger.job_tables import JobTable
    from trueline.ledger.parameters import Parameters


@dataclass(frozen=True, slots=True)
class Order:
    """By which field events are listed, and in which direction."""

    field: str
    """An own field or a path into the document."""
    descending: bool


@dataclass(frozen=True, slots=True)
class Ordering:
    """An order put into words of the engine."""

    clause: str
    columns: tuple[str, ...] = ()
    """The columns of documents that it needs."""


_AS_A_NUMBER = "(toUInt8(0), toFloat64(assumeNotNull({0})), '')"
_AS_A_TEXT = "(toUInt8(1), toFloat64(0), toString(assumeNotNull({0})))"
_AS_A_BOOLEAN = "(toUInt8(2), toFloat64(assumeNotNull({0})), '')"
_COMPARED_AS = {
    ValueKind.INTEGER: _AS_A_NUMBER,
    ValueKind.DOUBLE: _AS_A_NUMBER,
    ValueKind.TEXT: _AS_A_TEXT,
    ValueKind.LONG_TEXT: _AS_A_TEXT,
    ValueKind.BOOLEAN: _AS_A_BOOLEAN,
}
_TRUE = "'true'"
_BARE = "substring(v, 2)"
_OF_ELEMENT = (
    f"multiIf(startsWith(v, '{NUMBER_TAG}'), {_AS_A_NUMBER.format(f'toFloat64OrZero({_BARE})')},"
    f" startsWith(v, '{TEXT_TAG}'), {_AS_A_TEXT.format(_BARE)}, {_AS_A_BOOLEAN.format(f'{_BARE} = {_TRUE}')})"
)


def ordering(order: Order, shape: JobShape, table: JobTable, into: Parameters) -> Ordering:
    """Put an order into words of the engine."""
    way = "DESC" if order.descending else "ASC"
    ties = f"ts {way}, event_key {way}"
    own = own_field(order.field)
    if own is OwnField.TIMESTAMP:
        return Ordering(ties)
    if own is None:
        return _by_path(order, table, into, way, ties)
    value = own_expression(own, shape, into)
    if value is None:
        return Ordering(ties)
    missing = f"{value} = ''" if own.kind is Kind.TEXT else f"isNull({value})"
    return Ordering(f"{missing}, {value} {way}, {ties}")


def _by_path(order: Order, table: JobTable, into: Parameters, way: str, ties: str) -> Ordering:
    if len(order.field) > MAX_PATH_LENGTH:  # no document has such a path to a value
        return Ordering(ties)
    columns = {kind: name for kind in _COMPARED_AS if (name := table.column(kind, order.field)) is not None}
    lists = {}
    if (several := table.column(ValueKind.SEVERAL, order.field)) is not None:
        lists[several] = several
    if table.may_be_apart(order.field):
        lists[OTHER_PATHS] = f"{OTHER_PATHS}[{into.text(order.field)}]"
    if len(columns) == 1 and not lists:  # as most often: the engine compares a column as it is
        (column,) = columns.values()
        return Ordering(f"isNull({column}), {column} {way}, {ties}", (column,))
    if not columns and not lists:
        return Ordering(ties)
    values = [f"if(isNull({column}), [], [{_COMPARED_AS[kind].format(column)}])" for kind, column in columns.items()]
    values += [f"arrayMap(v -> {_OF_ELEMENT}, arrayFilter(v -> v != '{OBJECT_TAG}', {at}))" for at in lists.values()]
    every = f"arrayConcat({', '.join(values)})"
    first = f"{'arrayReverseSort' if order.descending else 'arraySort'}({every})[1]"
    return Ordering(f"empty({every}), {first} {way}, {ties}", (*columns.values(), *lists))
