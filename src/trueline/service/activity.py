"""What has come into a job so far."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from trueline.instants import from_micros
from trueline.service.question import everything

if TYPE_CHECKING:
    from datetime import datetime

    from trueline.catalog.records import Job
    from trueline.ledger.store import Ledger
    from trueline.service.writing import Writing


@dataclass(frozen=True, slots=True)
class Activity:
    """How much a job has seen."""

    decided_events: int
    voted_events: int
    """Of the decided, those whose subject has a standing vote: a consensus label, or Undecided."""
    last_decided_at: datetime | None
    """The latest ``@timestamp`` of a decided event."""
    last_vote_at: datetime | None
    """When the latest vote arrived, also if it withdrew or was displaced since."""


class Activities:
    """Tells what has come into jobs. Exact, and from the counts that are kept anyway: no event is read for it."""

    def __init__(self, ledger: Ledger, writing: Writing) -> None:
        self._ledger = ledger
        self._writing = writing

    def of(self, job: Job) -> Activity:
        """What has come into a job.

        Raises:
            JobNotFoundError: it was deleted meanwhile.
            QueryTimeoutError: it took longer than the budget, as it may when a large job is first counted.
        """
        self._writing.settle(job.id, None)
        table = self._ledger.answers.counts(everything(job, None))
        last_vote = self._ledger.votes.last_arrival_of(job.id)
        return Activity(
            decided_events=sum(count.events for count in table.counts),
            voted_events=sum(count.events for count in table.counts if count.consensus is not None),
            last_decided_at=None if table.latest is None else from_micros(table.latest),
            last_vote_at=None if last_vote is None else from_micros(last_vote),
        )
