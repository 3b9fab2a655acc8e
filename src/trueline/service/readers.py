"""Large requests of events read and laid out in processes of their own, so that this one's interpreter is free.

Reading takes most of what a bulk request takes, all of it the interpreter's, of which a process has one: read here,
requests would wait for each other, and questions for all of them.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
from multiprocessing import connection
from typing import TYPE_CHECKING, Final

import structlog

from trueline import garbage
from trueline.arrow_memory import allocate_by_system
from trueline.ledger.documents import MAX_DEPTH
from trueline.service.prepared import prepare_events

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trueline.catalog.records import Job
    from trueline.ledger.keys import KeyMaker
from trueline.service.prepared import PreparedEvents

WORTH_SENDING: Final = 512 * 1024
"""Bytes from which on a request is read elsewhere: less is read while it is handed over."""

_NICE: Final = 10

_log = structlog.get_logger("trueline.readers")


class Readers:
    """So many processes that read; started when the first large request comes."""

    def __init__(self, processes: int, *, max_depth: int = MAX_DEPTH) -> None:
        self._processes = processes
        self._max_depth = max_depth
        self._lock = threading.Lock()
        self._started: ProcessPoolExecutor | None = None

    def prepare(self, job: Job, keys: KeyMaker, lines: Sequence[bytes]) -> PreparedEvents:
        """What `prepare_events` gives, read elsewhere where that is worth it; waits without the interpreter."""
        if not self._processes or sum(map(len, lines)) < WORTH_SENDING:
            return prepare_events(job, keys, lines, max_depth=self._max_depth)
        pool = None
        try:
            pool = self._pool()
            return pool.submit(_read, job, keys, lines, self._max_depth).result()
        except (BrokenExecutor, OSError, RuntimeError):
            # a process was killed, as by a system short of memory, or none can be started, as in one short of processes
            _log.warning("no process reads; what it was to read is read here", exc_info=True)
            if pool is not None:
                self._drop(pool)
            return prepare_events(job, keys, lines, max_depth=self._max_depth)

    def close(self) -> None:
        """End the processes."""
        with self._lock:
            if self._started is not None:
                self._started.shutdown()
                self._started = None

    def _pool(self) -> ProcessPoolExecutor:
        with self._lock:
            if self._started is None:
                # never a fork: it would take along the engine's locks without the threads that hold them
                context = multiprocessing.get_context("spawn")
                self._started = ProcessPoolExecutor(self._processes, context, initializer=_begin)
            return self._started

    def _drop(self, pool: ProcessPoolExecutor) -> None:
        with self._lock:
            if self._started is pool:
                self._started = None
        pool.shutdown(wait=False)


def _read(job: Job, keys: KeyMaker, lines: Sequence[bytes], max_depth: int) -> PreparedEvents:
    garbage.look()  # at what the last request left
    return prepare_events(job, keys, lines, max_depth=max_depth)


def _begin() -> None:
    """Make a process ready: it ends when told to, or with the one that it reads for, and not with Ctrl-C before.

    Questions come first: what is read meanwhile has time until it is written.
    """
    os.nice(_NICE)
    allocate_by_system()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    garbage.look_when_told()
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)
