"""Events that come alone are read in threads and brought back together."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import gc
import queue
import sys
import threading
import time
import weakref
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from trueline.api.alone import Alone
from trueline.api.errors import BusyError

if TYPE_CHECKING:
    from collections.abc import Callable

_name = contextvars.ContextVar("name", default="nobody")


def _written(answer: str) -> Future[str]:
    future: Future[str] = Future()
    future.set_result(answer)
    return future


def _held(until_set: threading.Event) -> tuple[str, Future[str]]:
    until_set.wait(10)
    return "held", _written("written")


def _noted(read: list[str]) -> tuple[str, Future[str]]:
    read.append("read")
    return "read", _written("written")


def test_who_sends_gets_what_was_read_and_what_became_of_it() -> None:
    async def send() -> tuple[str, str]:
        with closing(Alone(10)) as alone:
            return await alone.take_in(lambda: ("read", _written("written")))

    assert asyncio.run(send()) == ("read", "written")


def test_the_answer_comes_once_it_is_written_and_not_before() -> None:
    async def send() -> None:
        written: Future[str] = Future()
        with closing(Alone(10)) as alone:
            waits = asyncio.create_task(alone.take_in(lambda: ("read", written)))
            done, _ = await asyncio.wait([waits], timeout=0.1)
            assert not done
            written.set_result("written")
            assert await waits == ("read", "written")

    asyncio.run(send())


def test_what_is_written_together_comes_back_together(monkeypatch: pytest.MonkeyPatch) -> None:
    async def send() -> tuple[list[tuple[int, str]], int]:
        answers: list[Future[str]] = [Future() for _ in range(20)]
        loop, woken = asyncio.get_running_loop(), 0
        wake = loop.call_soon_threadsafe

        def counted(*arguments: object) -> object:
            nonlocal woken
            woken += 1
            return wake(*arguments)  # type: ignore[arg-type]

        with closing(Alone(50)) as alone:
            waiting = [
                asyncio.create_task(alone.take_in(lambda n=number: (n, answers[n])))  # type: ignore[misc]
                for number in range(20)
            ]
            await until(lambda: all(answer._done_callbacks for answer in answers))  # type: ignore[attr-defined]  # noqa: SLF001 - all are read
            monkeypatch.setattr(loop, "call_soon_threadsafe", counted)
            for answer in answers:  # in the loop's own thread: it cannot run in between
                answer.set_result("written")
            return await asyncio.gather(*waiting), woken

    told, woken = asyncio.run(send())
    assert told == [(number, "written") for number in range(20)]
    assert woken == 1


def test_none_is_forgotten_that_is_written_by_many_threads_while_others_are_told() -> None:
    async def send(clients: int, each: int) -> int:
        written: queue.SimpleQueue[Future[str] | None] = queue.SimpleQueue()

        def write() -> None:
            while (answer := written.get()) is not None:
                answer.set_result("written")

        def read() -> tuple[str, Future[str]]:
            answer: Future[str] = Future()
            written.put(answer)
            return "read", answer

        async def client(alone: Alone) -> int:
            return sum([await alone.take_in(read) == ("read", "written") for _ in range(each)])

        with ThreadPoolExecutor(4) as writers, closing(Alone(clients)) as alone:
            for _ in range(4):
                writers.submit(write)
            try:
                return sum(await asyncio.gather(*(client(alone) for _ in range(clients))))
            finally:
                for _ in range(4):
                    written.put(None)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        assert asyncio.run(asyncio.wait_for(send(30, 50), 60)) == 1_500
    finally:
        sys.setswitchinterval(interval)


@pytest.mark.parametrize("when", ["read", "written"])
@pytest.mark.parametrize(
    ("wrong", "told"), [(LookupError("nothing there"), LookupError), (StopIteration(), RuntimeError)]
)
def test_what_goes_wrong_is_told_to_who_sent_it(when: str, wrong: Exception, told: type[Exception]) -> None:
    def read() -> tuple[str, Future[str]]:
        if when == "read":
            raise wrong
        future: Future[str] = Future()
        future.set_exception(wrong)
        return "read", future

    async def send() -> None:
        with closing(Alone(10)) as alone:
            with pytest.raises(told):
                await alone.take_in(read)
            assert await alone.take_in(lambda: ("next", _written("written"))) == ("next", "written")

    asyncio.run(send())


def test_more_than_may_wait_are_sent_away_and_the_others_answered() -> None:
    async def send() -> list[object]:
        held = threading.Event()
        with closing(Alone(1)) as alone:
            taken = []
            for unread in (0, 0, 1):  # two are being read, and the third one waits
                taken.append(asyncio.create_task(alone.take_in(lambda: _held(held))))
                await asyncio.sleep(0)
                await until(lambda unread=unread: len(alone._unread) == unread)  # type: ignore[misc]  # noqa: SLF001
            with pytest.raises(BusyError):
                await alone.take_in(lambda: _held(held))
            assert not any(each.done() for each in taken)
            held.set()
            return await asyncio.gather(*taken)

    assert asyncio.run(send()) == [("held", "written")] * 3


def test_who_leaves_before_it_is_read_has_nothing_read() -> None:
    async def send() -> list[str]:
        held, read = threading.Event(), list[str]()
        with closing(Alone(10)) as alone:
            holding = [asyncio.create_task(alone.take_in(lambda: _held(held))) for _ in range(2)]
            await asyncio.sleep(0.1)
            leaves = asyncio.create_task(alone.take_in(lambda: _noted(read)))
            await asyncio.sleep(0.1)
            leaves.cancel()
            await asyncio.wait([leaves])
            held.set()
            await asyncio.gather(*holding)
            return read

    assert asyncio.run(send()) == []


def test_what_is_known_of_a_request_is_known_where_it_is_read() -> None:
    async def send() -> str:
        _name.set("ana")
        with closing(Alone(10)) as alone:
            name, _ = await alone.take_in(lambda: (_name.get(), _written("written")))
            return name

    assert asyncio.run(send()) == "ana"


def test_who_leaves_before_it_is_written_has_it_given_up() -> None:
    async def send() -> bool:
        written: Future[str] = Future()
        with closing(Alone(10)) as alone:
            leaves = asyncio.create_task(alone.take_in(lambda: ("read", written)))
            await until(lambda: bool(written._done_callbacks))  # type: ignore[attr-defined]  # noqa: SLF001 - it is read
            leaves.cancel()
            await asyncio.wait([leaves])
            assert await alone.take_in(lambda: ("next", _written("written"))) == ("next", "written")
            return written.cancelled()

    assert asyncio.run(send())


class Body:
    """Stands for the bytes of a request."""


@pytest.mark.parametrize("how", ["answered", "refused when read", "refused when written"])
def test_what_was_sent_is_let_go_of_once_it_is_answered_or_refused(how: str) -> None:
    async def send(alone: Alone, writers: ThreadPoolExecutor) -> weakref.ref[Body]:
        body = Body()

        def write() -> Body:
            time.sleep(0.05)
            if how == "answered":
                return body
            raise ValueError(repr(body))

        def read() -> tuple[None, Future[Body]]:
            if how == "refused when read":
                raise ValueError(repr(body))
            return None, writers.submit(write)

        with contextlib.nullcontext() if how == "answered" else pytest.raises(ValueError, match="Body object"):
            await alone.take_in(read)
        return weakref.ref(body)

    async def kept() -> Body | None:
        with closing(Alone(10)) as alone:
            with ThreadPoolExecutor(1) as writers:
                sent = await send(alone, writers)
            # once their threads have ended, both have let go: whoever waits is told a little before
            alone._readers.shutdown()  # noqa: SLF001 - closing waits for nobody
            await asyncio.sleep(0)
            return sent()

    gc.disable()
    try:
        assert asyncio.run(kept()) is None
    finally:
        gc.enable()


def test_at_the_end_nobody_is_waited_for_and_what_is_not_read_is_given_up() -> None:
    async def send() -> list[str]:
        held, read = threading.Event(), list[str]()
        alone = Alone(10)
        holding = [asyncio.create_task(alone.take_in(lambda: _held(held))) for _ in range(2)]
        await until(lambda: not alone._unread)  # noqa: SLF001 - both are being read
        waiting = [asyncio.create_task(alone.take_in(lambda: _noted(read))) for _ in range(5)]
        await until(lambda: len(alone._unread) == 5)  # noqa: SLF001 - and the others wait
        alone.close()
        for each in await asyncio.gather(*waiting, return_exceptions=True):
            assert isinstance(each, asyncio.CancelledError)
        with pytest.raises(BusyError):
            await alone.take_in(lambda: _noted(read))
        held.set()
        assert await asyncio.gather(*holding) == [("held", "written")] * 2
        return read

    assert asyncio.run(send()) == []


async def until(true: Callable[[], bool]) -> None:
    """Let others run until it is so."""
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110 - what is waited for tells nobody
            await asyncio.sleep(0.01)
