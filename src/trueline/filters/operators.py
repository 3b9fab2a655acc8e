"""The fourteen operators of a filter."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Comparison(StrEnum):
    """What a positive operator asks of a stored value."""

    EQUALS = "equals"
    EQUALS_ANY = "equals any"
    STARTS_WITH = "starts with"
    CONTAINS = "contains"
    EXISTS = "exists"
    LESS = "less"
    LESS_OR_EQUAL = "less or equal"
    GREATER = "greater"
    GREATER_OR_EQUAL = "greater or equal"


class Takes(StrEnum):
    """What an operator takes as its value."""

    SCALAR = "a text, a number or a boolean"
    SCALARS = "a non-empty list of texts, numbers or booleans"
    ORDERED = "a number, or an ISO 8601 date or time"
    NOTHING = "no value"


@dataclass(frozen=True, slots=True)
class Operator:
    """One operator: a comparison, or exactly its opposite."""

    name: str
    comparison: Comparison
    takes: Takes
    negated: bool = False


_ALL = (
    Operator("is", Comparison.EQUALS, Takes.SCALAR),
    Operator("is not", Comparison.EQUALS, Takes.SCALAR, negated=True),
    Operator("is one of", Comparison.EQUALS_ANY, Takes.SCALARS),
    Operator("is not one of", Comparison.EQUALS_ANY, Takes.SCALARS, negated=True),
    Operator("starts with", Comparison.STARTS_WITH, Takes.SCALAR),
    Operator("not starts with", Comparison.STARTS_WITH, Takes.SCALAR, negated=True),
    Operator("contains", Comparison.CONTAINS, Takes.SCALAR),
    Operator("not contains", Comparison.CONTAINS, Takes.SCALAR, negated=True),
    Operator("exists", Comparison.EXISTS, Takes.NOTHING),
    Operator("not exists", Comparison.EXISTS, Takes.NOTHING, negated=True),
    Operator("lt", Comparison.LESS, Takes.ORDERED),
    Operator("lte", Comparison.LESS_OR_EQUAL, Takes.ORDERED),
    Operator("gt", Comparison.GREATER, Takes.ORDERED),
    Operator("gte", Comparison.GREATER_OR_EQUAL, Takes.ORDERED),
)

OPERATORS = {operator.name: operator for operator in _ALL}
"""Every operator by its name."""
