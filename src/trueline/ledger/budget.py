"""The time that all queries of one request have together: what is left of it is what the engine gives the next."""

from __future__ import annotations

import contextlib
import math
import time
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

from trueline.ledger.errors import QueryTimeoutError

if TYPE_CHECKING:
    from collections.abc import Iterator

_LEAST: Final = 0.01
"""Seconds: the engine takes 0 for as long as it likes."""

_deadline: ContextVar[float | None] = ContextVar("trueline_query_deadline", default=None)


@contextlib.contextmanager
def within(seconds: float) -> Iterator[None]:
    """Give all queries of the block so long together."""
    before = _deadline.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _deadline.reset(before)


@contextlib.contextmanager
def without() -> Iterator[None]:
    """Let the queries of the block take as long as they take, as at a start, where nobody waits for an answer."""
    before = _deadline.set(math.inf)
    try:
        yield
    finally:
        _deadline.reset(before)


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
