"""The shapes on the wire."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

State = Literal["new", "pending", "in_knowledge_base", "retrain"]


class _Request(BaseModel):
    """What a client sends: nothing unknown, nothing converted."""

    model_config = ConfigDict(extra="forbid", strict=True)


class CostMatrixBody(_Request):
    """What one event costs by its truth and its decision."""

    unit: str = Field(default="minutes", max_length=40, description="minutes, or a currency.", examples=["minutes"])
    per_error: float | None = Field(
        default=None,
        ge=0,
        le=1e12,
        description="Of every wrong decision without a cell, also for labels added later. Null: minutes_per_alert; "
        "of another unit than minutes it must be given.",
    )
    cells: dict[str, dict[str, Annotated[float, Field(ge=0, le=1e12)]]] = Field(
        default={}, description="Costs by truth, then by decision.", examples=[{"Escalate": {"Drop": 480}}]
    )


_TimeZone = Annotated[str, Field(description="IANA name; days and weeks begin in it.", examples=["Europe/Berlin"])]
_Ordered = Annotated[bool, Field(description="Whether the labels in their order are a scale.")]


class JobCreate(_Request):
    """A job to be made."""

    title: str = Field(description="Unique; not a number.", examples=["Triage of mail"])
    labels: list[str] = Field(
        description="At least two, in the order of the confusion matrix.",
        examples=[["Drop", "Investigate", "Escalate"]],
    )
    grouping: Literal["event", "bucket"] = Field(default="event", description="What votes are about.")
    decision_points: list[str] = Field(default=[], description="Field paths that make two alerts the same.")
    minutes_per_alert: float = Field(default=10.0, ge=0, le=1e12, description="Minutes an analyst spends on one alert.")
    min_votes: int = Field(default=1, ge=1, description="Fewest votes that make a consensus.")
    low_confidence_below: float = Field(default=60.0, ge=0, le=100, description="Percent.")
    description: str = Field(default="", description="For people.")
    cost_matrix: CostMatrixBody | None = Field(default=None, description="Null: minutes_per_alert an error.")
    time_zone: _TimeZone = "UTC"
    labels_ordered: _Ordered = False
    headline_label: str | None = Field(
        default=None, description="Whose misses are told first; null: the last named Escalate, else the last."
    )
    job_id: int | None = Field(default=None, ge=1, description="Without one: the next free id.")


class JobChange(_Request):
    """What is to change in a job; what is left out stays."""

    title: str | None = None
    labels: list[str] | None = Field(default=None, description="All there were and any new ones, in any order.")
    minutes_per_alert: float | None = Field(default=None, ge=0, le=1e12)
    min_votes: int | None = Field(default=None, ge=1)
    low_confidence_below: float | None = Field(default=None, ge=0, le=100)
    description: str | None = None
    cost_matrix: CostMatrixBody | None = Field(default=None, description="Null: back to the default.")
    time_zone: _TimeZone | None = None
    labels_ordered: _Ordered | None = None
    headline_label: str | None = Field(default=None, description="Null: back to the default.")


class DocumentPathsBody(BaseModel):
    """How many distinct paths the documents of a job have."""

    searched_fast: int = Field(description="Paths that filters find fast.")
    at_most: int = Field(description="So many may be: `TRUELINE_MAX_JOB_PATHS`.")
    others_searched_slowly: bool = Field(description="Whether there are, or once were, further ones.")
    note: str = Field(description="What that means; empty where there are no others.")


class JobBody(BaseModel):
    """A job."""

    job_id: int
    title: str
    labels: list[str]
    grouping: Literal["event", "bucket"]
    decision_points: list[str]
    minutes_per_alert: float
    min_votes: int
    low_confidence_below: float
    created_at: str
    status: Literal["ENABLED", "DISABLED"] = Field(description="DISABLED: stopped, it takes in no events.")
    description: str
    cost_matrix: CostMatrixBody | None = Field(description="As it was set; null: minutes_per_alert an error.")
    time_zone: str
    labels_ordered: bool
    headline_label: str | None = Field(description="As it was set; null: the last named Escalate, else the last.")
    document_paths: DocumentPathsBody | None = Field(default=None, description="Only where one job is asked for.")


class DecisionBody(_Request):
    """A decision made elsewhere."""

    label: str
    confidence: float | None = Field(default=None, ge=0, le=100, description="Percent.")
    model_id: str | None = None
    decided_at: str | None = Field(default=None, description="ISO 8601; without one: now.")
    outlier: bool | None = None


class TrainingMember(_Request):
    """A subject a model was trained with, and the label it was learned with."""

    event_id: str | int | None = None
    bucket_id: str | int | None = None
    label: str


class ModelCreate(_Request):
    """A training done elsewhere."""

    model_id: str | None = Field(default=None, description="Without one: generic-1-<job>-model-<epoch seconds>.")
    trained_at: str | None = Field(default=None, description="ISO 8601; without one: now.")
    activate: bool = True
    training_set: list[TrainingMember] | None = Field(
        default=None, description="Without one: every subject with a consensus label at trained_at."
    )


class ModelBody(BaseModel):
    """A model."""

    job_id: int
    model_id: str
    trained_at: str
    active: bool


class RebuiltBody(BaseModel):
    """What was found when all that is derived was derived anew."""

    job_id: int
    subjects: int = Field(description="Subjects with votes, whose consensus was derived.")
    corrected: int = Field(description="Those of which another consensus had been kept; 0 where all was right.")


class RejectedLine(BaseModel):
    """A line that was not taken."""

    line: int
    error: str


class BulkBody(BaseModel):
    """What became of the lines of a bulk request."""

    accepted: int = Field(description="Lines taken.")
    replaced: int = Field(description="Those of them that named an event already there.")
    rejected: list[RejectedLine]


class EventCreate(_Request):
    """An event of a connector."""

    job_id: int | str = Field(description="Id or exact title of the job.")
    raw_body: dict[str, Any] = Field(description="The document.")
    title: str | None = None
    severity: str | int | float | None = None
    storage_tag: str | None = None
    data_source: str | None = None

    def envelope(self) -> dict[str, object]:
        """What is said of the event beside its document."""
        return self.model_dump(include={"title", "severity", "storage_tag", "data_source"}, exclude_none=True)


class EventReceipt(BaseModel):
    """An event that was taken in."""

    event_id: str
    job_id: int
    ingest_timestamp: str
    status: Literal["OK", "pending_inference"] = Field(description="OK where it was there, and decided, already.")
    error_message: str = Field(description="Empty.")


class EventBody(BaseModel):
    """What came of an event."""

    event_id: str
    ingest_timestamp: str
    status: Literal["OK", "pending_inference"]
    result: str | None = Field(description="class_<index of the label>; null until it is decided.")
    result_label: str | None
    confidence_score: float | None = Field(description="Percent.")
    outlier: bool | None
    error_message: str = Field(description="Empty.")
    bucket_state: State | None = Field(default=None, description="In a job grouped by bucket, else left out.")
    knowledge_base_state: State | None = Field(default=None, description="In a job grouped by event, else left out.")


class ExportBody(BaseModel):
    """An event's document."""

    arcanna_event: dict[str, Any]
    event_id: str
    ingest_timestamp: str
    status: Literal["OK"]


