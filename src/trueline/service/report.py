"""The report: what is known of a job's decisions, how well, and what it costs."""

from __future__ import annotations

import itertools
import time
from dataclasses import asdict, dataclass
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from trueline.filters.request import DEFAULT_LIMITS, FilterLimits
from trueline.instants import format_instant, from_micros
from trueline.ledger.errors import QueryTimeoutError
from trueline.ledger.reviews import REST, WITHOUT, Split
from trueline.metrics.counts import TruthPolicy
from trueline.metrics.local_time import local_bounds
from trueline.service.canonical import canonical
from trueline.service.errors import InvalidRequestError
from trueline.service.further_sections import further_sections
from trueline.service.job_settings import cost_matrix
from trueline.service.question import Question
from trueline.service.report_sections import costs, partly_reviewed, policies, scores
from trueline.service.reported import Reported
from trueline.service.telling import Telling

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from trueline.catalog.records import Job
    from trueline.ledger.population import Population
    from trueline.ledger.store import Ledger
    from trueline.metrics.costs import CostMatrix
    from trueline.metrics.reviews import ReviewCount
    from trueline.service.as_of import AsOf, Known
    from trueline.service.writing import Writing

SECTIONS: Final[dict[str, Callable[[Reported], dict[str, Any]]]] = {
    "policies": policies,
    "scores": scores,
    "partly_reviewed": partly_reviewed,
    "costs": costs,
}
"""What is told of the population, and of each part of it."""

MAX_INTERVALS: Final = 800
"""A month by the hour, two years by the day."""
_MISSED: Final = 10
_HOURS: Final = {"1h": 1, "1d": 24, "7d": 168, "30d": 720}


class Reports:
    """Reports on jobs."""

    def __init__(
        self,
        ledger: Ledger,
        writing: Writing,
        as_of: AsOf,
        *,
        limits: FilterLimits = DEFAULT_LIMITS,
        seconds: float,
    ) -> None:
        self._ledger = ledger
        self._writing = writing
        self._as_of = as_of
        self._limits = limits
        self._seconds = seconds

    def of(
        self,
        job: Job,
        start: str | None = None,
        end: str | None = None,
        filters: object = None,
        telling: Telling | None = None,
    ) -> dict[str, Any]:
        """The report on a job's decided events with ``start <= @timestamp < end`` that pass every filter.

        Raises:
            InvalidRequestError: an unreadable or reversed window, a wrong filter, too many intervals, or as
                `Telling.check` and `further_sections`.
            ModelNotFoundError: a model to be compared is not known.
            QueryTimeoutError: it took longer than the budget.
        """
        question = Question.read(start, end, filters, TruthPolicy.IMPLICIT, self._limits)
        telling = telling or Telling()
        telling.check()
        moment = None if telling.as_of is None else self._as_of.moment(job, telling.as_of, ("query", "as_of"))
        in_parts = telling.interval is not None or telling.group_by is not None
        return self._as_of.ask(job, moment, lambda known: self._of(job, question, telling, known), at_once=in_parts)

    def _of(self, job: Job, question: Question, telling: Telling, known: Known) -> dict[str, Any]:
        population = self._population(job, question, known)
        deadline = time.monotonic() + self._seconds
        earliest, latest = self._ledger.answers.bounds(population)
        counts = _in_order(self._ledger.reviews.counts(population))
        told = _Told(job, question, telling, counts, deadline)
        first = population.start if population.start is not None else earliest
        last = population.end - 1 if population.end is not None else latest
        further = further_sections(self._ledger, job, population, telling, known.models)
        body = {
            "job_id": job.id,
            "grouping": job.grouping.value,
            "level": telling.level,
            "start_time": question.start_time(earliest),
            "end_time": question.end_time(latest),
            "time_zone": time_zone_of(job).key,
            "as_of": None if known.as_of is None else format_instant(from_micros(known.as_of)),
            "digest": "",
            **told.sections("", counts, self._missed(population, job, counts)),
            "intervals": None if telling.interval is None else self._over_time(told, population, first, last),
            "groups": None if telling.group_by is None else self._by_field(told, population, telling.group_by),
            **further,
        }
        return body | {"digest": told.digest(body)}

    def _population(self, job: Job, question: Question, known: Known) -> Population:
        """The events that the report is about; the only place where that is decided."""
        if known.as_of is None:
            self._writing.settle(job.id, known.training)
        population = question.population(job, known.training, known.as_of)
        if self._ledger.reviews.are_kept(population):
            self._writing.settle_reviews(job, in_parts=self._ledger.reviews.are_told_in_parts(population))
        return population

    def _missed(self, population: Population, job: Job, counts: Iterable[ReviewCount]) -> tuple[str, ...]:
        label = job.headline
        if not any(count.reviewed == label != count.decision for count in counts):
            return ()
        return tuple(self._ledger.reviews.missed(population, label, _MISSED))

    def _over_time(
        self, told: _Told, population: Population, first: int | None, last: int | None
    ) -> list[dict[str, Any]]:
        interval = told.telling.interval
        if interval is None or first is None or last is None:
            return []
        zone = time_zone_of(told.job)
        if (last - first) // (_HOURS[interval] * 3_600_000_000) > MAX_INTERVALS:
            raise InvalidRequestError(
                ("query", "interval"),
                f"the window has more than {MAX_INTERVALS} intervals: ask for wider ones, or for a narrower window",
            )
        bounds = local_bounds(first, last, interval, zone)
        found: dict[int | None, list[ReviewCount]] = {}
        for part in self._ledger.reviews.parts(population, Split(bounds=tuple(bounds))):
            found.setdefault(part.start, []).append(part.count)
        intervals = []
        for begins, ends in itertools.pairwise(bounds):
            since = begins if population.start is None else max(begins, population.start)
            until = ends if population.end is None else min(ends, population.end)
            intervals.append(
                {
                    "start_time": format_instant(from_micros(since)),
                    "end_time": format_instant(from_micros(until)),
                    "local_start_time": from_micros(since).astimezone(zone).isoformat(),
                    **told.sections(f"interval {begins}", _in_order(found.get(begins, []))),
                }
            )
        return intervals

    def _by_field(self, told: _Told, population: Population, field: str) -> dict[str, Any]:
        values = self._ledger.reviews.largest(population, field, told.telling.top)
        parts = self._ledger.reviews.parts(population, Split(field=field, values=tuple(values)))
        found: dict[int | None, list[ReviewCount]] = {}
        for part in parts:
            found.setdefault(part.value, []).append(part.count)
        return {
            "field": field,
            "values": [
                {"value": value, **told.sections(f"value {value}", _in_order(found.get(place, [])))}
                for place, value in enumerate(values, start=REST + 1)
            ],
            "other_values": told.sections("other values", _in_order(found.get(REST, []))),
            "without_value": told.sections("without a value", _in_order(found.get(WITHOUT, []))),
        }


