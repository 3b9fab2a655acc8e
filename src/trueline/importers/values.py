"""What a cell or a JSON value means: as text, as an instant, as a label, as a number."""

from __future__ import annotations

import math
import re
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final

import msgspec

from trueline.importers.errors import RowError
from trueline.importers.mapping import OTHERS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from trueline.importers.mapping import TimeUnit

_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - all of this is UTC, and "Z" is written by hand
_MICROS: Final[dict[TimeUnit, int]] = {"s": 1_000_000, "ms": 1_000, "us": 1}
_EPOCH_TEXT: Final = re.compile(r"-?\d{1,20}(\.\d{1,20})?")
_JSON_NUMBER: Final = re.compile(r"-?(?:0|[1-9]\d{0,17})(?:\.\d{1,30})?(?:[eE][+-]?\d{1,3})?")
_BEYOND_ANY_YEAR: Final = Decimal("1e19")
_REMEMBERED: Final = 100_000
"""Alerts of one file share few instants and labels; beyond this many the memory of them starts afresh."""


def text_of(value: object) -> str | None:
    """The text of a value as filters compare it: 5.0 as "5", true as "true"; ``None`` for null and "".

    Raises:
        RowError: Lists and objects have no text.
    """
    if isinstance(value, str):
        return value or None
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, (list, dict)):
        raise RowError("a list or an object where a single value belongs")
    return str(value)


def instant_reader(unit: TimeUnit) -> Callable[[object], str | None]:
    """A function from a column's value to the text of an instant, ``None`` where the value is none.

    ISO text is passed on as it stands: the ledger reads it, and refuses it where it is none.
    """
    known: dict[str, str | None] = {}

    def instant(value: object) -> str | None:
        if type(value) is not str:
            return _instant(value, unit)
        found = known.get(value)
        if found is None:
            if len(known) >= _REMEMBERED:
                known.clear()
            found = known[value] = _instant(value, unit)
        return found

    return instant


def label_reader(what: str, label_map: Mapping[str, str] | None) -> Callable[[object], str | None]:
    """A function from a column's value to a label, ``None`` where nothing was decided or found.

    An empty value is none, unless the map names it. A map that names neither the value nor ``*`` refuses it.
    """
    if label_map is None:
        return text_of
    named = {value: label or None for value, label in label_map.items()}
    others = OTHERS in named
    fallback = named.pop(OTHERS, None)
    named.setdefault("", None)

    def label(value: object) -> str | None:
        text = value if type(value) is str else text_of(value) or ""
        try:
            return named[text]
        except KeyError:
            if others:
                return fallback
            raise RowError(f"{what} {text!r} is not in its map") from None

    return label


def confidence_of(value: object) -> float | None:
    """A confidence in percent from a number or its text, ``None`` where the value is none.

    Raises:
        RowError: It is no number.
    """
    if value is None or value == "":
        return None
    if isinstance(value, (str, int, float, Decimal)) and not isinstance(value, bool):
        try:
            number = float(value)
        except ValueError:
            pass
        else:
            if math.isfinite(number):
                return number
    raise RowError(f"confidence {value!r} is no number")


def number_or_text(cell: str) -> object:
    """The cell as a number, digit for digit, where it is one by JSON's grammar; else the text itself.

    Integers of more than 18 digits stay text: they are ids more often than numbers.
    """
    if _JSON_NUMBER.fullmatch(cell) and math.isfinite(float(cell)):
        return msgspec.Raw(cell.encode())
    return cell


def _instant(value: object, unit: TimeUnit) -> str | None:
    if value is None or value == "":
        return None
    if isinstance(value, datetime):
        return value.isoformat() + ("" if value.tzinfo else "Z")
    if isinstance(value, date):
        return f"{value.isoformat()}T00:00:00Z"
    if unit == "iso":
        if isinstance(value, str):
            return value
        raise RowError(f"time {value!r} is no text: is its unit s, ms or us?")
    try:
        micros = _epoch_micros(value, _MICROS[unit])
        return f"{(_EPOCH + timedelta(microseconds=micros)).isoformat()}Z"
    except OverflowError:
        raise RowError(f"time {value!r} is outside the years 1900 to 2299") from None


def _epoch_micros(value: object, factor: int) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value * factor
    if isinstance(value, str) and _EPOCH_TEXT.fullmatch(value):
        return int(value) * factor if value.isdigit() else math.floor(Decimal(value) * factor)
    if isinstance(value, float):
        value = Decimal(repr(value))  # the digits as written, not the nearest double's
    if isinstance(value, Decimal) and value.is_finite() and abs(value) < _BEYOND_ANY_YEAR:
        return math.floor(value * factor)
    raise RowError(f"time {value!r} is no number")
