"""Job metrics: the numbers of ``POST /api/v2/metrics/job``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trueline.filters.request import DEFAULT_LIMITS, FilterLimits
from trueline.metrics.counts import TruthPolicy, confusion_matrix, totals
from trueline.metrics.scores import trace
from trueline.service.evaluation import evaluation
from trueline.service.question import Question

if TYPE_CHECKING:
    from trueline.catalog.records import Job
    from trueline.catalog.store import Catalog
    from trueline.ledger.count import CountTable
    from trueline.ledger.population import Population
    from trueline.ledger.store import Ledger
    from trueline.service.jobs import Jobs
    from trueline.service.writing import Writing


class JobMetrics:
    """Answers how right the decisions of a job are."""

    def __init__(
        self, ledger: Ledger, catalog: Catalog, jobs: Jobs, writing: Writing, *, limits: FilterLimits = DEFAULT_LIMITS
    ) -> None:
        self._ledger = ledger
        self._writing = writing
        self._catalog = catalog
        self._jobs = jobs
        self._limits = limits

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
        question = Question.read(start, end, filters, truth, self._limits)
        models = self._catalog.models(job.id)
        active = next((model for model in models if model.active), None)
        training = None if active is None else active.training
        self._writing.settle(job.id, training)
        population = question.population(job, training)
        table = self._ledger.answers.counts(population)
        matrix = confusion_matrix(table.counts, job.labels, question.policy)
        return {
            **evaluation(matrix, job.labels),
            "start_time": question.start_time(table.earliest),
            "end_time": question.end_time(table.latest),
            "time_saved_minutes": job.minutes_per_alert * trace(matrix),
            "active_model_id": None if active is None else active.id,
            "all_model_ids": [model.id for model in models],
            **self._totals(job, population, table),
        }

    def is_at_hand(self, job: Job) -> bool:
        """Whether a question without filters is answered from counts that are there, without waiting for anybody."""
        active = self._catalog.active_model(job.id)
        return self._writing.is_settled(job.id, None if active is None else active.training)

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
