"""An iterator that runs in a process of its own, so that it and its reader have an interpreter each."""

from __future__ import annotations

import multiprocessing
import pickle
import signal
import threading
import traceback
from contextlib import contextmanager
from multiprocessing import resource_tracker
from typing import TYPE_CHECKING, Any, TypeVar

from trueline import garbage
from trueline.importers.errors import ImporterError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess

Item = TypeVar("Item")

_PATIENCE = 5.0
"""Seconds that the process has to end by itself once nobody reads any more."""


class ReaderDiedError(ImporterError):
    """The process ended before its iterator did: it was killed, or ran out of memory."""


def iterated_apart(iterate: Callable[[], Iterator[Item]]) -> Generator[Item, None, None]:
    """The items of ``iterate()``, which runs in a new process, one item ahead.

    ``iterate`` and the items go through pickle. The process ends with the iteration, also when that is left
    early, and by itself when this process is killed.

    Raises:
        ReaderDiedError: The process was killed.
        Exception: What ``iterate`` raises, with its traceback as a note.
    """
    # never a fork: it would take along the engine's locks without the threads that hold them
    context = multiprocessing.get_context("spawn")
    receiving, sending = context.Pipe(duplex=False)
    process = context.Process(target=_iterate, args=(iterate, sending), name="trueline-reader", daemon=True)
    try:
        _start(process)
        sending.close()  # so that the end of that process is the end of what can be received
        while (received := _received(receiving)) is not None:
            kind, value = received
            if kind == "end":
                return
            if kind == "error":
                raise value
            yield value
        process.join(_PATIENCE)
        raise ReaderDiedError(f"the process that reads the files ended early, with {process.exitcode}")
    finally:
        receiving.close()  # what is being sent fails now
        if process.pid is not None:
            process.join(_PATIENCE)
            if process.is_alive():
                process.kill()
                process.join()
        process.close()


def _start(process: BaseProcess) -> None:
    # Ctrl-C reaches both processes, and the reader of the items decides: the other one starts with it blocked.
    # The process that tracks resources comes first, because starting that unblocks it
    with _interrupts_held():
        resource_tracker.ensure_running()
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Let Ctrl-C wait until the end: a process interrupted while it starts another leaves that one half told.

    To block the signal in this thread is not enough: any other thread may take it, and the main one is interrupted.
    """
    if threading.current_thread() is not threading.main_thread():  # it is not the one that is interrupted
        yield
        return
    held: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: held.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if held:
            signal.raise_signal(signal.SIGINT)


def _received(receiving: Connection) -> tuple[str, Any] | None:
    """What was sent next; ``None`` where the sender has ended without a word."""
    try:
        received = receiving.recv_bytes()
    except EOFError:
        return None
    return pickle.loads(received)  # type: ignore[no-any-return] # noqa: S301 - from a process of our own


def _iterate(iterate: Callable[[], Iterator[object]], sending: Connection) -> None:
    garbage.look_seldom()
    try:
        for item in iterate():
            _send(sending, "item", item)
        _send(sending, "end", None)
    except BrokenPipeError:
        return  # nobody reads any more
    except Exception as error:  # noqa: BLE001 - raised again in the other process
        error.add_note(traceback.format_exc())
        _send(sending, "error", error)


def _send(sending: Connection, kind: str, value: object) -> None:
    sending.send_bytes(pickle.dumps((kind, value), protocol=pickle.HIGHEST_PROTOCOL))
