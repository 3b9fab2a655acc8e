"""One writer a job at a time, and what was cut short is finished before the next write."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from trueline.catalog.errors import StoreFull
from trueline.ledger import budget
from trueline.ledger.errors import LedgerFullError
from trueline.metrics.consensus import Consensus, Vote, consensus
from trueline.service.errors import JobNotFoundError, TruelineError
from trueline.service.stillness import Stillness

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from trueline.catalog.records import Job
    from trueline.catalog.store import Catalog
    from trueline.ledger.store import Ledger


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What was found when all that is derived was derived anew."""

    job_id: int
    subjects: int
    """Subjects with votes, whose consensus was derived."""
    corrected: int
    """Those of them of which another consensus had been kept; 0 where all was right."""


class Writing:
    """Who writes to a job holds it; the consensus of a job always follows its votes.

    Votes are recorded before what is derived from them. When a write ends between the two (an engine that
    fails, a process that is killed), the consensus of the subjects of the last request is derived again:
    at the next write or at the next start.
    """

    def __init__(self, ledger: Ledger, catalog: Catalog) -> None:
        self.stillness = Stillness()
        self._ledger = ledger
        self._catalog = catalog
        self._locks: dict[int, threading.RLock] = {}
        self._lock = threading.Lock()
        self._cut_short: dict[int, int] = {}
        """The latest arrival before the first write of each job that was cut short and is not finished."""
        self._under_way: dict[int, int] = {}
        """The latest arrival before each write that is under way."""

    @contextlib.contextmanager
    def on(self, job_id: int) -> Iterator[Job]:
        """Hold a job for a write; gives it as it is now.

        What is refused before anything of it was written is no write cut short: counts that are kept stay.

        Raises:
            JobNotFoundError: it was deleted meanwhile.
        """
        with self._held(job_id) as job:
            if job_id in self._cut_short:
                self._finish(job)
            begun = self._ledger.engine.changes_begun
            try:
                yield job
            except BaseException as error:
                if not isinstance(error, TruelineError) or self._ledger.engine.changes_begun != begun:
                    self._cut_short.setdefault(job_id, self._under_way[job_id])
                    self._ledger.kept.forget(job_id)
                raise

    @contextlib.contextmanager
    def held(self, job_id: int) -> Iterator[Job]:
        """Hold a job so that nobody writes meanwhile; gives it as it is now.

        A write that was cut short is finished first, if the disk has room for it: where it has none, nobody was told
        that what was cut short is there, so that may wait, and who asks may not.

        Raises:
            JobNotFoundError: it was deleted meanwhile.
        """
        with self._held(job_id) as job:
            if job_id in self._cut_short:
                with contextlib.suppress(LedgerFullError, StoreFull):
                    self._finish(job)
            yield job

    @contextlib.contextmanager
    def _held(self, job_id: int) -> Iterator[Job]:
        with self._holding(job_id), self.stillness.broken(), self._noted(job_id):
            job = self._catalog.job_by_id(job_id)
            if job is None:
                self._let_go(job_id)
                raise JobNotFoundError
            yield job

    def _finish(self, job: Job) -> None:
        self.finish_last_request_of(job)
        self._cut_short.pop(job.id, None)

    @contextlib.contextmanager
    def _holding(self, job_id: int) -> Iterator[None]:
        with self._lock:
            lock = self._locks.setdefault(job_id, threading.RLock())
        with lock:
            yield

    @contextlib.contextmanager
    def _noted(self, job_id: int) -> Iterator[None]:
        """Say that whatever arrives from now on may be written."""
        if job_id in self._under_way:  # held by the same thread
            yield
            return
        self._under_way[job_id] = self._ledger.clock.last
        try:
            yield
        finally:
            del self._under_way[job_id]

    def state(self, job_id: int) -> int | None:
        """A number that is the same as long as nothing is written of a job; None while something may be."""
        if job_id in self._under_way:  # asked first: what ends after this has another number
            return None
        return self._ledger.kept.writes(job_id)

    def settle_until(self, job_id: int, moment: int) -> bool:
        """Wait until all is written that arrived up to a moment, microseconds; whatever comes arrives after it.

        False where the moment is still to come.

        Raises:
            JobNotFoundError: the job was deleted meanwhile.
            LedgerFullError, StoreFull: a write that was cut short may have brought arrivals up to the moment, and the
                disk has no room to finish it: with it the answer would be another one later.
        """
        if not self._ledger.clock.pass_by(moment):
            return False
        began_after = self._under_way.get(job_id)
        if began_after is not None and began_after < moment:
            with self.held(job_id):
                pass
        cut_short_after = self._cut_short.get(job_id)
        if cut_short_after is not None and cut_short_after < moment:
            with self.on(job_id):
                pass
        return True

    def delete(self, job_id: int) -> None:
        """Take a job away for good, with all there is of it in both stores.

        The catalog forgets it first: from then on nobody can ask for it. What was cut short after that is finished
        by the next deletion or at the next start; its id is never given again.

        Raises:
            JobNotFoundError: somebody else has deleted it.
        """
        with self.on(job_id):
            self._catalog.delete_job(job_id, datetime.now(UTC))
            self.finish_deletions()
        self._let_go(job_id)

    def _let_go(self, job_id: int) -> None:
        """Drop what is kept about a job that is no more; who still waits for it finds it gone."""
        with self._lock:
            self._locks.pop(job_id, None)
            self._cut_short.pop(job_id, None)

    def finish_deletions(self) -> None:
        """Clear the ledger of what it still has of deleted jobs."""
        for job_id in self._catalog.uncleared_jobs():
            self._ledger.clear(job_id)
            self._catalog.mark_cleared(job_id, datetime.now(UTC))

    def finish(self, job_id: int) -> None:
        """Finish a write of a job that was cut short, if one was and the disk has room for it."""
        if job_id in self._cut_short:
            with self.held(job_id):
                pass

    def settle(self, job_id: int, training: int | None) -> None:
        """Make a job ready to be asked about, against a training or none.

        A write of it that was cut short is finished, and counts that are not there yet are made.
        """
        if not self.is_settled(job_id, training):
            # what is made is there for all who ask after: it is not given up for one whose time is over
            with budget.without(), self.held(job_id):
                self._ledger.kept.make_ready(job_id, training)

    def is_settled(self, job_id: int, training: int | None) -> bool:
        """Whether `settle` has nothing to do."""
        return job_id not in self._cut_short and self._ledger.kept.is_ready(job_id, training)

    def settle_reviews(self, job: Job, *, in_parts: bool = False) -> None:
        """Make what is kept of a job's reviews ready, as `settle` does the counts; also of parts of all time."""
        if not self._ledger.kept.reviews.is_ready(job.id, in_parts=in_parts):
            with budget.without(), self.held(job.id):
                self._ledger.kept.make_reviews_ready(job.id, by_bucket=job.grouping == "bucket", in_parts=in_parts)

    def derive(self, job: Job, votes: Mapping[int, Sequence[Vote]]) -> dict[int, Consensus]:
        """The consensus of subjects from all their votes, by the job's rule."""
        return {subject: consensus(given, job.min_votes) for subject, given in votes.items()}

    def store_consensus(self, job: Job, votes: Mapping[int, Sequence[Vote]]) -> None:
        """Derive the consensus of subjects from all their votes and keep it."""
        if votes:
            derived = self.derive(job, votes)
            self._ledger.votes.write_consensus(job.id, derived, votes, self._ledger.clock.next())

    def derive_all(self, job: Job) -> None:
        """Derive the consensus of every subject of a job anew, as after a change of the rule."""
        for votes in self._ledger.votes.all(job.id):
            self.store_consensus(job, votes)
        self._catalog.change_job(job.id, consensus_min_votes=job.min_votes)

    def rebuild(self, job_id: int) -> Rebuilt:
        """Derive all that is kept of a job beside events and votes anew from them."""
        with self.on(job_id) as job:
            subjects = corrected = 0
            for votes in self._ledger.votes.all(job.id):
                kept = self._ledger.votes.consensus_of(job.id, list(votes))
                derived = self.derive(job, votes)
                other = {subject: votes[subject] for subject, each in derived.items() if kept.get(subject) != each}
                self.store_consensus(job, other)
                subjects += len(votes)
                # votes that came to nothing with their event have no consensus kept, and need none
                corrected += sum(subject in kept or derived[subject].label is not None for subject in other)
            made_up = dict.fromkeys(self._ledger.votes.consensus_without_votes(job.id), ())
            self.store_consensus(job, made_up)
            corrected += len(made_up)
            self._catalog.change_job(job.id, consensus_min_votes=job.min_votes)
            self._ledger.rebuild(job.id)
            return Rebuilt(job.id, subjects, corrected)

    def finish_last_requests(self) -> None:
        """At start: finish what may have been cut short when the process ended."""
        for job in self._catalog.jobs():
            self.finish_last_request_of(job)

    def finish_last_request_of(self, job: Job) -> None:
        """Derive again what the job's last request of votes touched, and what a changed rule left to do."""
        if job.consensus_min_votes != job.min_votes:
            self.derive_all(job)
        else:
            votes = self._ledger.votes.of_last_request(job.id)
            weighed = self._ledger.votes.weighed_until(job.id, list(votes))
            unweighed = {
                subject: given
                for subject, given in votes.items()
                if weighed.get(subject, 0) < max(vote.recorded_at for vote in given)
            }
            self.store_consensus(job, unweighed)