@dataclass(frozen=True)
class _Told:
    """One report on its way: what its sections have in common."""

    job: Job
    question: Question
    telling: Telling
    counts: tuple[ReviewCount, ...]
    deadline: float

    @property
    def costs(self) -> CostMatrix:
        return cost_matrix(self.job)

    @cached_property
    def seed(self) -> bytes:
        """Of what is asked and of the population: the same whether it is also told over time and by field, or not."""
        said = {
            "job": [self.job.id, self.job.labels, self.job.grouping, self.job.minutes_per_alert, self.job.headline],
            "zone": time_zone_of(self.job).key,
            "window": [repr(self.question.since), repr(self.question.until)],
            "filters": [[each.field, each.operator.name, repr(each.value)] for each in self.question.filters],
            "level": self.telling.level,
            "costs": asdict(self.costs),
            "counts": _written(self.counts),
        }
        return sha256(canonical(said)).digest()

    def digest(self, body: dict[str, Any]) -> str:
        """Of the request, and of all that the report says but for its digest, which is still empty; hexadecimal."""
        return sha256(self.seed + canonical([asdict(self.telling), body])).hexdigest()

    def sections(
        self, part: str, counts: tuple[ReviewCount, ...], missed_events: tuple[str, ...] | None = None
    ) -> dict[str, Any]:
        """Every section on a part of the population, called by its name; of all it is empty."""
        if part and not counts:
            return self.nothing
        if time.monotonic() > self.deadline:
            raise QueryTimeoutError("the report went over its time budget: ask for fewer intervals or groups")
        seed = sha256(self.seed + part.encode()).digest() if part else self.seed
        return self._all(Reported(self.job, counts, self.costs, self.telling.level, seed, missed_events))

    @cached_property
    def nothing(self) -> dict[str, Any]:
        """Every section on a part without events, whichever it is: nothing is drawn there."""
        return self._all(Reported(self.job, (), self.costs, self.telling.level, self.seed))

    @staticmethod
    def _all(reported: Reported) -> dict[str, Any]:
        return {name: section(reported) for name, section in SECTIONS.items()}


def time_zone_of(job: Job) -> ZoneInfo:
    """The time zone whose days a job's are."""
    return ZoneInfo(job.time_zone)


def _in_order(counts: Iterable[ReviewCount]) -> tuple[ReviewCount, ...]:
    """Counts in the one order that depends on nothing but them: sums of doubles depend on it."""

    def order(count: ReviewCount) -> tuple[str, str, int, float, str]:
        band = -1 if count.band is None else count.band
        return count.decision, count.consensus or "", band, count.probability or 0.0, count.reason

    return tuple(sorted(counts, key=order))


def _written(counts: Iterable[ReviewCount]) -> list[dict[str, Any]]:
    """Counts as data; `dataclasses.asdict` gives the same in ten times the time."""
    return [
        {
            "decision": count.decision,
            "consensus": count.consensus,
            "mass": {
                "events": count.mass.events,
                "subjects": count.mass.subjects,
                "squares": count.mass.squares,
            },
            "band": count.band,
            "probability": count.probability,
            "reason": count.reason,
        }
        for count in counts
    ]
