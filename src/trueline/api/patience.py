"""How long the server waits for a connection: for a head that does not come, and for one who does not read.

The server below knows only how long a connection may idle after an answer; a body has its time in `under_way`. What
never becomes a request is answered here, where the app and its middleware do not see it, in the way of all answers.
"""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from trueline.api.errors import answer
from trueline.api.middleware import SAFE

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable


class PatientProtocol(H11Protocol):
    """Closes a connection on which the head of a request, or room for an answer, takes longer than it may."""

    def __init__(self, *arguments: Any, seconds: float, **named: Any) -> None:  # noqa: ANN401 - the server's own
        super().__init__(*arguments, **named)
        self._seconds = seconds
        self._head: asyncio.TimerHandle | None = None
        self._reader: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client came; it may idle before its first request as it may after any."""
        super().connection_made(transport)
        self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        self._unset_keepalive_if_required()
        self._head_came()
        self.resume_writing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """A part of a request came: the first of a head starts its time, the last ends it."""
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._head_came()
        elif self._head is None and not self.transport.is_closing():
            self._head = self.loop.call_later(self._seconds, self._head_is_late)

    def on_response_complete(self) -> None:
        """A request is answered; the next may have come already."""
        super().on_response_complete()
        if self.cycle is not None and not self.cycle.response_complete:
            self._head_came()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - as it is called
        """What came is no HTTP, or its head is too long: say so, where no answer has begun, and end the connection."""
        if self.conn.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            self._answer(HTTPStatus.BAD_REQUEST, "The request is not valid HTTP, or its head is too long")
        if self.cycle is not None:  # of a body that breaks off into something else: the app's own answer is too late
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.transport.close()

    def pause_writing(self) -> None:
        """The client does not read what it is answered."""
        super().pause_writing()
        if self._reader is None:
            self._reader = self.loop.call_later(self._seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """It reads again."""
        super().resume_writing()
        if self._reader is not None:
            self._reader.cancel()
            self._reader = None

    def _head_came(self) -> None:
        if self._head is not None:
            self._head.cancel()
            self._head = None

    def _head_is_late(self) -> None:
        self._head = None
        if self.transport.is_closing():
            return
        if self.conn.our_state is h11.IDLE:
            self._answer(HTTPStatus.REQUEST_TIMEOUT, f"The request did not arrive within {self._seconds:g} seconds")
        self.transport.close()

    def _answer(self, status: HTTPStatus, error: str) -> None:
        """Answer in the app's place, with the headers that each of its answers has."""
        said = answer({"error": error}, status)
        headers = [*self.server_state.default_headers, *said.raw_headers, *SAFE.items(), (b"connection", b"close")]
        head_alone = self.conn.our_state is h11.SEND_RESPONSE and self.scope["method"] == "HEAD"
        body = [] if head_alone else [h11.Data(data=bytes(said.body))]
        head = h11.Response(status_code=status, headers=headers, reason=status.phrase.encode())
        for event in (head, *body, h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")


def patient(seconds: float) -> Callable[..., PatientProtocol]:
    """What makes the protocol of a connection, given how long a request may take to arrive."""
    return partial(PatientProtocol, seconds=seconds)
