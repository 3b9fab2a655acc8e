"""What values and filters mean, once more and plainly: see `oracle`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ISO = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
    r"(?:[T ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]+))?)?(?:Z|([+ -])([0-9]{2})(?::?([0-9]{2}))?)?)?"
)
JSON_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
NEGATIONS = {
    "is not": "is",
    "is not one of": "is one of",
    "not starts with": "starts with",
    "not contains": "contains",
    "not exists": "exists",
}
ORDERS = {"lt", "lte", "gt", "gte"}
POSITIVE = {"is", "is one of", "starts with", "contains", "exists"} | ORDERS


class RefusedError(ValueError):
    """The question itself is not allowed: a window without a length, a filter that says nothing."""


@dataclass(frozen=True)
class Moment:
    """The value of a time field of the product's own."""

    micros: int


def reach(value: object, path: str | None) -> Iterator[object]:
    """Yield all that a path leads to: through lists, through nesting and through keys with dots in them."""
    if isinstance(value, list):
        for element in value:
            yield from reach(element, path)
    elif path is None:
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key == path:
                yield from reach(inner, None)
            elif path.startswith(f"{key}."):
                yield from reach(inner, path[len(key) + 1 :])


def check_filter(question: Mapping[str, object]) -> None:
    """Refuse a filter whose operator is unknown or whose value does not fit it."""
    operator = NEGATIONS.get(str(question["operator"]), question["operator"])
    value = question.get("value")
    if operator == "exists":
        fits = value is None
    elif operator in ORDERS:
        fits = number(value) is not None or instant(value) is not None
    elif operator == "is one of":
        members = value if isinstance(value, list) else []
        fits = members != [] and all(isinstance(member, str | int | float) for member in members)
    else:
        fits = operator in POSITIVE and isinstance(value, str | int | float)
    if not fits:
        raise RefusedError(f"{question['operator']} {value!r}")


def matches(stored: object, operator: str, wanted: object) -> bool:
    """Tell whether one stored value, neither null nor a list, meets a positive operator."""
    if operator == "exists":
        return True
    if operator in {"is", "is one of"}:
        return any(same(stored, member) for member in (wanted if isinstance(wanted, list) else [wanted]))
    if operator in ORDERS:
        read = instant if number(wanted) is None else number
        order = compare(read(stored), read(wanted))
        return order in {"lt": {-1}, "lte": {-1, 0}, "gt": {1}, "gte": {0, 1}}[operator]
    if isinstance(stored, dict):
        return False
    if operator == "starts with":
        return text(stored).startswith(text(wanted))
    return text(wanted) in text(stored)


def same(stored: object, wanted: object) -> bool:
    """Tell whether a stored value is the wanted one."""
    if isinstance(stored, dict):
        return False
    if isinstance(stored, Moment):
        return stored.micros == instant(wanted)
    if isinstance(stored, bool) or isinstance(wanted, bool):
        both = isinstance(stored, bool | str) and isinstance(wanted, bool | str)
        return both and text(stored) == text(wanted)
    if isinstance(stored, str) and isinstance(wanted, str):
        return stored == wanted
    return compare(number(stored), number(wanted)) == 0


def compare(one: float | None, other: float | None) -> int | None:
    """Return -1, 0 or 1; None where one of them is no number. Integers exactly, others as doubles."""
    if one is None or other is None:
        return None
    if not (isinstance(one, int) and isinstance(other, int)):
        one, other = double(one), double(other)
    return (one > other) - (one < other)


def double(value: float) -> float:
    """Return the nearest double, infinity beyond the largest."""
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def number(value: object) -> float | None:
    """Return the number that a value is, or is the text of in JSON's grammar."""
    if isinstance(value, str) and JSON_NUMBER.fullmatch(value):
        return int(value) if value.lstrip("-").isdigit() else float(value)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def instant(value: object) -> int | None:
    """Return the moment that a value is, or is the ISO 8601 text of."""
    if isinstance(value, Moment):
        return value.micros
    parts = ISO.fullmatch(value) if isinstance(value, str) else None
    if parts is None or int(parts[9] or 0) > 23 or int(parts[10] or 0) > 59:
        return None
    try:
        local = datetime(*(int(part or 0) for part in parts.groups()[:6]), tzinfo=UTC)  # type: ignore[misc,arg-type]
        offset = timedelta(hours=int(parts[9] or 0), minutes=int(parts[10] or 0))
        moment = local + offset if parts[8] == "-" else local - offset
    except (ValueError, OverflowError):
        return None
    micros = int((parts[7] or "").ljust(6, "0")[:6])
    return (moment - EPOCH) // timedelta(microseconds=1) + micros if 1900 <= moment.year <= 2299 else None


def moment_of(given: str) -> int:
    """Return the moment of a text that must be one."""
    moment = instant(given)
    if moment is None:
        raise RefusedError(f"{given!r} is no time")
    return moment


def iso(micros: int | None) -> str | None:
    """Return the moment as text, with microseconds only where there are any."""
    if micros is None:
        return None
    return (EPOCH + timedelta(microseconds=micros)).isoformat().replace("+00:00", "Z")


def text(value: object) -> str:
    """Return the text of a value that has one: numbers as ECMAScript writes them."""
    if isinstance(value, Moment):
        return str(iso(value.micros))
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, float):
        return str(value)
    if value == 0:
        return "0"
    _, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    assert isinstance(exponent, int)
    shown, point = "".join(map(str, digits)), len(digits) + exponent
    if 0 < point <= 21:
        plain = shown.ljust(point, "0") if point >= len(shown) else f"{shown[:point]}.{shown[point:]}"
    elif -6 < point <= 0:
        plain = "0." + "0" * -point + shown
    else:
        plain = shown[0] + ("." + shown[1:] if shown[1:] else "") + f"e{point - 1:+d}"
    return ("-" if value < 0 else "") + plain
