"""Events that come alone: from the loop that takes their requests to the threads that read and write them, and back.

They come by the hundred a second, and each hand-over between threads takes the interpreter from somebody. So the loop
has two of them for an event, one to the thread that reads it and one once it is written, and what is written together
comes back together.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from trueline.api.errors import BusyError

if TYPE_CHECKING:
    from collections.abc import Callable

READERS: Final = 2
"""Events read at once. Reading is all computing: in sixteen threads it took a quarter longer, as each of them waits for
the interpreter, and the writers behind them."""

_Read = TypeVar("_Read")
_Answer = TypeVar("_Answer")


@dataclass(slots=True)
class _Request(Generic[_Read, _Answer]):
    """One that waits to be read, and who waits for it."""

    read: Callable[[], tuple[_Read, Future[_Answer]]]
    context: contextvars.Context
    """What is known of the request, as its id for the log."""
    answer: asyncio.Future[tuple[_Read, _Answer]]
    """Set where the loop runs."""
    written: Future[_Answer] | None = None
    """What comes once it is written; None until it is read."""


class Alone:
    """Has events read, and tells when they are written. For one event loop, and made and used where it runs."""

    def __init__(self, most_waiting: int) -> None:
        """At most so many wait to be read."""
        self._loop = asyncio.get_running_loop()
        self._most_waiting = most_waiting
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="alone")
        self._closed = False
        self._unread: deque[_Request[Any, Any]] = deque()
        """Who waits for a reader: one for each that the readers were told to take."""
        self._done: deque[tuple[_Request[Any, Any], Future[Any], Any]] = deque()
        """What is written, or went wrong, and is not told yet; with what was read."""
        self._is_coming = False
        """Whether the loop has been asked to tell what is done, and has not begun to."""

    async def take_in(self, read: Callable[[], tuple[_Read, Future[_Answer]]]) -> tuple[_Read, _Answer]:
        """Read in a thread and have it written; what was read, and the answer that comes once it is written.

        Who leaves before has nothing read, or nothing written, where that is not begun.

        Raises:
            BusyError: too many wait to be read, or nothing is read any more.
            Exception: what `read` raises, or the answer.
        """
        if self._closed or len(self._unread) >= self._most_waiting:
            raise BusyError
        request = _Request(read, contextvars.copy_context(), self._loop.create_future())
        self._unread.append(request)
        self._readers.submit(self._read_next)
        try:
            return await request.answer
        except asyncio.CancelledError:
            if request.written is not None:
                request.written.cancel()
            raise
        finally:
            del request  # what is raised knows of this frame, and both would stay until cycles are looked for

    def close(self) -> None:
        """Take in nothing more, and give up what is not read yet; waits for nobody."""
        self._closed = True
        for request in tuple(self._unread):  # the readers go on meanwhile
            request.answer.cancel()
        self._readers.shutdown(wait=False, cancel_futures=True)

    def _read_next(self) -> None:
        request = self._unread.popleft()
        if request.answer.cancelled():
            return
        written: Future[Any]
        try:
            read, written = request.context.run(request.read)
        except BaseException as error:  # noqa: BLE001 - whoever waits is told
            read, written = None, Future()
            written.set_exception(error)
        request.written = written
        if request.answer.cancelled():  # meanwhile: whoever leaves from now on sees what is to be given up
            written.cancel()
        written.add_done_callback(partial(self._bring_back, request, read))
        del request, read, written  # an error knows of this frame: as above

    def _bring_back(self, request: _Request[Any, Any], read: object, written: Future[Any]) -> None:
        self._done.append((request, written, read))
        if not self._is_coming:
            self._is_coming = True
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                self._loop.call_soon_threadsafe(self._tell)

    def _tell(self) -> None:
        self._is_coming = False  # first: what is done from now on comes by itself if it is too late for this
        while self._done:
            request, written, read = self._done.popleft()
            request.written = None  # which knows of the request, and both would stay until cycles are looked for
            if request.answer.done():
                continue  # who waited has left
            error = written.exception()
            if isinstance(error, StopIteration):  # which nobody who awaits can be told
                error = RuntimeError("what was to be read or written ended too early")
            if error is not None:
                request.answer.set_exception(error)
            else:
                request.answer.set_result((read, written.result()))
