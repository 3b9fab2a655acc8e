"""Moments: how they are read from text, shown, and kept (UTC, microseconds)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

FIRST_YEAR = 1900
LAST_YEAR = 2299

ISO_PATTERN = (
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
    r"(?:[T ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]+))?)?"
    r"(?:(Z)|([+ -])([0-9]{2})(?::?([0-9]{2}))?)?)?"
)
"""The dates and times that count as ISO 8601 here. Groups: year, month, day, hour, minute, second,
fraction, ``Z``, sign of the offset (a space stands for a plus lost on the way), its hours, its minutes.
The ledger hands the same pattern to the engine, so that both read alike."""

_ISO = re.compile(ISO_PATTERN)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_USUAL_LENGTHS = {len("2025-01-01T00:00:00Z"), len("2025-01-01T00:00:00.123Z"), len("2025-01-01T00:00:00.123456Z")}
_USUAL_MARKS = "--T::"
"""Every third character from the fifth on, before any fraction."""
_MAX_OFFSET_HOURS = 23
_MAX_OFFSET_MINUTES = 59


def parse_instant(text: str) -> datetime:
    """Read an ISO 8601 date or time as a moment in UTC; without a zone it is UTC, a bare date is its midnight.

    Fractions finer than a microsecond are cut off.

    Raises:
        ValueError: not such a text, no such day or time, or a year outside 1900 to 2299.
    """
    if (usual := _usual_instant(text)) is not None:
        return usual
    found = _ISO.fullmatch(text)
    if found is None:
        raise ValueError(f"{text[:60]!r} is not an ISO 8601 date or time such as 2025-01-01T00:00:00Z")
    year, month, day, hour, minute, second, fraction, _, sign, offset_hours, offset_minutes = found.groups()
    try:
        local = datetime(
            int(year),
            int(month),
            int(day),
            int(hour or 0),
            int(minute or 0),
            int(second or 0),
            int((fraction or "")[:6].ljust(6, "0")),
            tzinfo=UTC,
        )
    except ValueError as error:
        raise ValueError(f"{text[:60]!r} is no date or time: {error}") from error
    shift = timedelta()
    if sign:
        hours, minutes = int(offset_hours), int(offset_minutes or 0)
        if hours > _MAX_OFFSET_HOURS or minutes > _MAX_OFFSET_MINUTES:
            raise ValueError(f"{text[:60]!r} has no valid offset from UTC")
        shift = timedelta(hours=hours, minutes=minutes) * (-1 if sign == "-" else 1)
    try:
        moment = local - shift
    except OverflowError as error:
        raise ValueError(_out_of_range(text)) from error
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise ValueError(_out_of_range(text))
    return moment


def _usual_instant(text: str) -> datetime | None:
    """Read a time in the form that most have, such as 2025-01-01T00:00:00.123Z; None for any other form.

    The standard library reads this form as `_ISO` says, and many times as fast; it reads others differently.
    """
    if len(text) not in _USUAL_LENGTHS or text[4:19:3] != _USUAL_MARKS or text[-1] != "Z":
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if FIRST_YEAR <= moment.year <= LAST_YEAR else None


@lru_cache(maxsize=1_024)  # an event and its decision often share their moment, and neighbours do
def parse_micros(text: str) -> int:
    """Read an ISO 8601 date or time as `parse_instant` does, in microseconds since 1970.

    Raises:
        ValueError: as there.
    """
    return to_micros(parse_instant(text))


def _out_of_range(text: str) -> str:
    return f"{text[:60]!r} lies outside the years {FIRST_YEAR} to {LAST_YEAR}"


def is_bare_date(text: str) -> bool:
    """Whether the text names a day without a time."""
    found = _ISO.fullmatch(text)
    return found is not None and found.group(4) is None


def parse_start(text: str) -> datetime:
    """Read the inclusive start of a window: a bare date is its midnight."""
    return parse_instant(text)


def parse_end(text: str) -> datetime:
    """Read the exclusive end of a window: a bare date is the midnight after it, so that the day is in."""
    moment = parse_instant(text)
    return moment + timedelta(days=1) if is_bare_date(text) else moment


def format_instant(moment: datetime) -> str:
    """Show a moment in UTC with ``Z``, microseconds only where there are some."""
    utc = moment.astimezone(UTC).replace(tzinfo=None)
    return utc.isoformat(timespec="microseconds" if utc.microsecond else "seconds") + "Z"


def to_micros(moment: datetime) -> int:
    """Microseconds since 1970-01-01T00:00:00Z, exactly."""
    return (moment - _EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    """The moment so many microseconds after 1970-01-01T00:00:00Z."""
    return _EPOCH + timedelta(microseconds=micros)
