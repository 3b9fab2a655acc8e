"""What a filter's comparison asks of one stored value, as SQL, for each kind of stored value.

Each function answers an expression that is 1 or 0, never NULL as long as what it is given is not NULL.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from trueline.filters.numbers import INTEGER_PATTERN, NUMBER_PATTERN, number_text, parse_number
from trueline.filters.operators import Comparison
from trueline.instants import FIRST_YEAR, ISO_PATTERN, LAST_YEAR, parse_instant, to_micros
from trueline.ledger.document_columns import MAX_INTEGER, MIN_INTEGER

if TYPE_CHECKING:
    from trueline.filters.request import Scalar
    from trueline.ledger.parameters import Parameters

NEVER = "0"
SYMBOLS = {
    Comparison.LESS: "<",
    Comparison.LESS_OR_EQUAL: "<=",
    Comparison.GREATER: ">",
    Comparison.GREATER_OR_EQUAL: ">=",
}
_FIRST_MOMENT = to_micros(parse_instant(f"{FIRST_YEAR}-01-01"))
_LAST_MOMENT = to_micros(parse_instant(f"{LAST_YEAR}-12-31T23:59:59.999999"))


def any_of(conditions: list[str]) -> str:
    """True when one of them is."""
    kept = [condition for condition in conditions if condition != NEVER]
    return f"({' OR '.join(kept)})" if kept else NEVER


def met(condition: str) -> str:
    """False where a condition is NULL.

    Put around each condition on a column and not around all of them: the engine combines conditions that cannot be
    NULL several times as fast, and asks those on texts with a dictionary once for each text.
    """
    return f"ifNull({condition}, 0)"


def matches(text: str, pattern: str) -> str:
    """Whether a stored text is of a form, wholly."""
    escaped = pattern.replace("\\", "\\\\")
    return met(f"match({text}, '^(?:{escaped})$')")


def scalar_text(value: Scalar) -> str:
    """A filter's value as text."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return number_text(value)


def as_number(value: Scalar) -> int | float | None:
    """The number a filter's value is, also when written as text; a boolean is none."""
    if isinstance(value, str):
        return parse_number(value)
    return None if isinstance(value, bool) else value


def as_boolean(value: Scalar) -> bool | None:
    """The boolean a filter's value is, also when written as text."""
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False}.get(value) if isinstance(value, str) else None


def text_starts(text: str, value: Scalar, into: Parameters, tag: str = "") -> str:
    """Whether a stored text, kept behind `tag`, begins with the filter's value as text."""
    return f"startsWith({text}, {into.text(tag + scalar_text(value))})"


def text_contains(text: str, value: Scalar, into: Parameters, skip: int = 0) -> str:
    """Whether a stored text, after `skip` bytes of a tag, holds the filter's value as text."""
    part = scalar_text(value)
    if not part:
        return f"isNotNull({text})"
    return f"position({text}, {into.text(part)}, {skip + 1}) > 0"


def text_compares(comparison: Comparison, text: str, value: float | datetime, into: Parameters) -> str:
    """Whether a stored text without a tag is a number, or a date, that compares so with the filter's."""
    if isinstance(value, datetime):
        return _text_as_moment(comparison, text, value, into)
    return text_as_number(comparison, text, value, into)


def text_as_number(comparison: Comparison, text: str, value: float, into: Parameters) -> str:
    """Whether a text is a number (JSON's grammar) that compares so: integers exactly, others as doubles."""
    symbol = SYMBOLS[comparison]
    as_double = f"toFloat64OrZero({text}) {symbol} {into.bind(as_float(value), 'Float64')}"
    if isinstance(value, int):
        exact = _integer_text(comparison, text, value, into)
        as_double = f"if({matches(text, INTEGER_PATTERN)}, {exact}, {as_double})"
    return f"({matches(text, NUMBER_PATTERN)} AND {met(as_double)})"


def _integer_text(comparison: Comparison, text: str, value: int, into: Parameters) -> str:
    """Compare the digits of a text of any length: the longer one is larger, equally long ones by digits."""
    digits = f"if(startsWith({text}, '-'), substring({text}, 2), {text})"
    negative = f"(startsWith({text}, '-') AND {text} != '-0')"
    size = f"(length({digits}), {digits})"
    bound = str(abs(value))
    other = f"({len(bound)}, {into.text(bound)})"
    if value >= 0:
        less, equal, greater = (
            f"({negative} OR {size} < {other})",
            f"(NOT {negative} AND {size} = {other})",
            "",
        )
        greater = f"(NOT {negative} AND {size} > {other})"
    else:
        less, equal = f"({negative} AND {size} > {other})", f"({negative} AND {size} = {other})"
        greater = f"(NOT {negative} OR {size} < {other})"
    return {
        Comparison.LESS: less,
        Comparison.LESS_OR_EQUAL: f"({less} OR {equal})",
        Comparison.GREATER: greater,
        Comparison.GREATER_OR_EQUAL: f"({greater} OR {equal})",
    }[comparison]


