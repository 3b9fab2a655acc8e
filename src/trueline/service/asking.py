"""What requests that ask about events have in common: a window of time, and filters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from trueline.filters.request import Filter, FilterError, FilterLimits, parse_filters
from trueline.instants import format_instant, parse_end, parse_start
from trueline.service.errors import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class Bounds:
    """The names that a request has for the start and the end of a window, and the part of it they stand in."""

    part: str
    """``query`` or ``body``."""
    start: str
    end: str

    def window(self, start: str | None, end: str | None) -> tuple[datetime | None, datetime | None]:
        """Read a window: its start inclusive, its end exclusive, None where there is no bound.

        Raises:
            InvalidRequestError: one cannot be read, or the start is not before the end.
        """
        since = self._bound(self.start, start, parse_start)
        until = self._bound(self.end, end, parse_end)
        if since is not None and until is not None and since >= until:
            raise InvalidRequestError(
                (self.part, self.start),
                f"{self.start} {format_instant(since)} is not before {self.end} {format_instant(until)}",
            )
        return since, until

    def _bound(self, name: str, text: str | None, read: Callable[[str], datetime]) -> datetime | None:
        if text is None:
            return None
        try:
            return read(text)
        except ValueError as error:
            raise InvalidRequestError((self.part, name), f"{name}: {error}") from None


def filters_of(raw: object, limits: FilterLimits) -> tuple[Filter, ...]:
    """Read the filters of a body.

    Raises:
        InvalidRequestError: naming the position of the one that is wrong, and what is wrong with it.
    """
    try:
        return parse_filters(raw, limits)
    except FilterError as error:
        location: tuple[str | int, ...] = ("body", "filters")
        location += () if error.position is None else (error.position,)
        location += () if error.part is None else (error.part,)
        raise InvalidRequestError(location, str(error)) from None
