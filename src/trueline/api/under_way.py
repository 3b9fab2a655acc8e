"""Bodies under way: how much of them is in memory at once, and how long one may take to arrive.

A body counts from its first byte until its request is answered, so also while what it brings is read, waits and is
written. What does not fit is refused before it is read, where its size is announced, and else when it no longer fits.
"""

from __future__ import annotations

import asyncio
import math
import time
from typing import TYPE_CHECKING, Final

from starlette.exceptions import HTTPException

if TYPE_CHECKING:
    from starlette.types import Message, Receive

LEAST: Final = 32 * 1024
"""Bytes that any request with a body counts for: so much is around it, were it a single byte."""

_LONGEST_WAIT: Final = 60
_REMEMBERED: Final = 5.0
"""Seconds after which what was answered a while ago says little of the rate now."""


class TooLargeBodyError(HTTPException):
    """More than one body may have. Of the one kind that the framework lets through where it reads a body itself."""

    def __init__(self, most: int) -> None:
        super().__init__(413, f"A body has at most {most} bytes")


class TooMuchError(HTTPException):
    """More than there is room for now."""

    def __init__(self, seconds: int) -> None:
        super().__init__(429, "More arrives than can be written: try again later", {"Retry-After": str(seconds)})


class TooSlowBodyError(HTTPException):
    """The body did not arrive in time; the connection is closed, as what is still to come belongs to it."""

    def __init__(self, seconds: float) -> None:
        super().__init__(408, f"The body did not arrive within {seconds:g} seconds", {"Connection": "close"})


class BodiesUnderWay:
    """All bodies of one server, counted together. Used in the thread of the event loop only."""

    def __init__(self, *, most: int, largest: int, seconds: float) -> None:
        """At most so many bytes in all, in one, and so many seconds for one to arrive."""
        self.most = max(most, 2 * largest)  # one that is as large as allowed also fits beside smaller ones
        self.largest = largest
        self.seconds = seconds
        self.held = 0
        self._answered = 0.0
        """Bytes answered, the longer ago the less they count."""
        self._noted_at = time.monotonic()

    def release(self, size: int) -> None:
        """A request is answered whose body counted for so much."""
        now = time.monotonic()
        self._answered *= math.exp((self._noted_at - now) / _REMEMBERED)
        self._noted_at = now
        self._answered += size
        self.held -= size

    def seconds_until_room(self) -> int:
        """How long what is held will take, at the rate of late, in whole seconds."""
        rate = self._answered * math.exp((self._noted_at - time.monotonic()) / _REMEMBERED) / _REMEMBERED
        return max(1, min(_LONGEST_WAIT, math.ceil(self.held / rate))) if rate else 1


class Body:
    """One request's body on its way in."""

    def __init__(self, under_way: BodiesUnderWay, receive: Receive, announced: str) -> None:
        """`announced` is the header Content-Length, or empty."""
        self._under_way = under_way
        self._receive = receive
        self._announced = int(announced) if announced.isdecimal() else 0
        self._taken = 0
        self._counted = 0
        self._deadline: float | None = None
        """Of the event loop's clock; None before the first byte is asked for."""
        self._is_whole = False

    async def receive(self) -> Message:
        """The next part of it.

        Raises:
            TooLargeBodyError, TooMuchError, TooSlowBodyError: it is not taken.
        """
        if self._is_whole:
            return await self._receive()  # nothing comes now but that the client is gone
        if self._deadline is None:
            if self._announced > self._under_way.largest:
                raise TooLargeBodyError(self._under_way.largest)
            self._count(max(LEAST, self._announced), only_look=True)
            self._count(LEAST)
            self._deadline = asyncio.get_running_loop().time() + self._under_way.seconds
        try:
            async with asyncio.timeout_at(self._deadline):
                message = await self._receive()
        except TimeoutError:
            raise TooSlowBodyError(self._under_way.seconds) from None
        self._taken += len(message.get("body", b""))
        self._is_whole = not message.get("more_body", False)
        if self._taken > self._under_way.largest:
            raise TooLargeBodyError(self._under_way.largest)
        self._count(max(LEAST, self._taken))
        return message

    def end(self) -> None:
        """The request is answered, or given up."""
        if self._counted:
            self._under_way.release(self._counted)
            self._counted = 0

    def _count(self, size: int, *, only_look: bool = False) -> None:
        others = self._under_way.held - self._counted
        # of what is small a quarter more is taken: so a question finds room beside bulk requests
        most = self._under_way.most + (self._under_way.most // 4 if size <= LEAST else 0)
        if others and others + size > most:
            refusal = TooMuchError(self._under_way.seconds_until_room())
            self.end()  # at once: those that come beside it would be refused for its sake until it is answered
            raise refusal
        if not only_look:
            self._under_way.held += size - self._counted
            self._counted = size
