"""What is asked of a job's metrics: a window, filters and what counts as the truth, read and checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from trueline.filters.request import DEFAULT_LIMITS, FilterLimits
from trueline.instants import format_instant, from_micros, to_micros
from trueline.ledger.conditions import JobShape
from trueline.ledger.population import Population
from trueline.metrics.counts import TruthPolicy
from trueline.service.asking import Bounds, filters_of
from trueline.service.errors import InvalidRequestError

if TYPE_CHECKING:
    from datetime import datetime

    from trueline.catalog.records import Job
    from trueline.filters.request import Filter

_BOUNDS = Bounds("query", "start_datetime", "end_datetime")


@dataclass(frozen=True, slots=True)
class Question:
    """Which decided events of a job are counted, and what their truth is."""

    since: datetime | None
    """Inclusive; None: from the first event on."""
    until: datetime | None
    """Exclusive."""
    filters: tuple[Filter, ...]
    policy: TruthPolicy

    @classmethod
    def read(
        cls, start: str | None, end: str | None, filters: object, truth: str, limits: FilterLimits = DEFAULT_LIMITS
    ) -> Self:
        """Read what a request says.

        Raises:
            InvalidRequestError: an unreadable or reversed window, an unknown policy, a wrong filter.
        """
        policy = truth_policy(truth)
        return cls(*_BOUNDS.window(start, end), filters_of(filters, limits), policy)

    def population(self, job: Job, training: int | None, as_of: int | None = None) -> Population:
        """The events of a job that it is about, their states against a training or none, as of a moment or now."""
        return Population(
            job_id=job.id,
            shape=job_shape(job),
            training=training,
            start=None if self.since is None else to_micros(self.since),
            end=None if self.until is None else to_micros(self.until),
            filters=self.filters,
            as_of=as_of,
        )

    def start_time(self, earliest: int | None) -> str | None:
        """The start that was asked for, else a moment in microseconds."""
        return _shown(self.since, earliest)

    def end_time(self, latest: int | None) -> str | None:
        """The end that was asked for, else a moment in microseconds."""
        return _shown(self.until, latest)


def job_shape(job: Job) -> JobShape:
    """What conditions on own fields depend on in a job."""
    return JobShape(job.labels, job.grouping == "bucket", job.low_confidence_below, job.min_votes)


def everything(job: Job, training: int | None) -> Population:
    """All events of a job, their states against a training or none."""
    return Population(job.id, job_shape(job), training, None, None, ())


def truth_policy(truth: str) -> TruthPolicy:
    """Read what counts as the truth.

    Raises:
        InvalidRequestError: it is no policy.
    """
    try:
        return TruthPolicy(truth)
    except ValueError:
        raise InvalidRequestError(("query", "truth"), "truth is 'implicit' or 'explicit'") from None


def _shown(asked: datetime | None, found: int | None) -> str | None:
    if asked is None and found is not None:
        asked = from_micros(found)
    return None if asked is None else format_instant(asked)
