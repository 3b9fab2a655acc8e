"""What filters ask for of documents is read into memory in the background, one job after the other."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

import structlog

from trueline.ledger import budget
from trueline.ledger.errors import JobGoneError
from trueline.service.errors import JobNotFoundError

if TYPE_CHECKING:
    from trueline.ledger.store import Ledger
    from trueline.service.writing import Writing

_log = structlog.get_logger("trueline.filtering")


class Filtering:
    """The jobs whose filters wait for what they ask for to be read, and the thread that does it."""

    def __init__(self, ledger: Ledger, writing: Writing) -> None:
        self._ledger = ledger
        self._writing = writing
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="filtering")
        self._lock = threading.Lock()
        self._waiting: dict[int, Future[None]] = {}
        ledger.kept.columns.wanted = self.put

    def put(self, job_id: int) -> Future[None]:
        """Have what filters asked for of a job read; done when that is over, however it went."""
        with self._lock:
            if job_id not in self._waiting:
                self._waiting[job_id] = self._worker.submit(self._run, job_id)
            return self._waiting[job_id]

    def wait(self) -> None:
        """Wait until all is read that filters asked for until now."""
        self._worker.submit(lambda: None).result()  # in its turn after all others

    def close(self) -> None:
        """Give up what is being read; those that wait are cancelled, and nothing is read from now on."""
        self._ledger.kept.columns.wanted = None
        self._ledger.kept.columns.close()
        self._worker.shutdown(cancel_futures=True)

    def _run(self, job_id: int) -> None:
        with self._lock:
            del self._waiting[job_id]
        try:
            with budget.without():
                self._read(job_id)
        except (JobNotFoundError, JobGoneError):  # deleted meanwhile, and all that was kept of it with it
            pass
        except Exception:  # noqa: BLE001 - the log tells; the engine goes on answering
            _log.exception("what filters ask for could not be read", job_id=job_id)

    def _read(self, job_id: int) -> None:
        """Read it while others write, and hold the job just before and after."""
        kept = self._ledger.kept
        with self._writing.held(job_id) as job:
            by_bucket = job.grouping == "bucket"
            begun = kept.begin_columns(job_id, self._ledger.clock.last, by_bucket=by_bucket)
        if begun is None:
            return
        reading, parts = begun
        try:
            kept.columns.read(job_id, reading, parts)
            with self._writing.held(job_id):
                kept.columns.install(job_id, reading)
        except BaseException:
            kept.columns.give_up(job_id, reading)
            raise
