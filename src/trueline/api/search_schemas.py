"""The shapes on the wire of events looked for, of fields, and of events marked to be decided anew."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from trueline.api.schemas import FilterBody, State  # noqa: TC001 - parts of models
from trueline.service.search import DEFAULT_SIZE, MAX_REACH, MAX_SIZE

_MOST_JOBS = 1_000

_Reference = int | str
_Jobs = _Reference | Annotated[list[_Reference], Field(min_length=1, max_length=_MOST_JOBS)] | None
_Titles = str | Annotated[list[str], Field(min_length=1, max_length=_MOST_JOBS)] | None
_Events = _Reference | Annotated[list[_Reference], Field(min_length=1)] | None


class _Request(BaseModel):
    """What a client sends: nothing unknown, nothing converted."""

    model_config = ConfigDict(extra="forbid", strict=True)


class JobsNamed(_Request):
    """Jobs by ids and titles; without either: all that the key may read."""

    job_ids: _Jobs = Field(default=None, description="An id, or a list of ids.")
    job_titles: _Titles = Field(default=None, description="An exact title, or a list of titles.")

    @property
    def references(self) -> list[int | str]:
        """The jobs named, in their order."""
        return [*_many(self.job_ids), *_many(self.job_titles)]


class EventsNarrowed(_Request):
    """Which events of a job."""

    filters: list[FilterBody] | None = Field(default=None, description="All must hold.")
    start_date: str | None = Field(default=None, description="ISO 8601, inclusive.")
    end_date: str | None = Field(default=None, description="ISO 8601, exclusive; a date is the end of that day.")
    date_field: Literal["@timestamp", "timestamp_inference"] = Field(
        default="@timestamp", description="What the dates are about: when it happened, or when it arrived."
    )


class EventsQuery(JobsNamed, EventsNarrowed):
    """Events to be looked for."""

    event_ids: _Events = Field(default=None, description="An id, or a list of at most `TRUELINE_MAX_LIST_MEMBERS`.")
    size: int = Field(default=DEFAULT_SIZE, ge=0, le=MAX_SIZE, description="Events of each job.")
    page: int = Field(default=0, ge=0, le=MAX_REACH, description="Counts from 0.")
    sort_by_column: str = Field(default="@timestamp", description="An own field, or a dot path into the document.")
    sort_order: Literal["desc", "asc"] = "desc"
    decision_points_only: bool = Field(default=False, description="Leave out raw_event.")
    count_results_only: bool = Field(default=False, description="Only total_count; events is empty.")
    awaiting_decision: bool = Field(
        default=False, description="Only events without a decision, and those marked to be decided anew."
    )

    @property
    def ids(self) -> list[str] | None:
        """The ids of events named; None: all."""
        return None if self.event_ids is None else [str(each) for each in _many(self.event_ids)]


def _many(one_or_more: int | str | list[int | str] | list[str] | None) -> list[int | str]:
    if one_or_more is None:
        return []
    return [*one_or_more] if isinstance(one_or_more, list) else [one_or_more]


class ModelPathBody(BaseModel):
    """The model of a decision."""

    path: str | None = Field(description="Its id.")


class AttentionRequired(BaseModel):
    """Whether something asks for attention."""

    attention_required: bool


class AttentionBody(BaseModel):
    """What asks for attention."""

    low_confidence_score: AttentionRequired
    undecided_consensus: AttentionRequired


class OwnFieldsBody(BaseModel):
    """The own fields of an event, as filters see them; null where one has no value."""

    timestamp: str = Field(alias="@timestamp")
    timestamp_inference: str
    result_label: str | None
    result: str | None
    previous_result: str | None
    consensus: str | None
    bucket_id: str | None
    bucket_state: State | None
    knowledge_base_state: State | None
    confidence_score: float | None
    outlier_flag: bool | None
    model: ModelPathBody
    original_id: str
    pipeline_status: Literal["OK", "pending_inference"]
    last_compute_consensus_timestamp: str | None
    attention: AttentionBody


class QueriedEvent(BaseModel):
    """An event that was found."""

    event_id: str
    job_id: int
    job_title: str
    decision_points: dict[str, Any] = Field(description="By path: the value, a list of several, or null.")
    arcanna: OwnFieldsBody
    raw_event: dict[str, Any] | None = Field(default=None, description="As it was sent; left out where not asked for.")


class EventsBody(BaseModel):
    """A page of events of each job."""

    events: list[QueriedEvent]
    total_count: int = Field(description="Events of all the jobs, on whatever page.")


class FieldBody(BaseModel):
    """A field that filters can be about."""

    field_name: str
    available_operators: list[str]
    available_in_jobs: list[int]


class RequestStatus(BaseModel):
    """What became of a request."""

    status: Literal["OK"]
    reason: str = Field(description="Empty.")
    reason_details: str = Field(description="Empty.")


class EventReprocessed(BaseModel):
    """An event is marked to be decided anew."""

    request: RequestStatus


class EventsReprocessed(EventReprocessed):
    """Events are marked to be decided anew."""

    events_updated: int = Field(description="Events marked: those that have a decision.")
