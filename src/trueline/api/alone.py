"""Events that come alone: from the loop that takes their requests to the threads that read and write them, and back.

They come by the hundred a second, and each hand-over between threads takes the interpreter from somebody. So there are
two for an event, from the loop to the thread that reads it and back once it is written, and what is written together
comes back together.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from trueline.api.errors import BusyError

if TYPE_CHECKING:
    from collections.abc import Callable

READERS: Final = 2
"""Events read at once. Reading is all computing: in sixteen threads it took a quarter longer, as each of them waits for
the interpreter, and the writers behind them."""

_Read = TypeVar("_Read")
_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True)
class _Request(Generic[_Read, _Answer]):
    """One that waits to be read, and who waits for it."""

    read: Callable[[], tuple[_Read, Future[_Answer]]]
    context: contextvars.Context
    """What is known of the request, as its id for the log."""
    answer: asyncio.Future[tuple[_Read, _Answer]]


class Alone:
    """Has events read, and tells when they are written. For one event loop, and made where it runs."""

    def __init__(self, most_waiting: int) -> None:
        """At most so many wait to be read."""
        self._loop = asyncio.get_running_loop()
        self._most_waiting = most_waiting
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="alone")
        self._unread: deque[_Request[Any, Any]] = deque()
        self._done: deque[tuple[asyncio.Future[Any], Future[Any], Any]] = deque()
        self._comes_back = False

    async def take_in(self, read: Callable[[], tuple[_Read, Future[_Answer]]]) -> tuple[_Read, _Answer]:
        """Read in a thread and have it written; what was read, and the answer that comes once it is written.

        Raises:
            BusyError: too many wait to be read.
            Exception: what `read` raises, or the answer.
        """
        if len(self._unread) >= self._most_waiting:
            raise BusyError
        request = _Request(read, contextvars.copy_context(), self._loop.create_future())
        self._unread.append(request)
        self._readers.submit(self._read_next)
        return await request.answer

    def close(self) -> None:
        """Read what still waits; nothing may be taken in from now on."""
        self._readers.shutdown()

    def _read_next(self) -> None:
        request = self._unread.popleft()  # there is one for each that was submitted
        if request.answer.cancelled():
            return
        written: Future[Any]
        try:
            read, written = request.context.run(request.read)
        except BaseException as error:  # noqa: BLE001 - whoever waits is told
            read, written = None, Future()
            written.set_exception(error)
        written.add_done_callback(lambda written: self._bring_back(request.answer, written, read))

    def _bring_back(self, answer: asyncio.Future[Any], written: Future[Any], read: object) -> None:
        self._done.append((answer, written, read))
        if not self._comes_back and not self._loop.is_closed():
            self._comes_back = True
            self._loop.call_soon_threadsafe(self._tell)

    def _tell(self) -> None:
        self._comes_back = False  # first: what is done from now on comes by itself if it is too late for this
        while self._done:
            answer, written, read = self._done.popleft()
            if answer.done():
                continue  # who waited has left
            if (error := written.exception()) is not None:
                answer.set_exception(error)
            else:
                answer.set_result((read, written.result()))
