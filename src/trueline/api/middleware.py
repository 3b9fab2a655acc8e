"""What happens to every request: an id, a bounded body, no trailing slash, safe headers, a line in the log."""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING, Final

import structlog
from prometheus_client import Counter, Histogram
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect

from trueline.api import leaving
from trueline.api.errors import unexpected
from trueline.api.under_way import BodiesUnderWay, Body

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_log = structlog.get_logger("trueline.access")
_GONE = 499
"""Noted where the client left before its request was whole; nobody is answered."""
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_REQUESTS = Counter("trueline_http_requests", "Requests answered.", ["method", "route", "status"])
_SECONDS = Histogram("trueline_http_request_seconds", "Seconds from request to answer.", ["method", "route"])


SAFE: Final[dict[bytes, bytes]] = {
    b"cache-control": b"no-store",
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'",
    b"cross-origin-resource-policy": b"same-origin",
    b"referrer-policy": b"no-referrer",
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
}
"""Headers of every answer that has none of its own of that name: the page of the API needs more than nothing."""


class EveryRequest:
    """Wraps the app; see the module."""

    def __init__(self, app: ASGIApp, bodies: BodiesUnderWay) -> None:
        self._app = app
        self._bodies = bodies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope["path"] = scope["path"].rstrip("/") or "/"
        request_id = uuid.uuid4().hex
        began = time.perf_counter()
        status = 500
        started = False
        body = Body(self._bodies, receive, Headers(scope=scope).get("content-length", ""))

        async def note(message: Message) -> None:
            nonlocal status, started
            if message["type"] == "http.response.start":
                status, started = message["status"], True
                given = {name.lower() for name, _ in message["headers"]}
                message["headers"] = [
                    *message["headers"],
                    *((name, value) for name, value in SAFE.items() if name not in given),
                    (b"x-request-id", request_id.encode()),
                ]
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                with leaving.heard_of_by(body.receive):
                    await self._app(scope, body.receive, note)
            except ClientDisconnect:
                status = _GONE
            except Exception as error:
                # here and not further out, so that this answer too has its request's id
                if started:
                    raise
                await unexpected(error)(scope, receive, note)
            finally:
                body.end()
                seconds = time.perf_counter() - began
                route = getattr(scope.get("route"), "path", "none")
                method = scope["method"] if scope["method"] in _METHODS else "other"  # clients may invent any
                _REQUESTS.labels(method, route, status).inc()
                _SECONDS.labels(method, route).observe(seconds)
                _log.info("request", method=method, route=route, status=status, seconds=round(seconds, 6))
