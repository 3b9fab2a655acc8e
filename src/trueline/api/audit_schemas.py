"""The shapes of audits on the wire."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from trueline.api.schemas import FilterBody  # noqa: TC001 - pydantic resolves it at run time

Subjects = Literal["events", "buckets"]


class _Window(BaseModel):
    """Which decided events an audit is about."""

    model_config = ConfigDict(extra="forbid", strict=True)

    start_datetime: str | None = Field(default=None, description="ISO 8601, inclusive.")
    end_datetime: str | None = Field(default=None, description="ISO 8601, exclusive; a date is the end of that day.")
    filters: list[FilterBody] = []

    def window(self) -> dict[str, Any]:
        """As `AuditWindow` takes it."""
        return {
            "start": self.start_datetime,
            "end": self.end_datetime,
            "filters": [each.model_dump(exclude_unset=True) for each in self.filters],
        }


class AuditPlanQuery(_Window):
    """What is to be promised."""

    bound: float = Field(gt=0, lt=1, description="The share of wrong ones to promise at most.", examples=[0.01])
    level: float = Field(default=0.95, gt=0, lt=1, description="How sure the promise is, one-sided.")


class DecisionPlanBody(BaseModel):
    """How many of one decision to review."""

    decision: str
    population: int = Field(description="Its events, or buckets that have such an event.")
    reviewed: int = Field(description="Of them reviewed by chance so far, with a consensus label.")
    wrong: int = Field(description="Of those, the consensus is another label.")
    review: int = Field(description="How many to draw, of all, reviewed or not.")
    allowed: int = Field(description="So many of them may turn out wrong, and the promise holds.")
    chance: float = Field(description="That no more will, if errors are as frequent as so far. 0 to 1.")
    reason: str | None = Field(description="Why all are to be reviewed, if so, or why nothing can be promised.")


class AuditPlanBody(BaseModel):
    """How many to review."""

    job_id: int
    bound: float
    level: float
    drawn_are: Subjects
    start_time: str | None
    end_time: str | None
    decisions: list[DecisionPlanBody] = Field(description="In the order of the job's labels.")


class AuditDrawQuery(_Window):
    """What is to be drawn."""

    decision: str = Field(examples=["Drop"])
    count: int = Field(ge=1, le=100_000, examples=[3])
    seed: str = Field(
        min_length=1,
        max_length=200,
        description="What makes this draw another than the last, such as the week. The same request is the same draw.",
        examples=["2026-W48"],
    )


class DrawnSubject(BaseModel):
    """An event or a bucket that was drawn."""

    id: str
    consensus: str | None = Field(description="By now: a label, Undecided, or null where nobody voted.")


class AuditDrawBody(BaseModel):
    """What was drawn, and what of it is reviewed by now."""

    draw_id: str
    job_id: int
    decision: str
    drawn_are: Subjects
    start_time: str | None
    end_time: str | None
    seed: str
    drawn_at: str
    count: int
    population: int = Field(description="How many there were to draw from.")
    probability: float = Field(description="With which each of them was drawn: count of population.")
    review_reason: str
    reviewed: int = Field(description="Of those drawn, with a consensus label.")
    undecided: int
    wrong: int = Field(description="Of those reviewed, the consensus is another label than the decision.")
    drawn: list[DrawnSubject] = Field(description="In the order of drawing: who stops early has reviewed by chance.")
