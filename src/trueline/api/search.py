"""Events looked for, the fields they can be looked for by, and events marked to be decided anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Body
from starlette.responses import Response  # noqa: TC002 - FastAPI resolves it at run time

from trueline.api.access import Authenticated, Opened, job_for, named_jobs
from trueline.api.bodies import JsonRoute
from trueline.api.errors import answer
from trueline.api.search_schemas import (
    EventReprocessed,
    EventsBody,
    EventsNarrowed,
    EventsQuery,
    EventsReprocessed,
    FieldBody,
    JobsNamed,
)
from trueline.api.threads import ask, write_to
from trueline.service.search import Paging, Wanted

if TYPE_CHECKING:
    from trueline.catalog.records import Job, Key
    from trueline.service.workspace import Workspace

router = APIRouter(tags=["search"], route_class=JsonRoute)

_SCOPE = "read:event_query"
_DONE: dict[str, Any] = {"status": "OK", "reason": "", "reason_details": ""}


@router.post("/api/v2/events/query", response_model=EventsBody, response_model_exclude_unset=True)
async def query_events(
    body: Annotated[EventsQuery, Body(default_factory=EventsQuery)], opened: Opened, key: Authenticated
) -> Response:
    """Events of one job or more, decided or not, a page of each job, in the order of the jobs' ids."""

    def question() -> Response:
        paging = Paging(
            size=body.size,
            page=body.page,
            sort_by_column=body.sort_by_column,
            descending=body.sort_order == "desc",
            decision_points_only=body.decision_points_only,
            count_results_only=body.count_results_only,
        )
        wanted = _wanted(body, event_ids=body.ids, awaiting_decision=body.awaiting_decision)
        return answer(opened.search.query(_jobs(opened, key, body), wanted, paging))

    return await ask(opened, key, question)


@router.post("/api/v2/filters/fields", response_model=list[FieldBody])
async def filter_fields(
    body: Annotated[JobsNamed, Body(default_factory=JobsNamed)], opened: Opened, key: Authenticated
) -> Response:
    """The fields that filters can be about, with the operators that mean something for each, and its jobs."""

    def question() -> Response:
        return answer(opened.fields.available(_jobs(opened, key, body)))

    return await ask(opened, key, question)


@router.post("/api/v2/filters/fields_mapping", response_model=dict[str, str])
async def fields_mapping(
    body: Annotated[JobsNamed, Body(default_factory=JobsNamed)], opened: Opened, key: Authenticated
) -> Response:
    """The type of every field: keyword, long, double, boolean, date or object."""

    def question() -> Response:
        return answer(opened.fields.types(_jobs(opened, key, body)))

    return await ask(opened, key, question)


@router.post("/api/v2/events/{job}/reprocess", response_model=EventsReprocessed)
async def reprocess_events(
    job: str,
    body: Annotated[EventsNarrowed, Body(default_factory=EventsNarrowed)],
    opened: Opened,
    key: Authenticated,
) -> Response:
    """Mark decided events to be decided anew; each decision stays, and counts, until another one is made."""

    def mark() -> int:
        return opened.search.reprocess(job_for(opened, key, "execute:reprocess_events", job), _wanted(body))

    return answer({"request": _DONE, "events_updated": await write_to(opened, job, mark)})


@router.post("/api/v2/events/{job}/{event:path}/reprocess", response_model=EventReprocessed)
async def reprocess_event(job: str, event: str, opened: Opened, key: Authenticated) -> Response:
    """Mark an event to be decided anew; one without a decision waits for one already."""

    def mark() -> None:
        opened.search.reprocess_one(job_for(opened, key, "execute:reprocess_events", job), event)

    await write_to(opened, job, mark)
    return answer({"request": _DONE})


def _wanted(body: EventsNarrowed, *, event_ids: list[str] | None = None, awaiting_decision: bool = False) -> Wanted:
    filters = None if body.filters is None else [each.model_dump() for each in body.filters]
    return Wanted(filters, body.start_date, body.end_date, body.date_field, event_ids, awaiting_decision)


def _jobs(opened: Workspace, key: Key, body: JobsNamed) -> list[Job]:
    """The jobs a request names, or all that the key may read; by id.

    Raises:
        ForbiddenError: the key may not read one of them, or none at all.
        JobNotFoundError: no such job, or one outside those the key is limited to.
    """
    jobs = named_jobs(opened, key, _SCOPE, [str(each) for each in body.references])
    return sorted(jobs, key=lambda job: job.id)
