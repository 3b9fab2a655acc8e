"""The metrics of a model: computed in the background, and told as they were last computed."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import structlog

from trueline.catalog.errors import NoSuchModel
from trueline.catalog.records import RecomputeStatus
from trueline.instants import format_instant
from trueline.metrics.counts import Count, TruthPolicy, confusion_matrix
from trueline.service.errors import ModelNotFoundError
from trueline.service.evaluation import NO_EVALUATION, evaluation
from trueline.service.question import everything, truth_policy
from trueline.service.recomputations import Recomputations

if TYPE_CHECKING:
    from concurrent.futures import Future

    from trueline.catalog.records import Job, Model, ModelMetrics
    from trueline.catalog.store import Catalog
    from trueline.ledger.store import Ledger
    from trueline.service.writing import Writing

_log = structlog.get_logger("trueline.model_metrics")

_MESSAGES = {
    RecomputeStatus.QUEUED: "The metrics of the model will be recomputed",
    RecomputeStatus.IN_PROGRESS: "The metrics of the model are being recomputed",
}


@dataclass(frozen=True, slots=True)
class Requested:
    """A recomputation that was asked for, now or before."""

    message: str
    job_id: int
    model_id: str
    status: RecomputeStatus
    requested_at: str


class ModelsMetrics:
    """How right the decisions of each model are, and what it learned from.

    Metrics are computed when somebody asks for that, and when they are read for the first time. A training that is
    registered has them not computed: nothing was decided by it yet, and these numbers would then be told as the
    last ones for as long as nobody asks anew.
    """

    def __init__(self, ledger: Ledger, catalog: Catalog, writing: Writing) -> None:
        self._ledger = ledger
        self._catalog = catalog
        self._writing = writing
        self._recomputations = Recomputations(self._compute)
        self._asking = threading.Lock()

    def resume(self) -> None:
        """Queue again what was asked for, and had not ended, when the process did."""
        for each in self._catalog.model_metrics.queued():
            self._recomputations.put((each.job_id, each.model_id))

    def close(self) -> None:
        """End the computation under way; those that wait are taken up at the next start."""
        self._recomputations.close()

    def model(self, job: Job, model_id: str | None = None) -> Model:
        """A model of a job; without an id the active one.

        Raises:
            ModelNotFoundError: there is none.
        """
        if model_id is None:
            model = self._catalog.active_model(job.id)
            if model is None:
                raise ModelNotFoundError(f"Job '{job.id}' has no active model")
            return model
        model = self._catalog.model(job.id, model_id)
        if model is None:
            raise _not_found(job.id, model_id)
        return model

    def request(self, job: Job, model: Model) -> Requested:
        """Ask for a recomputation; where one waits or is under way already, that one is told of.

        Raises:
            ModelNotFoundError: the model is gone.
        """
        with self._asking:
            status = self._recomputations.status((job.id, model.id))
            kept = self._catalog.model_metrics.of(job.id, model.id)
            if status is None or kept is None:
                status, kept = RecomputeStatus.QUEUED, self._queue(model)
                self._recomputations.put((job.id, model.id))
        return Requested(_MESSAGES[status], job.id, model.id, status, format_instant(kept.requested_at))

    def recompute(self, model: Model) -> Future[None]:
        """Compute the metrics anew, so that what was acknowledged until now is in them.

        Returns:
            Done when the computation is over, well or not: see `report`.

        Raises:
            ModelNotFoundError: the model is gone.
        """
        with self._asking:
            self._queue(model)
            return self._recomputations.put((model.job_id, model.id))

    def first_time(self, model: Model) -> Future[None] | None:
        """Have the metrics computed if that was never asked for; None where nothing is to be waited for.

        One that failed is not tried again for everybody who reads: that has to be asked for.

        Raises:
            ModelNotFoundError: the model is gone.
        """
        with self._asking:
            kept = self._catalog.model_metrics.of(model.job_id, model.id)
            if kept is None:
                self._queue(model)
                return self._recomputations.put((model.job_id, model.id))
            return None if kept.counts is not None else self._recomputations.next_end((model.job_id, model.id))

    def report(self, job: Job, model: Model, truth: str = TruthPolicy.IMPLICIT) -> dict[str, Any]:
        """The metrics of all decided events of a job that a model decided, as last computed.

        Returns:
            The body of the compatible endpoint; null and empty where nothing was computed yet.

        Raises:
            InvalidRequestError: an unknown policy.
        """
        policy = truth_policy(truth)
        status = self._recomputations.status((job.id, model.id))  # before what it writes at its end
        kept = self._catalog.model_metrics.of(job.id, model.id)
        return {
            **_numbers(kept, job, policy),
            "model_id": model.id,
            "is_recomputing_metrics": status is not None,
            "last_recomputed_timestamp": (
                None if kept is None or kept.computed_at is None else format_instant(kept.computed_at)
            ),
            "recompute_status": _status(status, kept),
        }

    def _queue(self, model: Model) -> ModelMetrics:
        try:
            return self._catalog.model_metrics.queue(model.job_id, model.id, datetime.now(UTC))
        except NoSuchModel:
            raise _not_found(model.job_id, model.id) from None

    def _compute(self, job_id: int, model_id: str) -> None:
        began = datetime.now(UTC)
        try:
            job, model = self._catalog.job_by_id(job_id), self._catalog.model(job_id, model_id)
            if job is None or model is None:
                raise NoSuchModel(job_id, model_id)  # noqa: TRY301 - logged as any other reason
            self._catalog.model_metrics.complete(job_id, model_id, began, self._counts(job, model))
        except Exception:  # noqa: BLE001 - noted, and told by the log
            _log.exception("the metrics of a model could not be computed", job_id=job_id, model_id=model_id)
            self._catalog.model_metrics.fail(job_id, model_id, began)

    def _counts(self, job: Job, model: Model) -> dict[str, Any]:
        """What the metrics are made from, read by `_numbers`: counts, so that every truth can be told of them."""
        self._writing.finish(job.id)
        decided: Counter[tuple[str, str | None]] = Counter()
        learned: Counter[str] = Counter()
        for part in self._ledger.count.parts(everything(job, model.training)):
            if part.model_id == model.id:
                decided[part.count.decision, part.count.consensus] += part.count.events
            if part.learned_label is not None:
                learned[part.learned_label] += part.count.events
        subjects = self._ledger.trainings.subjects_per_label(job.id, model.training)
        return {
            "decided": [[decision, consensus, events] for (decision, consensus), events in decided.items()],
            "knowledge_base": {label: [learned[label], subjects[label]] for label in subjects},
        }


def _numbers(kept: ModelMetrics | None, job: Job, policy: TruthPolicy) -> dict[str, Any]:
    """What was computed last, by the labels that the job has now."""
    if kept is None or kept.counts is None:
        return {**NO_EVALUATION, "kb_count_per_decision": {}, "buckets_in_kb": None, "events_in_kb": None}
    counts = [
        Count(decision, consensus, in_knowledge_base=False, changed_after_training=False, events=events)
        for decision, consensus, events in kept.counts["decided"]
    ]
    learned = {label: kept.counts["knowledge_base"].get(label, [0, 0]) for label in job.labels}
    return {
        **evaluation(confusion_matrix(counts, job.labels, policy), job.labels),
        "kb_count_per_decision": {
            label: {"alerts_count": events, "buckets_count": subjects} for label, (events, subjects) in learned.items()
        },
        "buckets_in_kb": sum(subjects for _, subjects in learned.values()),
        "events_in_kb": sum(events for events, _ in learned.values()),
    }


def _status(status: RecomputeStatus | None, kept: ModelMetrics | None) -> RecomputeStatus | None:
    if status is None and kept is not None:
        # nobody works on it, so it did not come to the end that would have been noted
        return RecomputeStatus.FAILED if kept.status is RecomputeStatus.QUEUED else kept.status
    return status


def _not_found(job_id: int, model_id: str) -> ModelNotFoundError:
    return ModelNotFoundError(f"Model '{model_id}' not found for job '{job_id}'")
