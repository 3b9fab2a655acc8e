"""What all queries of one request have together: their time, and somebody who waits for the answer.

What is left of the time is what the engine gives the next query.
"""

from __future__ import annotations

import contextlib
import math
import secrets
import time
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

from trueline.ledger.errors import QueryGivenUpError, QueryTimeoutError

if TYPE_CHECKING:
    from collections.abc import Iterator

_LEAST: Final = 0.01
"""Seconds: the engine takes 0 for as long as it likes."""

_deadline: ContextVar[float | None] = ContextVar("trueline_query_deadline", default=None)
_awaited: ContextVar[bool] = ContextVar("trueline_query_awaited", default=True)


class Asker:
    """Who waits for the answer to a request, and may leave."""

    def __init__(self) -> None:
        self.mark = f"trueline-{secrets.token_hex(8)}"
        """What the engine knows the queries of the request by."""
        self.has_left = False


_asker: ContextVar[Asker | None] = ContextVar("trueline_asker", default=None)


@contextlib.contextmanager
def within(seconds: float, asker: Asker | None = None) -> Iterator[None]:
    """Give all queries of the block so long together, and no longer than until who asks has left."""
    before, asker_before = _deadline.set(time.monotonic() + seconds), _asker.set(asker)
    try:
        yield
    finally:
        _deadline.reset(before)
        _asker.reset(asker_before)


@contextlib.contextmanager
def without() -> Iterator[None]:
    """Let the queries of the block take as long as they take, as at a start, where nobody waits for an answer."""
    before, asker_before = _deadline.set(math.inf), _asker.set(None)
    try:
        yield
    finally:
        _deadline.reset(before)
        _asker.reset(asker_before)


@contextlib.contextmanager
def for_later() -> Iterator[None]:
    """Say that nobody waits for what the queries of the block answer; they take as long as they take."""
    before = _awaited.set(False)
    try:
        with without():
            yield
    finally:
        _awaited.reset(before)


def is_awaited() -> bool:
    """Whether somebody may wait for what the next query answers: everywhere but in a block `for_later`."""
    return _awaited.get()


def left(most: float) -> float:
    """Seconds that the next query has, and no more than `most`; 0 is without a bound.

    Raises:
        QueryTimeoutError: none.
    """
    deadline = _deadline.get()
    if deadline is None:
        return most
    if deadline == math.inf:
        return 0.0
    seconds = deadline - time.monotonic()
    if seconds < _LEAST:
        raise QueryTimeoutError("the query went over its time budget and was stopped")
    return min(seconds, most)


def marked(sql: str) -> str:
    """A query with the mark of who asks, if there is somebody who may leave.

    Raises:
        QueryGivenUpError: there was, and has left.
    """
    asker = _asker.get()
    if asker is None:
        return sql
    if asker.has_left:
        raise QueryGivenUpError
    return f"{sql}\n/* {asker.mark} */"
