"""The shapes on the wire of the report's sections on people, confidence and models."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from trueline.api.figure_schemas import FigureBody  # noqa: TC001 - pydantic resolves it at run time

Counted = Literal["events", "buckets"]


class AgreementFiguresBody(BaseModel):
    """How far answers on the same subjects agree."""

    subjects_compared: int = Field(description="With two answers to compare.")
    raw_agreement: FigureBody = Field(description="Of two answers on one subject, the share that is the same.")
    nominal_alpha: FigureBody = Field(description="Krippendorff's alpha: 1 is full agreement, 0 no more than chance.")
    ordinal_alpha: FigureBody = Field(description="The same where labels further apart disagree more.")
    prevalence: dict[str, FigureBody] = Field(description="The share of each label among the answers compared.")


class PairAgreementBody(AgreementFiguresBody):
    """Two analysts, on the subjects that both voted on."""

    first: str
    second: str


class AnalystAgreementBody(AgreementFiguresBody):
    """An analyst against the consensus of the others."""

    analyst: str
    subjects_with_vote: int
    alone: int = Field(description="Of these, how many nobody else voted on.")
    others_undecided: int = Field(description="Of these, on how many the others have no consensus.")


class HumanCeilingBody(BaseModel):
    """Analysts and model against the same answers: for each vote, the consensus of the others."""

    analysts: AgreementFiguresBody
    model: AgreementFiguresBody
    difference: FigureBody = Field(description="Model minus analysts in raw agreement.")


class AgreementBody(BaseModel):
    """How far people agree, and the model with them."""

    counted: Counted = Field(description="What a subject is.")
    subjects_with_votes: int
    overall: AgreementFiguresBody
    pairs: list[PairAgreementBody] = Field(description="Most subjects in common first.")
    pairs_left_out: int
    analysts: list[AnalystAgreementBody] = Field(description="Most subjects voted on first.")
    analysts_left_out: int
    human_ceiling: HumanCeilingBody


class BandBody(BaseModel):
    """Decisions of like confidence: from low on and below high, in the last band up to it."""

    low: float
    high: float
    decisions: int
    reviewed: int
    mean_confidence: FigureBody = Field(description="Of the reviewed ones, percent.")
    right: FigureBody = Field(description="Share of the reviewed ones, 0 to 1.")


class AutomationPointBody(BaseModel):
    """What happens when decisions of this confidence and above stand without review."""

    threshold: float = Field(description="Percent.")
    decisions: int
    share: FigureBody = Field(description="Of all decisions, 0 to 1.")
    reviewed: int
    wrong: int
    error_rate: FigureBody = Field(description="The interval is one-sided, from 0.")


class PromiseBody(BaseModel):
    """The lowest threshold that keeps to a promised rate of errors."""

    promised_error_rate: float
    kept_from: AutomationPointBody | None = Field(description="null where no threshold is known to keep it.")
    error_at_most: float | None = Field(description="With the search among thresholds allowed for.")
    reason: str | None


class ConfidenceBody(BaseModel):
    """Whether confidence is worth anything; right is what the consensus says."""

    counted: Counted = Field(description="In a job grouped by bucket each bucket once, with its latest decision.")
    decisions: int
    reviewed: int
    without_confidence: int
    bands: list[BandBody]
    decisions_in_reviewed_bands: int
    expected_calibration_error: FigureBody
    error_by_chance: FigureBody = Field(description="What the error would be for a model without fault.")
    overconfidence: FigureBody = Field(description="Mean claim less share right, -1 to 1.")
    automation: list[AutomationPointBody]
    promise: PromiseBody | None = Field(description="null where no rate was promised.")


class PairedTableBody(BaseModel):
    """By who was right."""

    both_right: int
    only_first: int
    only_second: int
    neither: int


class FlipBody(BaseModel):
    """Events that the second decided otherwise than the first."""

    first: str = Field(description="The label that the first gave.")
    second: str = Field(description="The label that the second gave.")
    events: int
    first_right: int
    second_right: int
    neither_right: int
    without_truth: int
    events_ids: list[str] = Field(description="Up to 10: latest first, then by id.")


class ModelsBody(BaseModel):
    """Two models, or two decisions, on the same events; right is what the consensus says."""

    compared: Literal["models", "decisions"] = Field(
        description="decisions: the one before the one in force, and the one in force."
    )
    first_model: str | None
    second_model: str | None
    counted: Counted = Field(description="What a subject is.")
    events_decided_by_both: int
    events_with_truth: int
    events: PairedTableBody
    subjects: PairedTableBody
    first_right: FigureBody = Field(description="Share of subjects, 0 to 1.")
    second_right: FigureBody
    difference: FigureBody = Field(description="Second minus first.")
    mcnemar_p_value: FigureBody = Field(description="Exact, two-sided.")
    flips: list[FlipBody] = Field(description="The 20 commonest kinds.")
    flips_left_out: int = Field(description="How many kinds more there are.")
