"""Internal metrics: jobs over time, on new data and on data in the knowledge base, overall and per model."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from trueline.filters.request import DEFAULT_LIMITS, FilterLimits
from trueline.ledger.errors import QueryTimeoutError
from trueline.metrics.counts import TruthPolicy
from trueline.metrics.tiles import WIDTHS, Tile, how_many, tiling
from trueline.service.errors import InvalidRequestError
from trueline.service.internal_statistics import (
    Found,
    confidence_over_time,
    decision_point_statistics,
    evaluation_metrics,
    training_set_statistics,
)
from trueline.service.question import Question

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from trueline.catalog.records import Job, Model
    from trueline.catalog.store import Catalog
    from trueline.ledger.decision_points import ValueStatistics
    from trueline.ledger.population import Population
    from trueline.ledger.store import Ledger
    from trueline.metrics.parts import Part
    from trueline.service.writing import Writing

MAX_INTERVALS: Final = 2_000
"""Of all jobs of one request together."""


class InternalMetrics:
    """Answers how jobs do over time, on what their model has learned and on what it has not."""

    def __init__(
        self,
        ledger: Ledger,
        catalog: Catalog,
        writing: Writing,
        *,
        limits: FilterLimits = DEFAULT_LIMITS,
        seconds: float,
    ) -> None:
        self._ledger = ledger
        self._catalog = catalog
        self._writing = writing
        self._limits = limits
        self._seconds = seconds

    def of(  # noqa: PLR0913 - a request has that many parts
        self,
        jobs: Sequence[Job],
        *,
        interval: str | None = None,
        obfuscate_decision_points: bool = False,
        start: str | None = None,
        end: str | None = None,
        filters: object = None,
        truth: str = TruthPolicy.IMPLICIT,
    ) -> list[dict[str, Any]]:
        """The internal metrics of jobs, in the order they are given.

        Args:
            jobs: Each once.
            interval: One of `WIDTHS`; None: all in one.
            obfuscate_decision_points: Whether decision points are called ``decision_point_1`` and so on.
            start: As in `JobMetrics.job`, and so the rest.
            end: Likewise.
            filters: Likewise.
            truth: Likewise.

        Raises:
            InvalidRequestError: an unknown interval, more intervals than `MAX_INTERVALS`, or as in `JobMetrics.job`.
            QueryTimeoutError: a query, or all of them together, took longer than the budget.
        """
        question = Question.read(start, end, filters, truth, self._limits)
        if interval is not None and interval not in WIDTHS:
            raise InvalidRequestError(
                ("query", "aggregation_time_interval"), f"aggregation_time_interval is one of {', '.join(WIDTHS)}"
            )
        width = None if interval is None else WIDTHS[interval]
        reading = _Reading(self._ledger, question, width, time.monotonic() + self._seconds)
        answer = []
        for job in jobs:
            reading.check_time()
            models = self._catalog.models(job.id)
            self._writing.finish(job.id)
            found = reading.read(job, models)
            answer.append(
                {
                    "job_id": job.id,
                    "active_model_id": None if found.active is None else found.active.id,
                    "start_time": found.start_time,
                    "end_time": found.end_time,
                    "aggregation_time_interval": interval,
                    "evaluation_metrics": evaluation_metrics(found, job, question.policy),
                    "confidence_over_time": confidence_over_time(found, question.policy),
                    "training_set_statistics": training_set_statistics(found, job, self._learned(job, models)),
                    "decision_point_statistics": decision_point_statistics(found, obfuscated=obfuscate_decision_points),
                }
            )
        return answer

    def _learned(self, job: Job, models: Iterable[Model]) -> dict[str, dict[str, int]]:
        return {model.id: self._ledger.trainings.subjects_per_label(job.id, model.training) for model in models}


class _Reading:
    """Asks the ledger about one job after the other, within bounds of time and of what comes of it."""

    def __init__(self, ledger: Ledger, question: Question, width: int | None, deadline: float) -> None:
        self._ledger = ledger
        self._question = question
        self._width = width
        self._deadline = deadline
        self._intervals = 0

    def check_time(self) -> None:
        if time.monotonic() > self._deadline:
            raise QueryTimeoutError("the request went over its time budget: ask for fewer jobs at once")

    def read(self, job: Job, models: Sequence[Model]) -> Found:
        active = next((model for model in models if model.active), None)
        population = self._question.population(job, None if active is None else active.training)
        earliest, latest = self._ledger.count.bounds(population, earliest=True, latest=True)
        if self._width is not None and earliest is not None and latest is not None:
            self._intervals += how_many(earliest, latest, self._width)
            if self._intervals > MAX_INTERVALS:
                raise InvalidRequestError(
                    ("query", "aggregation_time_interval"),
                    f"the events up to those of job {job.id} lie in {self._intervals} intervals; at most"
                    f" {MAX_INTERVALS} are told at once: ask for wider ones, a narrower window or fewer jobs",
                )
        self.check_time()
        parts = self._ledger.count.parts(population, self._width)
        named = [model.id for model in models]
        named += sorted({part.model_id for part in parts if part.model_id is not None} - set(named))
        points = self._points(job, population, parts)
        return Found(
            active=active,
            models=named,
            start_time=self._question.start_time(earliest),
            end_time=self._question.end_time(latest),
            tiles=self._tiling(population, parts),
            parts=parts,
            points=points,
        )

    def _tiling(self, population: Population, parts: Sequence[Part]) -> list[Tile] | None:
        if self._width is None:
            return None
        keys = [part.interval for part in parts if part.interval is not None]
        return tiling(min(keys), max(keys), self._width, population.start, population.end) if keys else []

    def _points(
        self, job: Job, population: Population, parts: Sequence[Part]
    ) -> dict[str, dict[tuple[str | None, bool], ValueStatistics]]:
        points: dict[str, dict[tuple[str | None, bool], ValueStatistics]] = {}
        for path in job.decision_points:
            points[path] = {}
            # whatever a value is in two models' data, it is one value: the two counts do not follow from each other
            for by_model in {False, any(part.model_id is not None for part in parts)} if parts else ():
                self.check_time()
                found = self._ledger.decision_points.statistics(population, path, by_model=by_model)
                points[path] |= {
                    (model, trained): statistics
                    for (trained, model), statistics in found.items()
                    if by_model == (model is not None)
                }
        return points
