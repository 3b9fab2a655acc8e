"""When each of what is kept in memory was last asked for, and what is not to be read for a while.

What nobody asked for in a while gives way; what found no room is left alone as long, or two that do not fit beside each
other would be read by turns.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

PATIENCE: Final = 600.0
"""Seconds after which what was not asked for is idle, and what was put off may be read again."""

_Kept = TypeVar("_Kept")


class Recency(Generic[_Kept]):
    """Of the things of one kind; each is named by what a dictionary takes for a key."""

    def __init__(self) -> None:
        self.patience = PATIENCE
        self._asked: dict[_Kept, float] = {}  # when last, by time.monotonic()
        self._put_off: dict[_Kept, float] = {}  # until when

    def ask(self, what: _Kept) -> None:
        """Say that it is asked for now."""
        self._asked[what] = time.monotonic()

    def last(self, what: _Kept) -> float:
        """When it was last asked for, to be compared with others; 0: not since it was forgotten."""
        return self._asked.get(what, 0.0)

    def is_idle(self, what: _Kept) -> bool:
        """Whether it was not asked for in a while."""
        return self.last(what) <= time.monotonic() - self.patience

    def put_off(self, things: Iterable[_Kept]) -> None:
        """Have these not read before it is time for others to be idle."""
        until = time.monotonic() + self.patience
        self._put_off |= dict.fromkeys(things, until)

    def is_put_off(self, what: _Kept) -> bool:
        """Whether it is not to be read yet."""
        return self._put_off.get(what, 0.0) > time.monotonic()

    def forget(self, what: _Kept) -> None:
        """Have it as if nobody had asked for it; what is put off stays so."""
        self._asked.pop(what, None)

    def forget_all(self, are_gone: Callable[[_Kept], bool]) -> None:
        """Have these as if nobody had asked for them or put them off."""
        for moments in (self._asked, self._put_off):
            for each in filter(are_gone, list(moments)):  # a copy: others may be asked for meanwhile
                moments.pop(each, None)
