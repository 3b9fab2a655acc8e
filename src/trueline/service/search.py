"""Events looked for, page by page, and marked to be decided anew."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec

from trueline.filters.fields import OwnField
from trueline.filters.request import DEFAULT_LIMITS, Filter, FilterLimits
from trueline.instants import format_instant, to_micros
from trueline.ledger.documents import values_by_path
from trueline.ledger.ordering import Order
from trueline.ledger.pages import ListedEvent, Listing
from trueline.ledger.population import Population
from trueline.service.asking import Bounds, filters_of
from trueline.service.errors import EventNotFoundError, InvalidRequestError
from trueline.service.question import job_shape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trueline.catalog.records import Job
    from trueline.catalog.store import Catalog
    from trueline.ledger.store import Ledger
    from trueline.service.writing import Writing

DEFAULT_SIZE: Final = 5
MAX_SIZE: Final = 1_000
MAX_EVENTS: Final = 10_000
"""Most events of one answer, over all its jobs."""
MAX_REACH: Final = 1_000_000
"""Most events of a job from the first page to the end of the one asked for."""

_BOUNDS = Bounds("body", "start_date", "end_date")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events are looked for, as the body of a request says it."""

    filters: object = None
    start_date: str | None = None
    end_date: str | None = None
    date_field: str = OwnField.TIMESTAMP
    event_ids: Sequence[str] | None = None
    """None: all."""
    awaiting_decision: bool = False
    """Only events without a decision, and those marked to be decided anew."""


@dataclass(frozen=True, slots=True)
class Paging:
    """Which part of the events of each job is shown, and how."""

    size: int = DEFAULT_SIZE
    """Events of each job."""
    page: int = 0
    sort_by_column: str = OwnField.TIMESTAMP
    descending: bool = True
    decision_points_only: bool = False
    count_results_only: bool = False


class EventSearch:
    """Finds the events of jobs, decided or not."""

    def __init__(
        self, ledger: Ledger, catalog: Catalog, writing: Writing, *, limits: FilterLimits = DEFAULT_LIMITS
    ) -> None:
        self._ledger = ledger
        self._catalog = catalog
        self._writing = writing
        self._limits = limits

    def query(self, jobs: Sequence[Job], wanted: Wanted, paging: Paging) -> dict[str, Any]:
        """A page of the events of each job, in the order of the jobs, and how many there are in all of them.

        Raises:
            InvalidRequestError: an unreadable or reversed window, a wrong filter, a page that is too large or too far.
            QueryTimeoutError: it took longer than the budget.
        """
        _check(paging, len(jobs))
        ask = self._asking(wanted)
        order = Order(paging.sort_by_column, paging.descending)
        events: list[dict[str, Any]] = []
        total = 0
        for job in jobs:
            listing = self._listing(job, ask)
            total += self._ledger.pages.count(listing)
            if paging.size and not paging.count_results_only:
                found = self._ledger.pages.page(listing, order, paging.size, paging.page * paging.size)
                events += [_shown(job, each, whole=not paging.decision_points_only) for each in found]
        return {"events": events, "total_count": total}

    def reprocess(self, job: Job, wanted: Wanted) -> int:
        """Mark decided events to be decided anew; gives how many. Their decisions stay, and count, until then.

        Raises:
            InvalidRequestError: as for `query`.
        """
        listing = self._listing(job, self._asking(wanted))
        return self._request_decisions(listing)

    def reprocess_one(self, job: Job, event_id: str) -> None:
        """Mark an event to be decided anew; one that has no decision yet waits for one as it is.

        Raises:
            EventNotFoundError: no such event.
        """
        listing = self._listing(job, self._asking(Wanted(event_ids=[event_id])))
        if not self._ledger.pages.count(listing):
            raise EventNotFoundError(event_id)
        self._request_decisions(listing)

    def _request_decisions(self, listing: Listing) -> int:
        with self._writing.stillness.broken():
            return self._ledger.pages.request_decisions(listing, self._ledger.clock.next())

    def _asking(self, wanted: Wanted) -> _Asking:
        if wanted.date_field not in _DATE_FIELDS:
            raise InvalidRequestError(("body", "date_field"), f"date_field is {' or '.join(map(repr, _DATE_FIELDS))}")
        if wanted.event_ids is not None and len(wanted.event_ids) > self._limits.members:
            raise InvalidRequestError(
                ("body", "event_ids"),
                f"at most {self._limits.members} event_ids are taken, not {len(wanted.event_ids)}",
            )
        since, until = _BOUNDS.window(wanted.start_date or None, wanted.end_date or None)
        return _Asking(
            wanted,
            None if since is None else to_micros(since),
            None if until is None else to_micros(until),
            filters_of(wanted.filters, self._limits),
        )

    def _listing(self, job: Job, ask: _Asking) -> Listing:
        self._writing.finish(job.id)
        active = self._catalog.active_model(job.id)
        population = Population(
            job_id=job.id,
            shape=job_shape(job),
            training=None if active is None else active.training,
            start=ask.start,
            end=ask.end,
            filters=ask.filters,
            by_arrival=ask.wanted.date_field == OwnField.TIMESTAMP_INFERENCE,
        )
        ids = ask.wanted.event_ids
        events = None if ids is None else tuple((self._ledger.keys.event(each), each) for each in ids)
        return Listing(population, events, ask.wanted.awaiting_decision)


_DATE_FIELDS = (str(OwnField.TIMESTAMP), str(OwnField.TIMESTAMP_INFERENCE))


@dataclass(frozen=True, slots=True)
class _Asking:
    """What is wanted, read and checked."""

    wanted: Wanted
    start: int | None
    """Microseconds since 1970, as `end`."""
    end: int | None
    filters: tuple[Filter, ...]


def _check(paging: Paging, jobs: int) -> None:
    if not 0 <= paging.size <= MAX_SIZE:
        raise InvalidRequestError(("body", "size"), f"size is 0 to {MAX_SIZE:,} events of each job")
    if paging.page < 0 or (paging.page + 1) * paging.size > MAX_REACH:
        raise InvalidRequestError(
            ("body", "page"),
            f"page counts from 0, and ends within the first {MAX_REACH:,} events of a job: narrow the dates instead",
        )
    if not paging.count_results_only and paging.size * jobs > MAX_EVENTS:
        raise InvalidRequestError(
            ("body", "size"),
            f"{paging.size:,} events of each of {jobs:,} jobs are more than {MAX_EVENTS:,}: name fewer jobs",
        )


def _shown(job: Job, event: ListedEvent, *, whole: bool) -> dict[str, Any]:
    values = values_by_path(msgspec.json.decode(event.raw_body)) if job.decision_points else {}
    shown = {
        "event_id": event.own_fields[OwnField.ORIGINAL_ID],
        "job_id": job.id,
        "job_title": job.title,
        "decision_points": {path: values.get(path) for path in job.decision_points},
        "arcanna": _nested(event.own_fields),
    }
    return shown | {"raw_event": msgspec.Raw(event.raw_body)} if whole else shown


def _nested(own_fields: dict[OwnField, Any]) -> dict[str, Any]:
    """Own fields as an object, those of one part of a name together."""
    whole: dict[str, Any] = {}
    for own, value in own_fields.items():
        *way, last = own.removeprefix("arcanna.").split(".")
        part = whole
        for name in way:
            part = part.setdefault(name, {})
        part[last] = format_instant(value) if isinstance(value, datetime) else value
    return whole
