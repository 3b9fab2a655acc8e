"""Events that wait to be written: what concurrent requests send into one job is written together.

An insert takes about as long for one event as for hundreds, most of it until the disk has it. So while one is under
way, the requests that arrive wait, and the next one takes them all.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from trueline.catalog.records import Status
from trueline.service.batch import Batch
from trueline.service.errors import JobStoppedError, TooMuchWaitingError
from trueline.service.lines import BulkAnswer

if TYPE_CHECKING:
    from trueline.ledger.store import Ledger
    from trueline.service.prepared import PreparedEvents, ReadEvent
    from trueline.service.writing import Writing

WRITERS: Final = 4
"""Jobs written to at once; the others take turns."""

MOST_EVENTS: Final = 10_000
"""Of several requests written together: with that many, waiting for the disk is little of what it takes."""

MOST_BYTES: Final = 64 * 1024 * 1024
"""Waiting for one job, by default."""

LONGEST_WAIT: Final = 60
"""Seconds that anybody is told to wait before trying again."""

MOST_PATIENCE: Final = 0.05
"""Seconds a writer waits for others to come, at the most."""


class _Waiting:
    """A request that waits."""

    def __init__(self, prepared: PreparedEvents | ReadEvent) -> None:
        self.prepared = prepared
        self.memory = prepared.memory
        self.answer: Future[BulkAnswer] = Future()


class _Queue:
    """The requests that wait for one job, and what to expect after the last batch of it."""

    def __init__(self, lock: threading.Lock) -> None:
        self.requests: deque[_Waiting] = deque()
        self._enough = threading.Condition(lock)
        self.memory = 0
        """Bytes that what waits takes."""
        self._events = 0
        self._rate = 0.0
        """Bytes a second that the last batch was written with; 0 before the first."""
        self._expected = 0
        self._patience = 0.0

    def add(self, request: _Waiting) -> None:
        """One more waits. The lock must be held, here and below."""
        self.requests.append(request)
        self.memory += request.memory
        self._events += request.prepared.size
        if self._are_enough():
            self._enough.notify()

    def next(self) -> _Waiting:
        """Who has waited longest, taken out."""
        request = self.requests.popleft()
        self.memory -= request.memory
        self._events -= request.prepared.size
        return request

    def seconds(self) -> int:
        """How long what waits will take, as fast as the last batch was written; in whole seconds."""
        return max(1, min(LONGEST_WAIT, math.ceil(self.memory / self._rate))) if self._rate else 1

    def expect(self, answered: int, seconds: float, written: int = 0) -> bool:
        """Learn from a batch: how many it answered, how long it took, its bytes. Whether more are likely to come.

        Who was answered often sends again, so as many are expected as there are: an insert of one event takes hardly
        less than one of a hundred, and what each has made the engine has to merge.
        """
        self._expected = answered + len(self.requests)
        self._patience = min(seconds, MOST_PATIENCE)
        self._rate = written / seconds
        return bool(self.requests) or self._expected > 1

    def gather(self) -> None:
        """Wait for as many as are expected, or for all that one batch takes; who sends alone never waits.

        No longer than the last batch took, and `MOST_PATIENCE`.
        """
        if self._expected > 1:
            self._enough.wait_for(self._are_enough, self._patience)

    def _are_enough(self) -> bool:
        return len(self.requests) >= self._expected or self._events >= MOST_EVENTS


class WaitingEvents:
    """The requests that wait, job by job, and the threads that write them: nobody who waits holds a thread."""

    def __init__(self, ledger: Ledger, writing: Writing, most_bytes: int = MOST_BYTES) -> None:
        """At most so many bytes wait for one job."""
        self._ledger = ledger
        self._writing = writing
        self._most_bytes = most_bytes
        self._writers = ThreadPoolExecutor(WRITERS, thread_name_prefix="events")
        self._lock = threading.Lock()
        self._of_job: dict[int, _Queue] = {}
        """A job is in it from its first waiting request until a writer expects no more."""
        self._idle = threading.Condition(self._lock)

    def put(self, prepared: PreparedEvents | ReadEvent) -> Future[BulkAnswer]:
        """Have events written into their job; the answer comes, or what went wrong, when they are durable.

        Raises:
            TooMuchWaitingError: more waits for the job than is kept; who finds nobody waiting is always taken.
        """
        request = _Waiting(prepared)
        if not prepared.size:
            request.answer.set_result(BulkAnswer(rejected=list(prepared.rejected)))
            return request.answer
        job_id = prepared.job.id
        with self._lock:
            queue = self._of_job.get(job_id)
            if queue is None:
                self._writers.submit(self._write_next, job_id)
                queue = self._of_job[job_id] = _Queue(self._lock)
            elif queue.requests and queue.memory + request.memory > self._most_bytes:
                raise TooMuchWaitingError(prepared.job.title, queue.seconds())
            queue.add(request)
        return request.answer

    def close(self) -> None:
        """Write what still waits, and end; nothing may be put from now on."""
        with self._lock:
            self._idle.wait_for(lambda: not self._of_job)
        self._writers.shutdown()

    def _write_next(self, job_id: int) -> None:
        taken: list[_Waiting] = []
        answers: list[BulkAnswer] = []
        refusal: BaseException | None = None
        with self._lock:
            self._of_job[job_id].gather()
            if not self._of_job[job_id].requests:
                self._leave(job_id)
                return
        began = time.perf_counter()
        try:
            with self._writing.on(job_id) as job:
                began = time.perf_counter()
                taken = self._take(job_id)
                if job.status is Status.DISABLED:
                    refusal = JobStoppedError(job.title)  # not raised here: nothing is cut short
                elif taken:
                    answers = Batch(self._ledger, self._writing, job, [each.prepared for each in taken]).write()
        except BaseException as error:  # noqa: BLE001 - whoever waits is told
            refusal = error
            taken = taken or self._take(job_id)
        _tell(taken, answers, refusal)
        answered, written = len(taken), sum(each.memory for each in taken)
        # what went wrong knows of this frame, and would keep what was sent until cycles are looked for
        del taken, answers, refusal
        with self._lock:
            if self._of_job[job_id].expect(answered, time.perf_counter() - began, written):
                self._writers.submit(self._write_next, job_id)  # behind the other jobs that wait
            else:
                self._leave(job_id)

    def _leave(self, job_id: int) -> None:
        del self._of_job[job_id]
        self._idle.notify_all()

    def _take(self, job_id: int) -> list[_Waiting]:
        """Those who have waited longest, as many as are written together; who has given up is passed over."""
        taken: list[_Waiting] = []
        events = 0
        with self._lock:
            queue = self._of_job[job_id]
            while queue.requests and (not taken or events + queue.requests[0].prepared.size <= MOST_EVENTS):
                request = queue.next()
                if request.answer.set_running_or_notify_cancel():
                    taken.append(request)
                    events += request.prepared.size
        return taken


def _tell(taken: list[_Waiting], answers: list[BulkAnswer], refusal: BaseException | None) -> None:
    """Answer those who wait, all with what went wrong where anything did."""
    if refusal is None:
        for each, answer in zip(taken, answers, strict=True):
            each.answer.set_result(answer)
    else:
        for each in taken:
            each.answer.set_exception(refusal)
