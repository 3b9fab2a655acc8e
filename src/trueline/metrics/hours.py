"""Events counted by the hour, and the windows of time that are asked for. Times are microseconds since 1970."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

HOUR: Final = 3_600_000_000

HOURS_BEFORE_1970: Final = 613_608
"""Since 1900: the earliest that an event can be."""

_FEW: Final = 16
"""Hours that are looked at before more are."""
_LATEST, _EARLIEST = np.iinfo(np.int64).max, np.iinfo(np.int64).min


@dataclass(frozen=True, slots=True)
class Window:
    """``start <= ts < end``; None is open."""

    start: int | None = None
    end: int | None = None

    def widened(self) -> Window:
        """To whole hours."""
        return Window(
            None if self.start is None else self.start // HOUR * HOUR,
            None if self.end is None else -(-self.end // HOUR) * HOUR,
        )

    def holds(self, ts: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of these moments are in it."""
        inside = np.ones(len(ts), np.bool_)
        if self.start is not None:
            inside &= ts >= self.start
        if self.end is not None:
            inside &= ts < self.end
        return inside

    def holds_moment(self, ts: int) -> bool:
        """Whether a moment is in it."""
        return (self.start is None or ts >= self.start) and (self.end is None or ts < self.end)


class Span(NamedTuple):
    """From when to when events are that are counted together, and whether a version taken back may be either."""

    first: NDArray[np.int64]
    last: NDArray[np.int64]
    unsure: NDArray[np.bool_]


class Hours:
    """Events counted by hour and by kind: a row an hour, a column for each of what counts as one kind.

    Of decided events it is also known when the first and the last of each hour and decision happened: a row a decision,
    a column an hour.
    """

    def __init__(self) -> None:
        self.hours = np.empty(0, np.int64)
        self.counts = np.zeros((0, 8), np.int64)
        self.total = np.zeros(8, np.int64)
        self.decided = np.zeros((0, 0), np.int64)
        self.first = np.zeros((0, 0), np.int64)
        self.last = np.zeros((0, 0), np.int64)
        self.unsure = np.zeros((0, 0), np.bool_)
        """Whether a version taken back may be the first or the last."""

    def widen(self, kinds: int) -> None:
        """Have a column for so many kinds."""
        if kinds > len(self.total):
            more = 2 * kinds - len(self.total)
            self.counts = np.pad(self.counts, ((0, 0), (0, more)))
            self.total = np.pad(self.total, (0, more))

    def places(self, hour: NDArray[np.int64]) -> NDArray[np.intp]:
        """Where the counts of these hours stand; hours that are new get their place."""
        new = np.setdiff1d(hour, self.hours)
        if len(new):
            at = np.searchsorted(self.hours, new)
            self.hours = np.insert(self.hours, at, new)
            self.counts = np.insert(self.counts, at, 0, axis=0)
            self.decided = np.insert(self.decided, at, 0, axis=1)
            self.first = np.insert(self.first, at, _LATEST, axis=1)
            self.last = np.insert(self.last, at, _EARLIEST, axis=1)
            self.unsure = np.insert(self.unsure, at, values=False, axis=1)
        return np.searchsorted(self.hours, hour)

    def add(self, place: NDArray[np.intp], kind: NDArray[np.int64], events: NDArray[Any]) -> None:
        """Count so many events more, or fewer."""
        np.add.at(self.counts, (place, kind), events)
        np.add.at(self.total, kind, events)

    def note(self, place: NDArray[np.intp], decision: NDArray[np.int64], events: NDArray[np.int64], span: Span) -> None:
        """Say of events that are counted which are decided, as what, and when; a decision of 0 is none."""
        decided = np.flatnonzero(decision > 0)
        if len(decided):
            self._have_decisions(int(decision[decided].max()) + 1)
        at = decision[decided] * len(self.hours) + place[decided]
        np.add.at(self.decided.reshape(-1), at, events[decided])
        np.minimum.at(self.first.reshape(-1), at, span.first[decided])
        np.maximum.at(self.last.reshape(-1), at, span.last[decided])
        self.unsure.reshape(-1)[at[span.unsure[decided]]] = True

    def _have_decisions(self, decisions: int) -> None:
        if (more := decisions - len(self.decided)) > 0:
            new = (more, len(self.hours))
            self.decided = np.concatenate([self.decided, np.zeros(new, np.int64)])
            self.first = np.concatenate([self.first, np.full(new, _LATEST)])
            self.last = np.concatenate([self.last, np.full(new, _EARLIEST)])
            self.unsure = np.concatenate([self.unsure, np.zeros(new, np.bool_)])

    def span(self, window: Window) -> slice:
        """Where the hours of a window stand."""
        low = 0 if window.start is None else int(np.searchsorted(self.hours, window.start // HOUR))
        high = len(self.hours) if window.end is None else int(np.searchsorted(self.hours, window.end // HOUR))
        return slice(low, high)

    def divided(self, window: Window, most: int) -> list[Window]:
        """A window in parts of whole hours, each with about so many versions of events at the most, or one hour."""
        span = self.span(window.widened())
        part = np.cumsum(self.counts[span].sum(axis=1)) // most
        begins = self.hours[span][np.flatnonzero(np.diff(part, prepend=part[:1]))] * HOUR
        bounds = [window.start, *begins.tolist(), window.end]
        return [Window(start, end) for start, end in itertools.pairwise(bounds)]


def first_and_last(
    counts: NDArray[np.int64], columns: NDArray[np.intp] | slice = slice(None)
) -> tuple[int, int] | tuple[None, None]:
    """The places of the first and the last row that have anything in some columns; None where none has."""
    first, last = _first(counts, columns), _first(counts[::-1], columns)
    return (None, None) if first is None or last is None else (first, len(counts) - 1 - last)


def _first(counts: NDArray[np.int64], columns: NDArray[np.intp] | slice) -> int | None:
    begin, size = 0, _FEW
    while begin < len(counts):  # mostly it is among the first few
        filled = counts[begin : begin + size][:, columns].any(axis=1)
        if filled.any():
            return begin + int(filled.argmax())
        begin, size = begin + size, 2 * size
    return None


def spans_of(hours: Sequence[int]) -> list[tuple[int, int]]:
    """From when to when such hours since 1970 go, ascending; those that follow one another are one span."""
    spans: list[tuple[int, int]] = []
    for hour in hours:
        begin = hour * HOUR
        if spans and spans[-1][1] == begin:
            begin = spans.pop()[0]
        spans.append((begin, (hour + 1) * HOUR))
    return spans
