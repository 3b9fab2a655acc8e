"""Intervals of a clock on the wall: hours and days as a time zone has them. Times are microseconds since 1970."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Final

from trueline.instants import from_micros, to_micros

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

_DAYS: Final = {"1h": 1, "1d": 1, "7d": 7, "30d": 30}
_HOUR: Final = 3_600_000_000
_FIRST_DAY: Final = date(1970, 1, 1).toordinal()

INTERVALS: Final = tuple(_DAYS)
"""What can be asked for, by name.

Days begin at midnight of the zone, so that one may have 23 or 25 hours; several of them are counted from 1970-01-01.
Hours are counted from midnight on; where a clock is set by half an hour, the last one of that day is shorter."""


def local_bounds(first: int, last: int, interval: str, zone: ZoneInfo) -> list[int]:
    """Where the intervals begin, from the one that holds `first` to the end of the one that holds `last`.

    Returns:
        One bound more than there are intervals, ascending.
    """
    days = _DAYS[interval]
    number = from_micros(first).astimezone(zone).date().toordinal() - _FIRST_DAY
    number -= number % days
    bounds: list[int] = []
    begins = _midnight(number, zone)
    while begins <= last:
        number += days
        ends = _midnight(number, zone)
        if interval == "1h":
            bounds += range(begins, ends, _HOUR)
        elif begins < ends:  # a zone that crosses the date line leaves out a day
            bounds.append(begins)
        begins = ends
    bounds.append(begins)
    if interval == "1h":
        bounds = [
            bound
            for place, bound in enumerate(bounds)
            if (place + 1 == len(bounds) or bounds[place + 1] > first) and (place == 0 or bounds[place - 1] <= last)
        ]
    return bounds


def _midnight(day: int, zone: ZoneInfo) -> int:
    """When a day, counted from 1970-01-01, begins in a zone; where its clock skips midnight, when it skips it."""
    begins = datetime.fromordinal(_FIRST_DAY + day).replace(tzinfo=zone)
    return to_micros(begins.astimezone(UTC))
