"""The threads that requests are worked on in: writers have their own, so that no question waits behind them.

A write may have to wait for its job, which takes one writer at a time, or for the disk. Questions that may take long
have theirs too, shared out by `Turns`: whatever they do, who sends is known, and what is kept is told, at once.
"""

from __future__ import annotations

import contextlib
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

import anyio
import anyio.to_thread
from anyio.lowlevel import RunVar
from starlette.requests import ClientDisconnect

from trueline.api import leaving
from trueline.api.alone import Alone
from trueline.api.errors import BusyError
from trueline.api.turns import Turns
from trueline.ledger.budget import Asker
from trueline.ledger.errors import QueryGivenUpError
from trueline.service.errors import JobNotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future

    from trueline.catalog.records import Key
    from trueline.service.workspace import Workspace

THREADS: Final = 16
"""Requests worked on at once, those that write left out; each thread keeps a client of the engine of its own."""

WRITERS_THREADS: Final = 8
"""Writes worked on at once; events that are read and wait to be written hold none."""

WRITERS_OF_ONE: Final = 6
"""Of them, those of one job: they may all wait for one who holds it long, as to train."""

READING_THREADS: Final = 4
"""Bulk requests of events read at once; the reading itself is done in processes, see `Readers`."""

QUESTIONS: Final = 8
"""Questions answered at once that may take long: each may use all cores."""

QUESTIONS_OF_ONE: Final = 6
"""Of them, those asked with the same key, so that there is always room for another's."""

MOST_WAITING: Final = 1_000
"""Requests that wait for a thread of one kind; who comes after them is told to come again."""

_OF_NO_JOB: Final = ""

_Result = TypeVar("_Result")
_Answer = TypeVar("_Answer")
_alone = RunVar[Alone]("trueline_alone")
_writers = RunVar[anyio.CapacityLimiter]("trueline_writers")
_reading = RunVar[anyio.CapacityLimiter]("trueline_reading")
_questions = RunVar[anyio.CapacityLimiter]("trueline_questions")
_turns = RunVar[Turns]("trueline_turns")
_writers_turns = RunVar[Turns]("trueline_writers_turns")


@contextlib.contextmanager
def divided() -> Iterator[None]:
    """Set how many threads there are for what, until the block ends; entered where the event loop runs."""
    anyio.to_thread.current_default_thread_limiter().total_tokens = THREADS
    _writers.set(anyio.CapacityLimiter(WRITERS_THREADS))
    _reading.set(anyio.CapacityLimiter(READING_THREADS))
    _questions.set(anyio.CapacityLimiter(QUESTIONS))
    _turns.set(Turns(QUESTIONS, QUESTIONS_OF_ONE, MOST_WAITING))
    _writers_turns.set(Turns(WRITERS_THREADS, WRITERS_OF_ONE, MOST_WAITING))
    with contextlib.closing(Alone(MOST_WAITING)) as alone:
        _alone.set(alone)
        yield


async def ask(opened: Workspace, key: Key, question: Callable[[], _Result]) -> _Result:
    """Ask what may take long; it waits for its turn no longer than it may then take.

    Raises:
        BusyError: its turn did not come.
        QueryTimeoutError: it took longer than the budget, and was stopped.
        ClientDisconnect: who asked has left, and it was stopped.
    """
    asker = Asker()
    with leaving.noticed(partial(opened.give_up, asker)):
        end = await _turns.get().take(key.id, opened.settings.query_seconds)
        try:
            answering = partial(opened.within_budget, question, asker)
            return await anyio.to_thread.run_sync(answering, limiter=_questions.get())
        except QueryGivenUpError:
            if asker.has_left:
                raise ClientDisconnect from None
            raise
        finally:
            end()


async def write_to(opened: Workspace, job: str, work: Callable[[], _Result]) -> _Result:
    """Do what may wait for a job that a request names, by id or title: those that do leave threads for others.

    Raises:
        BusyError: too many wait already.
    """
    return await _write(await anyio.to_thread.run_sync(_writer_of, opened, job), work)


async def run_in_writers_thread(work: Callable[[], _Result]) -> _Result:
    """Do what writes to no job that there is already, or to all; raises as `write_to`."""
    return await _write(_OF_NO_JOB, work)


async def _write(writer: str, work: Callable[[], _Result]) -> _Result:
    end = await _writers_turns.get().take(writer, None)
    try:
        return await anyio.to_thread.run_sync(work, limiter=_writers.get())
    finally:
        end()


def _writer_of(opened: Workspace, job: str) -> str:
    """What writers of a job are counted by, however they name it. Of those of none the work finds that out."""
    try:
        return str(opened.jobs.get(job).id)
    except JobNotFoundError:
        return _OF_NO_JOB


async def run_in_reading_thread(work: Callable[[], _Result]) -> _Result:
    """Read events that come in bulk; raises as `write_to`."""
    limiter = _reading.get()
    if limiter.statistics().tasks_waiting >= MOST_WAITING:
        raise BusyError
    return await anyio.to_thread.run_sync(work, limiter=limiter)


async def take_in_alone(read: Callable[[], tuple[_Result, Future[_Answer]]]) -> tuple[_Result, _Answer]:
    """Read an event that comes alone, and wait until it is written: see `Alone.take_in`."""
    return await _alone.get().take_in(read)
