"""Numbers in documents and filters: which texts are numbers, and how a number reads as text."""

from __future__ import annotations

import math
import re
from decimal import Decimal

NUMBER_PATTERN = r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?"
"""JSON's grammar of a number (RFC 8259, section 6): "1e3" is one, "007" and " 5" are not."""

INTEGER_PATTERN = r"-?(0|[1-9][0-9]*)"
OTHER_NUMBER_PATTERN = r"-?(0|[1-9][0-9]*)(\.[0-9]+([eE][+-]?[0-9]+)?|[eE][+-]?[0-9]+)"
"""Every number that has not the form of an integer: "5.0" and "5e0" are two."""

_NUMBER = re.compile(NUMBER_PATTERN)
_INTEGER = re.compile(INTEGER_PATTERN)
_MAX_DIGITS = 4000
_MOST_DIGITS_BEFORE_POINT = 21
_MOST_ZEROS_AFTER_POINT = -6


def parse_number(text: str) -> int | float | None:
    """Read a text that is a number by JSON's grammar; an integer stays one at any size.

    A number beyond the range of a double is infinite. None for any other text.
    """
    if _NUMBER.fullmatch(text) is None:
        return None
    if _INTEGER.fullmatch(text) is not None and len(text) <= _MAX_DIGITS:
        return int(text)
    return float(text)


def number_text(number: float) -> str:
    """Write a number as JSON.stringify does (ECMA-262, Number::toString): 5.0 as 5, 1e21 as 1e+21."""
    if isinstance(number, int):
        return str(number)
    if number == 0:
        return "0"
    if not math.isfinite(number):
        raise ValueError("JSON has no such number")
    written = Decimal(repr(abs(number))).normalize().as_tuple()
    digits = "".join(map(str, written.digits))
    point = len(digits) + int(written.exponent)  # how many digits stand before the decimal point
    return ("-" if number < 0 else "") + _place_point(digits, point)


def _place_point(digits: str, point: int) -> str:
    if len(digits) <= point <= _MOST_DIGITS_BEFORE_POINT:
        return digits + "0" * (point - len(digits))
    if 0 < point <= _MOST_DIGITS_BEFORE_POINT:
        return f"{digits[:point]}.{digits[point:]}"
    if _MOST_ZEROS_AFTER_POINT < point <= 0:
        return f"0.{'0' * -point}{digits}"
    power = point - 1
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{digits[0]}{fraction}e{'+' if power > 0 else '-'}{abs(power)}"
