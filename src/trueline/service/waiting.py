"""Events that wait to be written: what concurrent requests send into one job is written together.

An insert takes about as long for one event as for hundreds, most of it until the disk has it. So while one is under
way, the requests that arrive wait, and the next one takes them all.
"""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Final

from trueline.service.batch import Batch
from trueline.service.lines import BulkAnswer

if TYPE_CHECKING:
    from trueline.ledger.store import Ledger
    from trueline.service.prepared import PreparedEvents
    from trueline.service.writing import Writing

WRITERS: Final = 4
"""Jobs written to at once; the others take turns."""

MOST_EVENTS: Final = 10_000
"""Of several requests written together: with that many, waiting for the disk is little of what it takes."""


class _Waiting:
    """A request that waits."""

    def __init__(self, prepared: PreparedEvents) -> None:
        self.prepared = prepared
        self.answer: Future[BulkAnswer] = Future()


class WaitingEvents:
    """The requests that wait, job by job, and the threads that write them: nobody who waits holds a thread."""

    def __init__(self, ledger: Ledger, writing: Writing) -> None:
        self._ledger = ledger
        self._writing = writing
        self._writers = ThreadPoolExecutor(WRITERS, thread_name_prefix="events")
        self._lock = threading.Lock()
        self._of_job: dict[int, deque[_Waiting]] = {}
        """A job is in it from its first waiting request until a writer finds none left."""

    def put(self, prepared: PreparedEvents) -> Future[BulkAnswer]:
        """Have events written into their job; the answer comes, or what went wrong, when they are durable."""
        request = _Waiting(prepared)
        if not prepared.columns.num_rows:
            request.answer.set_result(BulkAnswer(rejected=list(prepared.rejected)))
            return request.answer
        job_id = prepared.job.id
        with self._lock:
            if job_id not in self._of_job:
                self._writers.submit(self._write_next, job_id)
                self._of_job[job_id] = deque()
            self._of_job[job_id].append(request)
        return request.answer

    def close(self) -> None:
        """Write what still waits, and end."""
        with self._lock:
            under_way = [request.answer for waiting in self._of_job.values() for request in waiting]
        wait(under_way)
        self._writers.shutdown()

    def _write_next(self, job_id: int) -> None:
        taken: list[_Waiting] = []
        answers: list[BulkAnswer] = []
        try:
            with self._writing.on(job_id) as job:
                taken = self._take(job_id)
                if taken:
                    answers = Batch(self._ledger, self._writing, job, [each.prepared for each in taken]).write()
        except BaseException as error:  # noqa: BLE001 - whoever waits is told
            for each in taken or self._take(job_id):
                each.answer.set_exception(error)
        else:
            for each, answer in zip(taken, answers, strict=True):
                each.answer.set_result(answer)
        with self._lock:
            if self._of_job[job_id]:
                self._writers.submit(self._write_next, job_id)  # behind the other jobs that wait
            else:
                del self._of_job[job_id]

    def _take(self, job_id: int) -> list[_Waiting]:
        """Those who have waited longest, as many as are written together; who has given up is passed over."""
        taken: list[_Waiting] = []
        events = 0
        with self._lock:
            waiting = self._of_job[job_id]
            while waiting and (not taken or events + waiting[0].prepared.columns.num_rows <= MOST_EVENTS):
                request = waiting.popleft()
                if request.answer.set_running_or_notify_cancel():
                    taken.append(request)
                    events += request.prepared.columns.num_rows
        return taken
