"""Events whose subject changed after a training, in the order in which they are told: the latest first.

Times are microseconds since 1970, arrays numpy's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from trueline.metrics.hours import Window

_MOST_REMEMBERED: Final = 100_000
"""Rows."""


@dataclass(frozen=True, slots=True)
class ChangedEvents:
    """Events of one subject at one moment, which changed after training."""

    changed_at: int
    ts: int
    subject_key: int
    events: int


class ChangedRows(NamedTuple):
    """Versions of events that changed after the training, an element each."""

    row: NDArray[np.int64]
    changed_at: NDArray[np.int64]
    """When the consensus of the subject did."""
    ts: NDArray[np.int64]

    def of(self, which: NDArray[np.intp] | NDArray[np.bool_]) -> ChangedRows:
        """Some of them."""
        return ChangedRows(*(column[which] for column in self))

    def leading(self, size: int) -> ChangedRows:
        """Those that changed last, and of these the latest: so many, and all that are level with the last of them."""
        return self.of(leading(self.changed_at, self.ts, size))


class LastChanged:
    """The rows of the window that was asked for last, for whoever asks for their events and then for their buckets."""

    def __init__(self) -> None:
        self._known: tuple[Window, ChangedRows] | None = None

    def of(self, window: Window) -> ChangedRows | None:
        """Those of a window; None where they are not known."""
        return self._known[1] if self._known is not None and self._known[0] == window else None

    def remember(self, window: Window, changed: ChangedRows) -> None:
        """Know all of a window from now on, unless they are too many."""
        self._known = (window, changed) if len(changed.row) <= _MOST_REMEMBERED else None

    def look_again(self, rows: NDArray[np.int64], changed: Callable[[], ChangedRows]) -> None:
        """Take in that rows may have changed or not, and when: `changed` tells those of them that have."""
        if self._known is None:
            return
        (window, known), now = self._known, changed()
        left, new = known.of(~np.isin(known.row, rows)), now.of(window.holds(now.ts))
        self.remember(window, ChangedRows(*(np.concatenate(both) for both in zip(left, new, strict=True))))


def leading(major: NDArray[np.int64], minor: NDArray[np.int64], size: int) -> NDArray[np.intp]:
    """The places of the largest by (major, minor): so many of them, and all that are level with the last one."""
    if len(major) <= size:
        return np.arange(len(major))
    least = np.partition(major, -size)[-size]
    above, level = major > least, major == least
    missing = size - int(above.sum())
    return np.flatnonzero(above | (level & (minor >= np.partition(minor[level], -missing)[-missing])))
