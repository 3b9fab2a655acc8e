"""Job metrics: the numbers of ``POST /api/v2/metrics/job``."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from trueline.filters.request import MAX_FILTERS
from trueline.instants import format_instant, from_micros, to_micros
from trueline.ledger.conditions import JobShape
from trueline.ledger.population import Population
from trueline.metrics.counts import TruthPolicy, confusion_matrix, totals
from trueline.metrics.scores import overall_scores, scores_per_decision, trace
from trueline.service.asking import Bounds, filters_of
from trueline.service.errors import InvalidRequestError

if TYPE_CHECKING:
    from datetime import datetime

    from trueline.catalog.records import Job
    from trueline.catalog.store import Catalog
    from trueline.ledger.count import CountTable
    from trueline.ledger.store import Ledger
    from trueline.service.jobs import Jobs
    from trueline.service.writing import Writing

_BOUNDS = Bounds("query", "start_datetime", "end_datetime")


class JobMetrics:
    """Answers how right the decisions of a job are."""

    def __init__(
        self, ledger: Ledger, catalog: Catalog, jobs: Jobs, writing: Writing, *, max_filters: int = MAX_FILTERS
    ) -> None:
        self._ledger = ledger
        self._writing = writing
        self._catalog = catalog
        self._jobs = jobs
        self._max_filters = max_filters

    def job(
        self,
        reference: int | str,
        start: str | None = None,
        end: str | None = None,
        filters: object = None,
        truth: str = TruthPolicy.IMPLICIT,
    ) -> dict[str, Any]:
        """The metrics of a job's decided events with ``start <= @timestamp < end`` that pass every filter.

        Returns:
            The body of the compatible endpoint, its keys in the documented order.

        Raises:
            JobNotFoundError: there is no such job.
            InvalidRequestError: an unreadable or reversed window, an unknown policy, a wrong filter.
            QueryTimeoutError: it took longer than the budget.
        """
        job = self._jobs.get(reference)
        policy = _policy(truth)
        since, until = _BOUNDS.window(start, end)
        wanted = filters_of(filters, self._max_filters)
        models = self._catalog.models(job.id)
        active = next((model for model in models if model.active), None)
        training = None if active is None else active.training
        self._writing.settle(job.id, training)
        population = Population(
            job_id=job.id,
            shape=JobShape(job.labels, job.grouping == "bucket", job.low_confidence_below),
            training=training,
            start=None if since is None else to_micros(since),
            end=None if until is None else to_micros(until),
            filters=wanted,
        )
        table = self._ledger.answers.counts(population)
        matrix = confusion_matrix(table.counts, job.labels, policy)
        overall = overall_scores(matrix)
        return {
            "confusion_matrix": matrix,
            "overall_accuracy": overall.accuracy,
            "overall_f1_score": overall.f1_score,
            "overall_recall": overall.recall,
            "overall_precision": overall.precision,
            "metrics_per_decision": {
                label: asdict(scores) for label, scores in scores_per_decision(matrix, job.labels).items()
            },
            "start_time": _shown(since, table.earliest),
            "end_time": _shown(until, table.latest),
            "time_saved_minutes": job.minutes_per_alert * trace(matrix),
            "active_model_id": None if active is None else active.id,
            "all_model_ids": [model.id for model in models],
            **self._totals(job, population, table),
        }

    def _totals(self, job: Job, population: Population, table: CountTable) -> dict[str, Any]:
        sizes = totals(table.counts)
        changed = sizes.changed_after_training
        answers = self._ledger.answers
        return {
            "total_events": sizes.events,
            "total_events_in_knowledge_base": sizes.in_knowledge_base,
            "total_events_with_consensus": sizes.with_consensus,
            "changed_consensus_after_training": {
                "total_events": changed,
                "top_events_ids": answers.changed_events(population, table) if changed else [],
                "top_buckets_ids": (
                    answers.changed_buckets(population, table) if changed and job.grouping == "bucket" else []
                ),
            },
        }


def _policy(truth: str) -> TruthPolicy:
    try:
        return TruthPolicy(truth)
    except ValueError:
        raise InvalidRequestError(("query", "truth"), "truth is 'implicit' or 'explicit'") from None


def _shown(asked: datetime | None, found: int | None) -> str | None:
    if asked is None and found is not None:
        asked = from_micros(found)
    return None if asked is None else format_instant(asked)