class FeedbackBody(_Request):
    """A vote of a connector."""

    feedback: str | None = Field(default=None, description="The label that the event should have.")
    label: str | None = Field(default=None, description="Another name for feedback.")
    cortex_user: str | None = Field(default=None, description="Who votes; without one the key's owner.")
    username: str | None = Field(default=None, description="Another name for cortex_user.")
    closing_notes: str | None = Field(default=None, description="Kept with the vote.")


class HealthBody(BaseModel):
    """Whether the stores answer and can be written."""

    status: Literal["OK", "NOK"]
    reason: str = Field(description="Empty when all is well.")
    reason_details: str


class DecisionScoresBody(BaseModel):
    """Scores of one decision against the rest."""

    precision: float
    recall: float
    f1_score: float
    true_positives: int
    true_negatives: int
    false_positives: int
    false_negatives: int


class ChangedBody(BaseModel):
    """Events whose subject's consensus changed after training."""

    total_events: int
    top_events_ids: list[str]
    top_buckets_ids: list[str]


class MatrixBody(BaseModel):
    """A confusion matrix and its scores."""

    confusion_matrix: list[list[int]] = Field(description="Row: truth. Column: decision. Labels in the job's order.")
    overall_accuracy: float | None
    overall_f1_score: float | None
    overall_recall: float | None
    overall_precision: float | None
    metrics_per_decision: dict[str, DecisionScoresBody]


class JobMetricsBody(MatrixBody):
    """The metrics of a job."""

    start_time: str | None
    end_time: str | None
    time_saved_minutes: float
    active_model_id: str | None
    all_model_ids: list[str]
    total_events: int
    total_events_in_knowledge_base: int
    total_events_with_consensus: int
    changed_consensus_after_training: ChangedBody


class ErrorBody(BaseModel):
    """What went wrong, in a sentence."""

    error: str


class Problem(BaseModel):
    """One thing wrong with a request."""

    loc: list[str | int]
    msg: str
    type: str


class ProblemsBody(BaseModel):
    """All that is wrong with a request."""

    detail: list[Problem]


Scalar = str | int | float | bool


class FilterBody(_Request):
    """A condition on events."""

    field: str = Field(description="An own field, or a dot path into the document.")
    operator: str
    value: Annotated[Scalar | list[Scalar] | None, Field(description="None for exists and not exists.")] = None


class FiltersBody(_Request):
    """Conditions that all must hold."""

    filters: list[FilterBody] = []


def json_request(model: type[BaseModel], *, required: bool) -> dict[str, Any]:
    """The OpenAPI entry of a JSON body that the route reads itself."""
    return {
        "requestBody": {
            "required": required,
            "content": {"application/json": {"schema": _whole_schema(model)}},
        }
    }


def _whole_schema(model: type[BaseModel]) -> dict[str, Any]:
    """The schema of a model with those it refers to written out: the framework's list does not have them."""
    schema = model.model_json_schema()
    parts = schema.pop("$defs", {})

    def write_out(node: Any) -> Any:  # noqa: ANN401 - any part of a schema
        if isinstance(node, list):
            return [write_out(each) for each in node]
        if not isinstance(node, dict):
            return node
        if "$ref" in node:
            return write_out(parts[node["$ref"].removeprefix("#/$defs/")])
        return {name: write_out(each) for name, each in node.items()}

    whole: dict[str, Any] = write_out(schema)
    return whole


NDJSON_REQUEST: dict[str, Any] = {
    "requestBody": {"required": True, "content": {"application/x-ndjson": {"schema": {"type": "string"}}}}
}
