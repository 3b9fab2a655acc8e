"""An orderly end: who asks whether the server is ready learns of it at once, and what is under way is answered."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

from trueline.api.errors import answer

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

ALWAYS_ANSWERED: Final = frozenset({"/healthz", "/readyz", "/metrics", "/api/v1/health", "/api/v2/health"})
"""Paths of those who look after a server: answered to the very end, and never waited for."""

_GO_ELSEWHERE: Final = {"Retry-After": "1", "Connection": "close"}


class Stopping:
    """Whether the server is to stop, and what is still under way.

    From `begin` on it is not ready; requests are taken for so many seconds more, so that a load balancer can go
    elsewhere first; then new ones are refused, until those under way are answered or their time is over.
    """

    def __init__(self, notice_seconds: float = 0.0, seconds: float = 30.0) -> None:
        self._notice_seconds = notice_seconds
        self._seconds = seconds
        self._began: float | None = None
        self.refusing = False
        """Whether new requests are refused."""
        self.under_way = 0
        """Requests that are worked on."""

    @property
    def begun(self) -> bool:
        """Whether the server is to stop."""
        return self._began is not None

    def begin(self) -> None:
        """Have it stop; a second time changes nothing."""
        if self._began is None:
            self._began = time.monotonic()

    def seconds_left(self) -> float:
        """Seconds that requests under way still get; below 0: none. Infinite while the server is not to stop."""
        if self._began is None:
            return float("inf")
        return self._began + self._notice_seconds + self._seconds - time.monotonic()

    def is_over(self) -> bool:
        """Whether there is nothing to wait for any more; asked now and then once it has begun."""
        left = self.seconds_left()
        self.refusing = self.begun and left <= self._seconds
        return self.refusing and (not self.under_way or left <= 0)


class CountedRequests:
    """Wraps the app: counts what is under way, and refuses what comes too late."""

    def __init__(self, app: ASGIApp, stopping: Stopping) -> None:
        self._app = app
        self._stopping = stopping

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http" or scope["path"] in ALWAYS_ANSWERED:
            await self._app(scope, receive, send)
            return
        if self._stopping.refusing:
            await _refused()(scope, receive, send)
            return
        answered = False

        async def note(message: Message) -> None:
            nonlocal answered
            answered = True
            await send(message)

        self._stopping.under_way += 1
        try:
            await self._app(scope, receive, note)
        except asyncio.CancelledError:
            if answered or not self._stopping.begun:
                raise
            await _broken_off()(scope, receive, send)
        finally:
            self._stopping.under_way -= 1


def _refused() -> Response:
    return answer({"error": "The server is stopping"}, 503, _GO_ELSEWHERE)


def _broken_off() -> Response:
    said = "The server is stopping and could not wait for this; it may be done or not, and may be sent again"
    return answer({"error": said}, 503, _GO_ELSEWHERE)
