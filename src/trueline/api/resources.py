"""Resources: jobs as management clients read, make, change and delete them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, Query
from starlette.requests import Request  # noqa: TC002 - FastAPI resolves it at run time
from starlette.responses import Response  # noqa: TC002

from trueline.api.access import Authenticated, Opened, job_for, jobs_for
from trueline.api.bodies import JsonRoute
from trueline.api.errors import ForbiddenError, answer
from trueline.api.resource_schemas import (
    DeletedBody,
    JobProperties,
    JobResourceBody,
    JobResourceRequest,
    ResourcesRequest,
    WrittenBody,
)
from trueline.api.schemas import ErrorBody
from trueline.api.threads import run_in_writers_thread, write_to
from trueline.service.errors import InvalidRequestError, PartMissingError
from trueline.service.keys import Access, access, jobs_open_to
from trueline.service.resources import JobResource

if TYPE_CHECKING:
    from trueline.catalog.records import Job, Key
    from trueline.service.resources import Written

router = APIRouter(tags=["resources"], route_class=JsonRoute)

_PATH = "/api/v2/resources"
_WRITE = "write:resources"
_NOT_HERE: dict[int | str, dict[str, Any]] = {
    501: {"model": ErrorBody, "description": "Of a kind that there is none of here."}
}

ResourceType = Literal["job", "api_key", "integration"]
_Title = Annotated[str | None, Query(description="Exact title; not together with id.")]
_Id = Annotated[str | None, Query(description="Not together with title.")]


@router.get(_PATH, response_model=list[dict[str, JobResourceBody]])
def read_resources(
    opened: Opened,
    key: Authenticated,
    resource_type: Annotated[ResourceType | None, Query(description="Jobs are all there is.")] = None,
    title: _Title = None,
    id: _Id = None,  # noqa: A002 - the name on the wire
) -> Response:
    """The jobs that the key may read, or the one of a title or id; none of any other type."""
    _not_both(title, id)
    found = [] if resource_type in {"api_key", "integration"} else jobs_for(opened, key, "read:resources")
    if title is not None:
        found = [job for job in found if job.title == title]
    if id is not None:
        found = [job for job in found if str(job.id) == id]
    return answer([{job.title: {"type": "job", "properties": opened.resources.properties(job)}} for job in found])


@router.post(_PATH, response_model=WrittenBody, responses=_NOT_HERE)
async def write_resources(
    body: ResourcesRequest,
    request: Request,
    opened: Opened,
    key: Authenticated,
    overwrite: Annotated[bool, Query(description="Change jobs that are there; else they are refused.")] = False,
) -> Response:
    """Make jobs, or change what may change in them: description, colours, settings, and labels, none taken away.

    All are checked before any is made or changed. A job without labels gets Escalate, Drop, Investigate.
    """

    def write() -> Written:
        wanted = _wanted(key, body)
        for each in wanted:
            _may_write(key, opened.jobs.titled(each.title))
        return opened.resources.write(wanted, overwrite=overwrite or bool(body.overwrite))

    written = await run_in_writers_thread(write)

    def told(resources: list[tuple[str, Job]]) -> list[dict[str, Any]]:
        return [
            {
                "type": "job",
                "resource_name": name,
                "title": job.title,
                "internal_id": job.id,
                "url": f"{request.base_url}api/v2/jobs/{job.id}",
            }
            for name, job in resources
        ]

    return answer({"request": {"status": "OK"}, "created": told(written.created), "updated": told(written.updated)})


@router.delete(_PATH, response_model=DeletedBody, responses=_NOT_HERE)
async def delete_resource(
    opened: Opened,
    key: Authenticated,
    resource_type: Annotated[ResourceType, Query(description="Jobs are all there is.")],
    title: _Title = None,
    id: _Id = None,  # noqa: A002 - the name on the wire
) -> Response:
    """Take a job away for good, with its events, votes, consensus, knowledge bases and models; its id is not reused."""
    if resource_type != "job":
        _has_any(key, "delete:resources")
        raise _not_here(resource_type)
    named = _named(title, id)

    def delete() -> Job:
        job = job_for(opened, key, "delete:resources", named)
        opened.jobs.delete(job)
        return job

    job = await write_to(opened, named, delete)
    deleted = {"type": "job", "title": job.title, "internal_id": job.id}
    return answer({"request": {"status": "OK"}, "deleted": [deleted]})


def _wanted(key: Key, body: ResourcesRequest) -> list[JobResource]:
    _has_any(key, _WRITE)
    wanted = []
    for name, resource in body.resources.items():
        if not isinstance(resource, JobResourceRequest):
            raise _not_here(resource.type, f"resource {name!r}")
        wanted.append(_job_resource(name, resource.properties))
    return wanted


def _job_resource(name: str, properties: JobProperties) -> JobResource:
    advanced = properties.advanced_settings
    labels = None if advanced is None else advanced.custom_labels
    return JobResource(
        name=name,
        title=properties.title,
        category=properties.category,
        job_id=properties.id,
        description=properties.description,
        decision_points=properties.decision_points,
        labels=None if labels is None else [label.name for label in labels],
        label_colors={label.name: label.hex_color for label in labels or () if label.hex_color is not None},
        settings={} if advanced is None else advanced.model_dump(exclude={"custom_labels"}, exclude_none=True),
    )


def _may_write(key: Key, job: Job | None) -> None:
    """Check for a job that is there, or that would be made: a key that is limited to certain jobs makes none."""
    limited = job is None and key.jobs is not None
    if limited or access(key, _WRITE, None if job is None else job.id) is not Access.ALLOWED:
        raise ForbiddenError(_WRITE)


def _has_any(key: Key, scope: str) -> None:
    if jobs_open_to(key, scope) == frozenset():
        raise ForbiddenError(scope)


def _not_here(resource_type: str, what: str = "what is asked for") -> PartMissingError:
    instead = (
        "keys are made with trueline keys" if resource_type == "api_key" else "events and decisions come by the API"
    )
    return PartMissingError(f"{what} is of the type {resource_type}, which Trueline does not have: {instead}")


def _not_both(title: str | None, job_id: str | None) -> None:
    if title is not None and job_id is not None:
        raise InvalidRequestError(("query", "id"), "give a title or an id, not both")


def _named(title: str | None, job_id: str | None) -> str:
    """What names the job that is to be deleted, and nothing else by chance: no title is a number."""
    _not_both(title, job_id)
    if title is not None:
        if title.isascii() and title.isdigit():
            raise InvalidRequestError(("query", "title"), "no title is a number: give the id as id")
        return title
    if job_id is None:
        raise InvalidRequestError(("query", "title"), "give the title or the id of the job")
    if not (job_id.isascii() and job_id.isdigit()):
        raise InvalidRequestError(("query", "id"), "the id of a job is a number")
    return job_id