def integer_compares(comparison: Comparison, integer: str, value: float, into: Parameters) -> str:
    """Whether a stored Int64 compares so with a number: exactly with an integer, else as doubles."""
    symbol = SYMBOLS[comparison]
    if not isinstance(value, int):
        return f"toFloat64({integer}) {symbol} {into.bind(value, 'Float64')}"
    if MIN_INTEGER <= value <= MAX_INTEGER:
        return f"{integer} {symbol} {into.bind(value, 'Int64')}"
    beyond = (
        {Comparison.LESS, Comparison.LESS_OR_EQUAL} if value > 0 else {Comparison.GREATER, Comparison.GREATER_OR_EQUAL}
    )
    return f"isNotNull({integer})" if comparison in beyond else NEVER


def double_compares(comparison: Comparison, double: str, value: float, into: Parameters) -> str:
    """Whether a stored Float64 compares so with a number, as doubles."""
    return f"{double} {SYMBOLS[comparison]} {into.bind(as_float(value), 'Float64')}"


def as_float(value: float) -> float:
    """A number as a double; an integer beyond all doubles is infinite."""
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def moment_compares(comparison: Comparison, moment: str, value: datetime, into: Parameters) -> str:
    """Whether a stored moment compares so with another."""
    return f"{moment} {SYMBOLS[comparison]} {into.moment(to_micros(value))}"


def moment_text(moment: str) -> str:
    """A stored moment as it is shown: UTC with Z, microseconds only where there are some."""
    return f"concat(replaceRegexpOne(replaceOne(toString({moment}), ' ', 'T'), '\\\\.000000$', ''), 'Z')"


def _text_as_moment(comparison: Comparison, text: str, value: datetime, into: Parameters) -> str:
    """Whether a text is an ISO 8601 date or time, by the same grammar as `trueline.instants`, that compares so.

    The days since 1970 are those of the proleptic Gregorian calendar
    (H. Hinnant, chrono-compatible low-level date algorithms, 2013, days_from_civil).
    """
    pattern = ISO_PATTERN.replace("\\", "\\\\")
    bound = into.bind(to_micros(value), "Int64")
    last_day = "[31, 28 + ((y % 4 = 0 AND y % 100 != 0) OR y % 400 = 0), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][m]"
    years, months = "(y - (m <= 2))", "(m + if(m > 2, -3, 9))"
    days = (
        f"365 * {years} + intDiv({years}, 4) - intDiv({years}, 100) + intDiv({years}, 400)"
        f" + intDiv(153 * {months} + 2, 5) + d - 719469"
    )
    # n: the numbers of the text (day, clock, offset), g: its parts; each is written down once
    parts = f"arrayFilter(g -> notEmpty(g), [extractGroups({text}, '^(?:{pattern})$')])"
    micros = (
        "arrayMap((n, g) -> if(n[2] BETWEEN 1 AND 12 AND n[4] < 24 AND n[5] < 60 AND n[6] < 60"
        f" AND n[7] < 24 AND n[8] < 60, arrayMap((y, m, d) -> if(y > 0 AND d BETWEEN 1 AND {last_day}, {days}, NULL),"
        " [n[1]], [n[2]], [n[3]])[1] * 86400000000 + (n[4] * 3600 + n[5] * 60 + n[6]"
        " - if(g[9] = '-', -60, 60) * (n[7] * 60 + n[8])) * 1000000"
        " + toInt64OrZero(rightPad(substring(g[7], 1, 6), 6, '0')), NULL),"
        " [arrayMap(i -> toInt64OrZero(g[i]), [1, 2, 3, 4, 5, 6, 10, 11])], [g])[1]"
    )
    return (
        f"arrayExists(u -> ifNull(u BETWEEN {_FIRST_MOMENT} AND {_LAST_MOMENT} AND u {SYMBOLS[comparison]} {bound}, 0),"
        f" arrayMap(g -> {micros}, {parts}))"
    )
