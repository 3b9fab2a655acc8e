"""The shapes on the wire of the metrics of models and of internal metrics."""

from __future__ import annotations

from typing import Generic, Literal, TypeVar

from pydantic import BaseModel, Field

from trueline.api.schemas import DecisionScoresBody, ErrorBody, JobMetricsBody, MatrixBody


class ModelErrorBody(ErrorBody):
    """What was not found."""

    details: str | None = Field(default=None, description="Which model, where it is one that was not found.")


class KnowledgeBaseCountBody(BaseModel):
    """What a model learned with one label."""

    alerts_count: int = Field(description="Decided events of the job whose subject was learned with it.")
    buckets_count: int = Field(description="Subjects learned with it: buckets, or events in a job grouped by event.")


class ModelMetricsBody(BaseModel):
    """The metrics of a model, as last computed; null and empty where they never were."""

    confusion_matrix: list[list[int]] | None
    overall_accuracy: float | None
    overall_f1_score: float | None
    overall_recall: float | None
    overall_precision: float | None
    metrics_per_decision: dict[str, DecisionScoresBody]
    kb_count_per_decision: dict[str, KnowledgeBaseCountBody]
    buckets_in_kb: int | None = Field(description="Subjects that the model learned from, seen yet or not.")
    events_in_kb: int | None = Field(description="Decided events of the job whose subject the model learned from.")
    model_id: str
    is_recomputing_metrics: bool
    last_recomputed_timestamp: str | None = Field(description="What was acknowledged before it is in the numbers.")
    recompute_status: Literal["queued", "in_progress", "completed", "failed"] | None


class JobAndModelMetricsBody(JobMetricsBody):
    """The metrics of a job and of its active model."""

    active_model_metrics: ModelMetricsBody


class RecomputeBody(BaseModel):
    """A recomputation that was asked for."""

    message: str
    job_id: int
    model_id: str
    status: Literal["queued", "in_progress"]
    requested_at: str


class EvaluationBody(MatrixBody):
    """How right decisions are."""

    time_saved_minutes: float
    total_events: int
    total_events_with_consensus: int
    total_events_changed_after_training: int


class ConfidenceBody(BaseModel):
    """How sure decisions are. Means are percents, 0 to 100, null where no decision came with a confidence."""

    mean_confidence: float | None
    mean_confidence_when_right: float | None
    mean_confidence_when_wrong: float | None
    events_with_confidence: int
    events_with_low_confidence: int
    total_events: int


class _Interval(BaseModel):
    start_time: str | None = Field(description="Inclusive.")
    end_time: str | None = Field(description="Exclusive.")


class EvaluationIntervalBody(_Interval, EvaluationBody):
    """How right decisions on the events of an interval are."""


class ConfidenceIntervalBody(_Interval, ConfidenceBody):
    """How sure decisions on the events of an interval are."""


class EvaluationSeriesBody(BaseModel):
    """How right decisions are, in all and over time."""

    total: EvaluationBody
    intervals: list[EvaluationIntervalBody]


class ConfidenceSeriesBody(BaseModel):
    """How sure decisions are, in all and over time."""

    total: ConfidenceBody
    intervals: list[ConfidenceIntervalBody]


class LabelCountsBody(BaseModel):
    """Events by the label they were learned with; by their consensus, where they were not learned from."""

    total_events: int
    events_per_label: dict[str, int]
    events_without_label: int


class TrainingSetBody(BaseModel):
    """What a model learned from, whatever the window and the filters."""

    total_subjects: int
    subjects_per_label: dict[str, int]


class DecisionPointBody(BaseModel):
    """What stands at a decision point."""

    total_events: int
    distinct_values: int
    missing_events: int = Field(description="Events with nothing there, or null, or an empty list.")
    missing_share: float | None = Field(description="0 to 1; null without events.")


_Said = TypeVar("_Said")


class SplitBody(BaseModel, Generic[_Said]):
    """New data, and data in the knowledge base of the active model."""

    new_data: _Said
    knowledge_base: _Said


class TrainingSetSplitBody(SplitBody[LabelCountsBody]):
    """The same with what the model learned from."""

    training_set: TrainingSetBody | None


_Split = TypeVar("_Split")


class PerModelBody(BaseModel, Generic[_Split]):
    """Overall, and for the events that each model decided."""

    overall: _Split
    per_model: dict[str, _Split]


class InternalMetricsBody(BaseModel):
    """A job over time, on what its active model has learned and on what it has not."""

    job_id: int
    active_model_id: str | None
    start_time: str | None
    end_time: str | None
    aggregation_time_interval: Literal["1h", "1d", "7d", "15d", "30d"] | None
    evaluation_metrics: PerModelBody[SplitBody[EvaluationSeriesBody]]
    confidence_over_time: PerModelBody[SplitBody[ConfidenceSeriesBody]]
    training_set_statistics: PerModelBody[TrainingSetSplitBody]
    decision_point_statistics: PerModelBody[SplitBody[dict[str, DecisionPointBody]]]
