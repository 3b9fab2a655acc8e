"""Intervals of time that tile a window. Times are microseconds since 1970."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_HOUR: Final = 3_600_000_000
_DAY: Final = 24 * _HOUR

WIDTHS: Final = {"1h": _HOUR, "1d": _DAY, "7d": 7 * _DAY, "15d": 15 * _DAY, "30d": 30 * _DAY}
"""The widths that can be asked for, by name. Bounds are multiples of them since 1970-01-01T00:00:00Z: whole hours and
days in UTC."""


@dataclass(frozen=True, slots=True)
class Tile:
    """``start <= ts < end``."""

    key: int
    """The multiple of the width that it begins at, before it is cut to the window."""
    start: int
    end: int


def how_many(first: int, last: int, width: int) -> int:
    """The number of intervals from the one of a moment to the one of another."""
    return last // width - first // width + 1


def tiling(first: int, last: int, width: int, start: int | None, end: int | None) -> list[Tile]:
    """The intervals from the one of a moment to the one of another, cut to a window, also those without events."""
    return [
        Tile(
            key,
            key if start is None else max(key, start),
            key + width if end is None else min(key + width, end),
        )
        for key in range(first // width * width, last + 1, width)
    ]
