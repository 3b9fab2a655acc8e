"""Rows in memory in the order of the hours they are of, so that those of a window are found without the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from trueline.metrics.growing import columns_of
from trueline.metrics.hours import HOUR

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trueline.metrics.hours import Window

_WAITING: Final = 10_000
"""Rows that may wait to be put in order, or a share of all:"""
_SHARE_WAITING: Final = 1 / 16


class RowsByHour:
    """Rows of columns that each answer to their name. New ones wait, and are looked through, until there are many."""

    def __init__(self, **kinds: type[np.generic]) -> None:
        self._hours = np.empty(0, np.int64)  # those that have rows, ascending
        self._starts = np.zeros(1, np.int64)  # where each one's rows begin, and where the last one's end
        self._columns: dict[str, NDArray[Any]] = {name: np.empty(0, kind) for name, kind in kinds.items()}
        self._kinds = kinds
        self._waiting = columns_of(hour=np.int64, **kinds)

    def __len__(self) -> int:
        return int(self._starts[-1]) + len(self._waiting)

    def append(self, hours: NDArray[np.int64], **columns: NDArray[Any]) -> None:
        """Add rows of these hours since 1970."""
        self._waiting.append(len(hours), hour=hours, **columns)
        if len(self._waiting) > _WAITING + _SHARE_WAITING * int(self._starts[-1]):
            self._put_in_order()

    def of(self, window: Window) -> dict[str, NDArray[Any]]:
        """The columns of the rows of a window of whole hours, in no order."""
        low = 0 if window.start is None else int(np.searchsorted(self._hours, window.start // HOUR))
        high = len(self._hours) if window.end is None else int(np.searchsorted(self._hours, window.end // HOUR))
        rows = slice(int(self._starts[low]), int(self._starts[max(low, high)]))
        waiting = window.holds(self._waiting["hour"] * HOUR)
        if not waiting.any():
            return {name: column[rows] for name, column in self._columns.items()}
        return {
            name: np.concatenate([column[rows], self._waiting[name][waiting]]) for name, column in self._columns.items()
        }

    def _put_in_order(self) -> None:
        order = np.argsort(self._waiting["hour"], kind="stable")
        hour = self._waiting["hour"][order]
        place = np.searchsorted(self._hours, hour, side="right")
        at = self._starts[place]  # after those of the same hour
        for name, column in self._columns.items():
            self._columns[name] = np.insert(column, at, self._waiting[name][order])
        sizes = np.diff(self._starts)
        hours, first = np.unique(np.concatenate([self._hours, hour]), return_inverse=True)
        counted = np.bincount(first[len(self._hours) :], minlength=len(hours))
        counted[first[: len(self._hours)]] += sizes
        self._hours, self._starts = hours, np.concatenate([[0], np.cumsum(counted)])
        self._waiting = columns_of(hour=np.int64, **self._kinds)
