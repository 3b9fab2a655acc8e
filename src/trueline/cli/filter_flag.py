"""A filter as one argument: ``FIELD OPERATOR VALUE``."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from trueline.cli.sentences import Misuse
from trueline.filters.operators import OPERATORS, Comparison, Takes

# the field ends where the first operator begins, and of those that begin there the longest is meant
_FLAG = re.compile(
    r"\s*(?P<field>\S.*?)\s+(?P<operator>{})(?:\s+(?P<value>.*?))?\s*".format(
        "|".join(re.escape(name) for name in sorted(OPERATORS, key=len, reverse=True))
    ),
    re.DOTALL,
)
_TEXTUAL = frozenset({Comparison.STARTS_WITH, Comparison.CONTAINS})


def parse_filter_flag(text: str) -> dict[str, Any]:
    """Read ``severity is one of ["high", "low"]`` as the filter of a request.

    The value is JSON where it is a list, a number or a boolean, else text as it stands; to ``starts with``
    and ``contains`` it is always text.

    Raises:
        Misuse: No operator, a value where none belongs, or none where one does.
    """
    found = _FLAG.fullmatch(text)
    if found is None:
        raise Misuse(f"the filter {text!r} is not FIELD OPERATOR VALUE; operators are {', '.join(OPERATORS)}")
    operator = OPERATORS[found["operator"]]
    asked: dict[str, Any] = {"field": found["field"], "operator": operator.name}
    if operator.takes is Takes.NOTHING:
        if found["value"]:
            raise Misuse(f"the filter {text!r} has a value, but {operator.name!r} takes none")
        return asked
    if found["value"] is None:
        raise Misuse(f"the filter {text!r} lacks a value after {operator.name!r}")
    return {**asked, "value": found["value"] if operator.comparison in _TEXTUAL else _value(found["value"])}


def _value(text: str) -> object:
    try:
        value: object = msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeEncodeError, RecursionError):
        return text
    return value if isinstance(value, (list, bool, int, float)) else text
