"""Whose turn it is: what may take long is little at once, and nobody's leaves no room for another's."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from typing import TYPE_CHECKING

from trueline.api.errors import BusyError

if TYPE_CHECKING:
    from collections.abc import Callable


class Turns:
    """So many at once in all, and of one asker; who waits is let in by turns of the askers. For one event loop."""

    def __init__(self, at_once: int, of_one: int, most_waiting: int) -> None:
        self._at_once = at_once
        self._of_one = of_one
        self._most_waiting = most_waiting
        self._running: Counter[str] = Counter()
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}
        """By asker, who has waited longest for a turn first."""

    async def take(self, asker: str, seconds: float | None) -> Callable[[], None]:
        """Wait for a turn, so long at the most, or however long; what is given back ends it.

        Raises:
            BusyError: too many wait already, or it took too long.
        """
        if asker in self._waiting or not self._has_room(asker):
            if sum(map(len, self._waiting.values())) >= self._most_waiting:
                raise BusyError
            await self._wait(asker, seconds)
        else:
            self._running[asker] += 1
        return lambda: self._end(asker)

    async def _wait(self, asker: str, seconds: float | None) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(asker, deque()).append(turn)
        try:
            async with asyncio.timeout(seconds):
                await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled():
                self._end(asker)  # it came at the very moment
            else:
                self._forget(asker, turn)
            if isinstance(error, TimeoutError):
                raise BusyError from None
            raise

    def _has_room(self, asker: str) -> bool:
        return self._running.total() < self._at_once and self._running[asker] < self._of_one

    def _forget(self, asker: str, turn: asyncio.Future[None]) -> None:
        waits = self._waiting.get(asker, ())
        if turn in waits:  # else whoever ended before has passed it over already
            self._waiting[asker].remove(turn)
            if not self._waiting[asker]:
                del self._waiting[asker]

    def _end(self, asker: str) -> None:
        self._running[asker] -= 1
        if not self._running[asker]:
            del self._running[asker]
        for other in list(self._waiting):
            waits = self._waiting[other]
            while waits and waits[0].done():  # has given up, and not come to say so yet
                waits.popleft()
            if not waits:
                del self._waiting[other]
            elif self._has_room(other):
                del self._waiting[other]  # and behind all others, if any of its own still wait
                turn = waits.popleft()
                if waits:
                    self._waiting[other] = waits
                self._running[other] += 1
                turn.set_result(None)
                return
