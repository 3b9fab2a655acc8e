"""The filters of a request, read and checked."""

from __future__ import annotations

import difflib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trueline.filters.numbers import parse_number
from trueline.filters.operators import OPERATORS, Operator, Takes
from trueline.instants import parse_instant

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

Scalar = str | int | float | bool

MAX_FILTERS = 64
MAX_MEMBERS = 10_000
MAX_TEXT_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class FilterLimits:
    """How much the filters of one request may be."""

    filters: int = MAX_FILTERS
    members: int = MAX_MEMBERS
    """Of a list."""
    text_bytes: int = MAX_TEXT_BYTES
    """Of a field or of a text, as UTF-8."""


DEFAULT_LIMITS = FilterLimits()


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition on events."""

    field: str
    """An own field's name or a dot path into the document."""
    operator: Operator
    value: Scalar | tuple[Scalar, ...] | datetime | None
    """By what the operator takes: a scalar, a tuple of scalars, a finite number or a moment in UTC, None."""

    @property
    def members(self) -> tuple[Scalar, ...]:
        """The values of which one must be met, for all but the ordering comparisons."""
        return self.value if isinstance(self.value, tuple) else (self.value,)  # type: ignore[return-value]


class FilterError(ValueError):
    """A filter that cannot be understood."""

    def __init__(self, position: int | None, part: str | None, message: str) -> None:
        super().__init__(message if position is None else f"filter {position}: {message}")
        self.position = position
        """Its place in the list, from 0; None when the list itself is wrong."""
        self.part = part
        """``field``, ``operator`` or ``value``; None for the filter as a whole."""
        self.message = message


class _PartError(ValueError):
    def __init__(self, part: str | None, message: str) -> None:
        super().__init__(message)
        self.part = part


def parse_filters(raw: object, limits: FilterLimits = DEFAULT_LIMITS) -> tuple[Filter, ...]:
    """Read a request's list of ``{"field", "operator", "value"}``; None is an empty list.

    Raises:
        FilterError: naming the filter's position and what is wrong with it.
    """
    if raw is None:
        return ()
    if not isinstance(raw, list):
        raise FilterError(None, None, "filters must be a list")
    if len(raw) > limits.filters:
        raise FilterError(None, None, f"at most {limits.filters} filters are taken, not {len(raw)}")
    filters = []
    for position, item in enumerate(raw):
        try:
            filters.append(_parse(item, limits))
        except _PartError as error:
            raise FilterError(position, error.part, str(error)) from None
    return tuple(filters)


def _parse(item: object, limits: FilterLimits) -> Filter:
    if not isinstance(item, dict):
        raise _PartError(None, "a filter is an object with field, operator and value")
    unknown = sorted(str(key) for key in item if key not in {"field", "operator", "value"})
    if unknown:
        raise _PartError(None, f"a filter has field, operator and value, not {unknown[0][:60]!r}")
    field = item.get("field")
    if not isinstance(field, str):
        raise _PartError("field", "field must be a text")
    _check_text("field", field, limits)
    operator = _operator(item)
    return Filter(field, operator, _value(operator, item.get("value"), limits))


def _operator(item: Mapping[object, object]) -> Operator:
    name = item.get("operator")
    if not isinstance(name, str):
        raise _PartError("operator", "operator must be a text")
    operator = OPERATORS.get(name)
    if operator is None:
        near = difflib.get_close_matches(name[:60].lower(), OPERATORS, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else f"; there are {', '.join(OPERATORS)}"
        raise _PartError("operator", f"unknown operator {name[:60]!r}{hint}")
    return operator


def _value(operator: Operator, value: object, limits: FilterLimits) -> Scalar | tuple[Scalar, ...] | datetime | None:
    if operator.takes is Takes.NOTHING:
        if value is not None:
            raise _PartError("value", f"{operator.name!r} takes no value")
        return None
    if value is None:
        raise _PartError("value", f"{operator.name!r} needs {operator.takes}")
    if operator.takes is Takes.SCALARS:
        if not isinstance(value, list) or not value:
            raise _PartError("value", f"{operator.name!r} takes {operator.takes}")
        if len(value) > limits.members:
            raise _PartError("value", f"a list has at most {limits.members} members, not {len(value)}")
        return tuple(_scalar(operator, member, limits) for member in value)
    scalar = _scalar(operator, value, limits)
    return _ordered(operator, scalar) if operator.takes is Takes.ORDERED else scalar


def _scalar(operator: Operator, value: object, limits: FilterLimits) -> Scalar:
    if isinstance(value, str):
        _check_text("value", value, limits)
        return value
    if isinstance(value, bool | int):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    raise _PartError("value", f"{operator.name!r} takes {operator.takes}")


def _ordered(operator: Operator, value: Scalar) -> int | float | datetime:
    """Read what a stored value is compared with; a text may hold a number or a date."""
    if isinstance(value, bool):
        raise _PartError("value", f"{operator.name!r} takes {operator.takes}")
    if not isinstance(value, str):
        return value
    number = parse_number(value)
    if number is not None:
        return number
    try:
        return parse_instant(value)
    except ValueError as error:
        raise _PartError("value", f"{operator.name!r} takes {operator.takes}: {error}") from None


def _check_text(part: str, text: str, limits: FilterLimits) -> None:
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise _PartError(part, f"{part} holds a lone surrogate, which is no text") from None
    if size > limits.text_bytes:
        raise _PartError(part, f"{part} is longer than {limits.text_bytes} bytes")
