"""The threads that requests are worked on in: writers have their own, so that no question waits behind them.

A write may have to wait for its job, which takes one writer at a time, or for the disk.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

import anyio
import anyio.to_thread
from anyio.lowlevel import RunVar

if TYPE_CHECKING:
    from collections.abc import Callable

THREADS: Final = 16
"""Requests worked on at once, those that write left out; each thread keeps a client of the engine of its own."""

WRITERS_THREADS: Final = 8
"""Writes worked on at once; events that are read and wait to be written hold none."""

ALONE_THREADS: Final = 2
"""Events that come alone and are read at once. Reading is all computing: in sixteen threads it took a quarter longer,
as each of them waits for the interpreter, and the writers behind them."""

_Result = TypeVar("_Result")
_alone = RunVar[anyio.CapacityLimiter]("trueline_alone")
_writers = RunVar[anyio.CapacityLimiter]("trueline_writers")


def divide() -> None:
    """Set how many threads there are for what; called where the event loop runs."""
    anyio.to_thread.current_default_thread_limiter().total_tokens = THREADS
    _alone.set(anyio.CapacityLimiter(ALONE_THREADS))
    _writers.set(anyio.CapacityLimiter(WRITERS_THREADS))


async def run_in_writers_thread(work: Callable[[], _Result]) -> _Result:
    """Do what may wait for a job; all else has `run_in_threadpool`."""
    return await anyio.to_thread.run_sync(work, limiter=_writers.get())


async def run_in_thread_for_one(work: Callable[[], _Result]) -> _Result:
    """Read an event that comes alone."""
    return await anyio.to_thread.run_sync(work, limiter=_alone.get())
