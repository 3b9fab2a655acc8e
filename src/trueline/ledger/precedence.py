"""Questions that somebody waits for go before reading that nobody waits for."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Precedence:
    """Counts the questions that are being answered, so that who is in no hurry can let them by."""

    def __init__(self) -> None:
        self._questions = 0
        self._idle = threading.Condition()

    @contextlib.contextmanager
    def taken(self) -> Iterator[None]:
        """Go before others for as long as the block takes."""
        with self._idle:
            self._questions += 1
        try:
            yield
        finally:
            with self._idle:
                self._questions -= 1
                if not self._questions:
                    self._idle.notify_all()

    def given(self, seconds: float) -> bool:
        """Wait until no question is being answered, so many seconds at the most; whether there is none."""
        with self._idle:
            return self._idle.wait_for(lambda: not self._questions, seconds)
