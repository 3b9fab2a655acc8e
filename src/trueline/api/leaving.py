"""A client that leaves before it is answered: what was asked for it is given up."""

from __future__ import annotations

import asyncio
import contextlib
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

import anyio.to_thread
import structlog
from starlette.exceptions import HTTPException

from trueline.ledger.errors import LedgerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from starlette.types import Receive

_AGAIN: Final = 0.5
"""Seconds after which it is given up once more: a query that was about to begin is missed the first time."""

_log = structlog.get_logger("trueline.api")
_receive: ContextVar[Receive | None] = ContextVar("trueline_receive", default=None)


@contextlib.contextmanager
def heard_of_by(receive: Receive) -> Iterator[None]:
    """Handle a request of which `receive` tells, once its body is whole, that the client is gone."""
    before = _receive.set(receive)
    try:
        yield
    finally:
        _receive.reset(before)


@contextlib.contextmanager
def noticed(give_up: Callable[[], None]) -> Iterator[None]:
    """Work on an answer; `give_up` is called in a thread, again and again, once the client is gone until that ends."""
    receive = _receive.get()
    if receive is None:
        yield
        return
    watching = asyncio.create_task(_watch(receive, give_up))
    try:
        yield
    finally:
        watching.cancel()


async def _watch(receive: Receive, give_up: Callable[[], None]) -> None:
    with contextlib.suppress(HTTPException):  # a body that nobody reads, and that is too large or slow
        while (await receive())["type"] != "http.disconnect":
            pass
        while True:
            try:
                await anyio.to_thread.run_sync(give_up)
            except LedgerError:
                _log.warning("what nobody waits for was not stopped", exc_info=True)
            await asyncio.sleep(_AGAIN)
