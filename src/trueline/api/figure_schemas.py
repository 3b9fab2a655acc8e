"""The shape on the wire of a number with how sure it is."""

from __future__ import annotations

from pydantic import BaseModel, Field


class IntervalBody(BaseModel):
    """From where to where, both ends included."""

    low: float
    high: float


class FigureBody(BaseModel):
    """A number and how sure it is."""

    value: float | None = Field(description="null where it is not defined: the reason says why.")
    interval: IntervalBody | None = Field(description="Where the truth lies, at the level asked for.")
    reason: str | None = Field(description="Why there is no value, or what must be known of it.")
