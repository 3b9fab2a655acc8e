"""A moment without a write under way, so that both stores can be caught as they are at one moment."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING, Final

from trueline.service.errors import NotStillError

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE: Final = 0.5
"""Seconds that new writes wait for those under way, before they are let through once more."""

ATTEMPTS: Final = 120
"""Of so many."""

LAST_PATIENCE: Final = 30.0
"""Seconds that the last attempt waits, and new writes with it."""


class Stillness:
    """Writes share it; who needs none under way holds it alone.

    Writes that arrive while it is held wait. While it is asked for and a long write is under way, the others are held
    up for `PATIENCE` at most and go on for as long, before it is asked for again.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._under_way = 0
        self._wanted = False
        self._depth = threading.local()

    @contextlib.contextmanager
    def broken(self) -> Iterator[None]:
        """Write: waits while stillness is held; within a write of the same thread it never waits."""
        depth = getattr(self._depth, "of_thread", 0)
        if not depth:
            with self._changed:
                self._changed.wait_for(lambda: not self._wanted)
                self._under_way += 1
        self._depth.of_thread = depth + 1
        try:
            yield
        finally:
            self._depth.of_thread = depth
            if not depth:
                with self._changed:
                    self._under_way -= 1
                    self._changed.notify_all()

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Hold it: no write is under way until this ends. By one thread at a time, and not within a write.

        Raises:
            NotStillError: there was always one.
        """
        with self._changed:
            for patience in [PATIENCE] * (ATTEMPTS - 1) + [LAST_PATIENCE]:
                self._wanted = True
                if self._changed.wait_for(self._is_still, patience):
                    break
                self._wanted = False
                self._changed.notify_all()
                until = time.monotonic() + PATIENCE
                while time.monotonic() < until:  # those that waited have their turn
                    self._changed.wait(until - time.monotonic())
            else:
                raise NotStillError
        try:
            yield
        finally:
            with self._changed:
                self._wanted = False
                self._changed.notify_all()

    def _is_still(self) -> bool:
        return self._under_way == 0
