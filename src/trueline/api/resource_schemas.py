"""The shapes of resources on the wire."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class LabelResource(_Request):
    """A label."""

    name: str
    hex_color: str | None = Field(default=None, pattern=r"^#[0-9A-Fa-f]{6}$", description="#RRGGBB.")


class AdvancedSettings(BaseModel):
    """The labels, and what else a client keeps with a job: kept and shown as given, and not acted on."""

    model_config = ConfigDict(extra="allow", strict=True)

    custom_labels: list[LabelResource] | None = Field(default=None, description="In the order of the matrix.")
    auto_retrain: dict[str, Any] | None = None


class JobProperties(_Request):
    """A job. What is left out or null is to stay as it is, or gets its default."""

    title: str
    category: str = Field(description="Decision intelligence (by bucket) or Event centric decision intelligence.")
    id: int | None = Field(default=None, description="Of a job that is there: has to be its own.")
    description: str | None = None
    decision_points: list[str] | None = None
    advanced_settings: AdvancedSettings | None = None
    feedback_columns: list[str] | None = Field(default=None, description="Taken, and of no account here.")
    pipeline_integrations: list[dict[str, Any]] | None = Field(
        default=None, description="Taken, and of no account here: events and decisions come through the API."
    )
    remove_missing_pipeline_integrations: bool | None = Field(
        default=None, description="Taken, and of no account here."
    )


class JobResourceRequest(_Request):
    """A job that is to be there."""

    type: Literal["job"]
    properties: JobProperties
    depends_on: list[str] | None = Field(default=None, description="Taken, and of no account here.")


class OtherResourceRequest(_Request):
    """A kind of resource that there is none of here: answered 501."""

    type: Literal["api_key", "integration"]
    properties: dict[str, Any]
    depends_on: list[str] | None = None


class ResourcesRequest(_Request):
    """Resources that are to be there, by what the request calls them."""

    resources: dict[str, Annotated[JobResourceRequest | OtherResourceRequest, Field(discriminator="type")]]
    overwrite: bool | None = Field(default=None, description="As in the query.")


class JobPropertiesBody(BaseModel):
    """A job as it is."""

    title: str
    id: int
    description: str
    category: str
    decision_points: list[str]
    advanced_settings: dict[str, Any] = Field(description="custom_labels, auto_retrain, and what else was given.")
    pipeline_integrations: list[Any] = Field(description="Empty.")


class JobResourceBody(BaseModel):
    """A job."""

    type: Literal["job"]
    properties: JobPropertiesBody


class RequestStatus(BaseModel):
    """How the request went."""

    status: Literal["OK"]


class WrittenResource(BaseModel):
    """A resource that was made or changed."""

    type: Literal["job"]
    resource_name: str
    title: str
    internal_id: int
    url: str


class WrittenBody(BaseModel):
    """What became of the resources."""

    request: RequestStatus
    created: list[WrittenResource]
    updated: list[WrittenResource]


class DeletedResource(BaseModel):
    """A resource that is no more."""

    type: Literal["job"]
    title: str
    internal_id: int


class DeletedBody(BaseModel):
    """What was deleted."""

    request: RequestStatus
    deleted: list[DeletedResource]
