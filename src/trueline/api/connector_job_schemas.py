"""The shapes of jobs and their operations as connectors know them."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class JobName(BaseModel):
    """A job, by what it is called."""

    model_config = ConfigDict(extra="forbid", strict=True)

    job_name: str = Field(description="Exact title of the job, or its id as text.")


class ConnectorJobBody(BaseModel):
    """A job and what has come of it so far. Moments are in UTC; null: never."""

    job_id: int
    category: Literal["Decision intelligence", "Event centric decision intelligence"] = Field(
        description="Grouped by bucket, or by event."
    )
    data_type: Literal["JSON alerts"]
    title: str
    status: Literal["ENABLED", "DISABLED"] = Field(description="DISABLED: stopped, it takes in no events.")
    retrain_state: Literal["NOT_STARTED", "IN_PROGRESS", "FINISHED", "FAILED"]
    retrain_msg: str = Field(description="Why the last training failed; else empty.")
    labels: list[str]
    features: list[str] = Field(description="The decision points.")
    processed_documents_count: int = Field(description="Decided events.")
    feedback_documents_count: int = Field(description="Decided events whose bucket, or who themselves, have votes.")
    last_processed_timestamp: str | None = Field(description="Latest @timestamp of a decided event.")
    last_feedback_timestamp: str | None = Field(description="When the latest vote arrived.")
    last_train_start_timestamp: str | None
    last_train_finished_timestamp: str | None
    invalid: bool = Field(description="Always false: what would make a job invalid is refused when it is made.")


class OperationV1Body(BaseModel):
    """What became of an operation."""

    status: Literal["OK"]
    error_message: str = Field(description="Empty.")


class OperationBody(BaseModel):
    """What became of an operation."""

    status: Literal["OK"]
    reason: str = Field(description="Empty.")
    reason_details: str = Field(description="Empty.")
