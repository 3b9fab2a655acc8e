"""The body of the documented example as of a moment: what tests hold against the oracle as it was then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trueline.metrics.counts import confusion_matrix, totals
from trueline.metrics.scores import trace
from trueline.service.evaluation import evaluation
from trueline.service.question import Question

if TYPE_CHECKING:
    from trueline.catalog.records import Job
    from trueline.service.as_of import Known
    from trueline.service.workspace import Workspace


def metrics_then(  # noqa: PLR0913, PLR0917 - a question has that many parts
    workspace: Workspace,
    job: Job,
    as_of: int | None,
    start: str | None = None,
    end: str | None = None,
    filters: object = None,
    truth: str = "implicit",
) -> dict[str, Any]:
    """Ask the ledger as of a moment what the compatible endpoint asks it about now."""
    count = workspace._ledger.count  # noqa: SLF001 - asked below any route
    question = Question.read(start, end, filters, truth)

    def answer(known: Known) -> dict[str, Any]:
        population = question.population(job, known.training, known.as_of)
        table = count.counts(population)
        matrix = confusion_matrix(table.counts, job.labels, question.policy)
        sizes = totals(table.counts)
        by_bucket = job.grouping == "bucket"
        return {
            **evaluation(matrix, job.labels),
            "start_time": question.start_time(table.earliest),
            "end_time": question.end_time(table.latest),
            "time_saved_minutes": job.minutes_per_alert * trace(matrix),
            "active_model_id": None if known.active is None else known.active.id,
            "all_model_ids": [model.id for model in known.models],
            "total_events": sizes.events,
            "total_events_in_knowledge_base": sizes.in_knowledge_base,
            "total_events_with_consensus": sizes.with_consensus,
            "changed_consensus_after_training": {
                "total_events": sizes.changed_after_training,
                "top_events_ids": count.changed_events(population, table),
                "top_buckets_ids": count.changed_buckets(population, table) if by_bucket else [],
            },
        }

    return workspace.as_of.ask(job, as_of, answer)
