"""Whether one stored value is among the values of a filter: `is` and `is one of`, as SQL.

However many values there are, a condition has one size: they are bound as arrays, each value once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from trueline.filters.numbers import INTEGER_PATTERN, OTHER_NUMBER_PATTERN
from trueline.filters.request import Scalar  # noqa: TC001 - part of a dataclass
from trueline.ledger.document_columns import MAX_INTEGER, MIN_INTEGER
from trueline.ledger.predicates import NEVER, any_of, as_boolean, as_float, as_number, matches, met, scalar_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trueline.ledger.parameters import Parameters

_Value = TypeVar("_Value", str, float, bool)


@dataclass(frozen=True, slots=True)
class Wanted:
    """The values of a filter, sorted by what they are compared with."""

    texts: tuple[str, ...]
    """Texts that a stored text may equal."""
    numbers: tuple[int | float, ...]
    """Numbers that a stored number may equal, those written as text included."""
    given_numbers: tuple[int | float, ...]
    """Those of the numbers that were given as such, which a stored text may be too."""
    booleans: tuple[bool, ...]

    @classmethod
    def of(cls, members: Iterable[Scalar]) -> Wanted:
        """Sort the values of a filter."""
        members = tuple(members)
        return cls(
            texts=_distinct(scalar_text(value) for value in members if isinstance(value, str | bool)),
            numbers=_distinct(number for value in members if (number := as_number(value)) is not None),
            given_numbers=_distinct(value for value in members if not isinstance(value, str | bool)),
            booleans=_distinct(boolean for value in members if (boolean := as_boolean(value)) is not None),
        )


def _distinct(values: Iterable[_Value]) -> tuple[_Value, ...]:
    # 5 and 5.0 are told apart: the one compares exactly, the other as a double
    return tuple({(type(value), value): value for value in values}.values())


def text_among(text: str, wanted: Wanted, into: Parameters, tag: str = "") -> str:
    """Whether a stored text, kept behind `tag`, is one of the texts, or a number that is one of the numbers."""
    bare = f"substring({text}, {len(tag) + 1})" if tag else text
    return any_of(
        [
            _among(text, [tag + each for each in wanted.texts], "String", into),
            text_among_numbers(bare, wanted.given_numbers, into),
        ]
    )


def text_among_numbers(text: str, numbers: tuple[int | float, ...], into: Parameters) -> str:
    """Whether a text is a number (JSON's grammar) equal to one of these: integers exactly, others as doubles."""
    if not numbers:
        return NEVER
    # each condition is on the text alone, so that of a column with a dictionary each text is looked at once;
    # the numbers that are left are few
    integers = [str(number) for number in numbers if isinstance(number, int)]
    doubles = [number for number in numbers if isinstance(number, float)]
    double = f"toFloat64OrZero({text})"
    exact = _among(text, [*integers, *(["-0"] if "0" in integers else [])], "String", into)
    rough = _among(double, doubles, "Float64", into)
    other = _among(double, [as_float(number) for number in numbers], "Float64", into)
    return any_of(
        [
            exact,
            NEVER if rough == NEVER else f"({matches(text, INTEGER_PATTERN)} AND {rough})",
            f"({matches(text, OTHER_NUMBER_PATTERN)} AND {other})",
        ]
    )


def integer_among(integer: str, wanted: Wanted, into: Parameters) -> str:
    """Whether a stored Int64 is one of the numbers: of the integers exactly, of the others as a double."""
    integers = [number for number in wanted.numbers if isinstance(number, int) and MIN_INTEGER <= number <= MAX_INTEGER]
    doubles = [number for number in wanted.numbers if isinstance(number, float)]
    return any_of([_among(integer, integers, "Int64", into), _among(f"toFloat64({integer})", doubles, "Float64", into)])


def double_among(double: str, wanted: Wanted, into: Parameters) -> str:
    """Whether a stored Float64 is one of the numbers, as doubles."""
    return _among(double, [as_float(number) for number in wanted.numbers], "Float64", into)


def boolean_among(boolean: str, wanted: Wanted) -> str:
    """Whether a stored boolean is one of the booleans."""
    return any_of([f"{boolean} = {str(value).lower()}" for value in wanted.booleans])


def moment_among(moment: str, micros: list[int], into: Parameters) -> str:
    """Whether a stored moment is one of these, given in microseconds since 1970."""
    return _among(f"toUnixTimestamp64Micro({moment})", micros, "Int64", into)


def _among(expression: str, values: list[str] | list[int] | list[float], kind: str, into: Parameters) -> str:
    distinct = list(dict.fromkeys(values))
    if not distinct:
        return NEVER
    if len(distinct) == 1:
        return met(f"{expression} = {into.bind(distinct[0], kind)}")
    if kind == "Float64":  # a set tells -0 from 0
        expression, distinct = f"{expression} + 0", [number + 0.0 for number in distinct]  # type: ignore[operator]
    return met(f"{expression} IN {into.bind(distinct, f'Array({kind})')}")
