"""What is kept in memory of large jobs is read beside those who write, one job after the other; nobody waits for it."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

import structlog

from trueline.ledger import budget
from trueline.ledger.errors import JobGoneError
from trueline.service.errors import JobNotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable

    from trueline.catalog.records import Job
    from trueline.service.writing import Writing

_Reading = TypeVar("_Reading")
_Known_contra = TypeVar("_Known_contra", contravariant=True)

_log = structlog.get_logger("trueline.beside")


class Kept(Protocol[_Known_contra]):
    """Something that is kept of jobs, and told of what is written while it is being read."""

    wanted: Callable[[int], object] | None
    """Called with a job of which something is to be read."""

    def read(self, job_id: int, reading: _Known_contra, /) -> None:
        """Read it, while others may write to the job."""

    def install(self, job_id: int, reading: _Known_contra, /) -> None:
        """Have it used from now on. The job must be held."""

    def give_up(self, job_id: int, reading: _Known_contra, /) -> None:
        """Do without what could not be read."""

    def close(self) -> None:
        """Have what is being read end soon."""


class ReadBeside(Generic[_Reading]):
    """The jobs that wait for something to be read of them, and the thread that does it."""

    def __init__(
        self, what: str, kept: Kept[_Reading], begin: Callable[[Job], _Reading | None], writing: Writing
    ) -> None:
        """Have it read from now on.

        Args:
            what: It is, for the log.
            kept: Where it is kept.
            begin: Begins to read of a job, which is held meanwhile; gives None where there is nothing to read.
            writing: Holds jobs.
        """
        self._what = what
        self._kept = kept
        self._begin = begin
        self._writing = writing
        self._worker = ThreadPoolExecutor(1, thread_name_prefix=f"reads {what}")
        self._lock = threading.Lock()
        self._waiting: dict[int, Future[None]] = {}
        kept.wanted = self.want

    def put(self, job_id: int) -> Future[None]:
        """Have what is wanted of a job read; done when that is over, however it went."""
        with self._lock:
            if job_id not in self._waiting:
                self._waiting[job_id] = self._worker.submit(self._run, job_id)
            return self._waiting[job_id]

    def want(self, job_id: int) -> None:
        """The same for whoever does not wait for it: where it cannot be read, it is left."""
        with suppress(RuntimeError):  # closed meanwhile, or there are no more threads
            self.put(job_id)

    def wait(self) -> None:
        """Wait until all is read that was wanted until now."""
        self._worker.submit(lambda: None).result()  # in its turn after all others

    def close(self) -> None:
        """Give up what is being read; those that wait are cancelled, and nothing is read from now on."""
        self._kept.wanted = None
        self._kept.close()
        self._worker.shutdown(cancel_futures=True)

    def _run(self, job_id: int) -> None:
        with self._lock:
            self._waiting.pop(job_id, None)
        try:
            with budget.for_later():
                self._read(job_id)
        except (JobNotFoundError, JobGoneError):  # deleted meanwhile, and all that was kept of it with it
            pass
        except Exception:  # noqa: BLE001 - the log tells; the engine goes on answering
            _log.exception("what was to be kept in memory could not be read", what=self._what, job_id=job_id)

    def _read(self, job_id: int) -> None:
        """Read it while others write, and hold the job just before and after."""
        with self._writing.held(job_id) as job:
            reading = self._begin(job)
        if reading is None:
            return
        try:
            self._kept.read(job_id, reading)
            with self._writing.held(job_id):
                self._kept.install(job_id, reading)
        except BaseException:
            self._kept.give_up(job_id, reading)
            raise
