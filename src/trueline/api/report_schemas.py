"""The shapes on the wire of the report."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from trueline.api.figure_schemas import FigureBody
from trueline.api.people_schemas import AgreementBody, ConfidenceBody, ModelsBody  # noqa: TC001 - likewise
from trueline.api.schemas import MatrixBody


class MassBody(BaseModel):
    """How much there is of something."""

    events: int
    subjects: int = Field(description="Buckets in a job grouped by bucket, one for each decision on it; else events.")


class ProportionBody(FigureBody):
    """A share of events, 0 to 1, and what it is a share of."""

    part: MassBody
    whole: MassBody


class ReviewedShareBody(BaseModel):
    """How much of something was reviewed."""

    total: MassBody
    reviewed: MassBody = Field(description="With a consensus label.")
    undecided: MassBody = Field(description="With votes that agree on no label.")
    share: FigureBody
    sentence: str


class ReviewedBody(BaseModel):
    """How much was reviewed, of all and of each decision."""

    overall: ReviewedShareBody
    per_decision: dict[str, ReviewedShareBody]


class PolicyBody(MatrixBody):
    """The numbers of the compatible endpoint under one policy; there 0/0 is 0.0: `scores` tells it apart."""

    time_saved_minutes: float


class PoliciesBody(BaseModel):
    """Both readings of the truth side by side."""

    reviewed: ReviewedBody
    implicit: PolicyBody = Field(description="A decision that nobody voted on counts as right.")
    explicit: PolicyBody = Field(description="Only events with a consensus label count.")


class LabelScoresBody(BaseModel):
    """How well one label is decided, one against the rest."""

    precision: ProportionBody
    recall: ProportionBody
    f1_score: FigureBody


class MatrixScoresBody(BaseModel):
    """The scores of one confusion matrix; precision, recall and F1 are means over the labels that have one."""

    accuracy: ProportionBody
    precision: FigureBody
    recall: FigureBody
    f1_score: FigureBody
    per_label: dict[str, LabelScoresBody]
    assumption: str | None


class ScoresBody(BaseModel):
    """The scores under both policies."""

    implicit: MatrixScoresBody
    explicit: MatrixScoresBody


class BasisBody(BaseModel):
    """What the estimate of one decision's truths rests on."""

    basis: Literal["nothing", "unknown", "census", "known_probability", "post_stratified"]
    assumption: str


class ThreeFiguresBody(BaseModel):
    """One score three ways: a share from 0 to 1."""

    reviewed_only: FigureBody = Field(description="Of the reviewed events, as if there were no others.")
    weighted: FigureBody = Field(description="Of all events, the reviewed ones standing for the rest.")
    bounds: FigureBody = Field(description="The worst and the best case, without a value between.")


class PartialScoresBody(BaseModel):
    """One label's scores when only some events were reviewed."""

    recall: ThreeFiguresBody
    precision: ThreeFiguresBody
    miss_rate: ThreeFiguresBody


class WrongByReasonBody(BaseModel):
    """Of one decision, the share decided wrong of what was reviewed for each reason; all are together the reviewed."""

    model_config = ConfigDict(serialize_by_alias=True)

    audit: ProportionBody
    low_confidence: ProportionBody = Field(alias="low confidence")
    escalation: ProportionBody
    complaint: ProportionBody
    not_said: ProportionBody = Field(alias="not said")


class PartlyReviewedBody(BaseModel):
    """What can be told of all events from those that were reviewed."""

    basis: dict[str, BasisBody]
    per_label: dict[str, PartialScoresBody]
    wrong_by_reason: dict[str, WrongByReasonBody] = Field(description="By decision.")


class BoundBody(BaseModel):
    """How many of the reviewed were missed; the interval of the rate is one-sided, from 0."""

    found: MassBody
    reviewed: MassBody
    rate: FigureBody = Field(description="By subjects; of those drawn by chance, where some were.")


class MissedBody(BaseModel):
    """Events truly of a label that were decided otherwise."""

    label: str = Field(description="The job's headline label.")
    overall: BoundBody
    per_decision: dict[str, BoundBody]
    miss_rate: ProportionBody
    estimated: FigureBody = Field(description="Events of the whole population.")
    top_events_ids: list[str] | None = Field(description="Up to 10, latest first; null for parts of the population.")


class ExpectedCostBody(BaseModel):
    """What all decisions cost."""

    unit: str
    total: FigureBody


class TimeSavedBody(BaseModel):
    """Minutes of analysts' work."""

    compatible: float = Field(description="As the compatible endpoint has it.")
    saved: FigureBody = Field(description="Less what wrong decisions cost.")
    rework: FigureBody


class CostsBody(BaseModel):
    """What was missed, what errors cost, what right decisions save."""

    missed: MissedBody
    expected_cost: ExpectedCostBody
    time_saved_minutes: TimeSavedBody


class SectionsBody(BaseModel):
    """What is told of a population, and of each part of it."""

    policies: PoliciesBody
    scores: ScoresBody
    partly_reviewed: PartlyReviewedBody
    costs: CostsBody


class ReportIntervalBody(SectionsBody):
    """The same of one interval of time."""

    start_time: str = Field(description="Inclusive.")
    end_time: str = Field(description="Exclusive.")
    local_start_time: str = Field(description="The start on the clock of the job's time zone.")


class ReportValueBody(SectionsBody):
    """The same of the events with one value."""

    value: str


class ReportGroupsBody(BaseModel):
    """The same by values of a field: together they are the whole."""

    field: str
    values: list[ReportValueBody] = Field(description="Those that most events have.")
    other_values: SectionsBody
    without_value: SectionsBody


class ReportBody(SectionsBody):
    """What is known of a job's decisions, how well, and what it costs."""

    job_id: int
    grouping: Literal["event", "bucket"]
    level: float = Field(description="Of all intervals.")
    start_time: str | None
    end_time: str | None
    time_zone: str
    as_of: str | None = Field(description="Only what was known then; null: all that is known.")
    digest: str = Field(description="Of the request and all else here: where it is the same, so is every byte.")
    intervals: list[ReportIntervalBody] | None = Field(description="null where no interval was asked for.")
    groups: ReportGroupsBody | None = Field(description="null where no field was asked for.")
    agreement: AgreementBody | None = Field(description="null where it was not asked for.")
    confidence: ConfidenceBody | None = Field(description="null where it was not asked for.")
    models: ModelsBody | None = Field(description="null where they were not asked for.")
