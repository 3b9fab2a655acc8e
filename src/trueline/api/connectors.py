"""The routes that connectors drive: an event sent, asked about until it is decided, voted on, exported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request  # noqa: TC002 - FastAPI resolves it at run time
from starlette.responses import Response  # noqa: TC002

from trueline.api.access import Authenticated, Opened, WithKey, authenticated, job_for, valid_key, workspace
from trueline.api.bodies import BareRoute, JsonRoute, raw_body_of, read_model
from trueline.api.errors import answer
from trueline.api.schemas import EventBody, EventCreate, EventReceipt, ExportBody, FeedbackBody, json_request
from trueline.api.threads import take_in_alone, write_to
from trueline.api.under_way import LEAST
from trueline.service.errors import InvalidRequestError
from trueline.service.lines import MAX_NAME_LENGTH

if TYPE_CHECKING:
    from concurrent.futures import Future

    from trueline.catalog.records import Job, Key
    from trueline.service.lines import BulkAnswer
    from trueline.service.workspace import Workspace

router = APIRouter(tags=["connectors"], route_class=JsonRoute)
sending = APIRouter(tags=["connectors"], route_class=BareRoute)
"""Events come one by one and in great number: all there is to do before one is written is done in one go."""

_SENDS: dict[str, Any] = {"dependencies": [WithKey], "openapi_extra": json_request(EventCreate, required=True)}

NO_ID = "None"
"""What one client sends in the place of an event id when it has none."""


@sending.post("/api/v1/events", status_code=201, response_model=EventReceipt, **_SENDS)
async def send_event(request: Request) -> Response:
    """Take in an event that is not decided yet, under an id made here. When it is answered, it is on disk."""
    return await _send(None, request)


@sending.post("/api/v1/events/{event_id:path}", status_code=201, response_model=EventReceipt, **_SENDS)
async def send_event_with_id(event_id: str, request: Request) -> Response:
    """Take in an event that is not decided yet; one sent again is replaced. The id `None` is none."""
    return await _send(None if event_id == NO_ID else event_id, request)


async def _send(event_id: str | None, request: Request) -> Response:
    opened = await workspace(request)
    announced = request.headers.get("content-length", "")
    if not announced.isdecimal() or int(announced) > LEAST:
        await valid_key(request, opened)  # nobody without a key takes the room of a large body
    raw = await request.body()

    def put() -> tuple[tuple[Job, str], Future[BulkAnswer]]:
        key = authenticated(opened, request)
        body = read_model(raw, EventCreate, opened.settings.max_json_depth)
        job = job_for(opened, key, "write:events", str(body.job_id))
        sent = opened.events.send(job, event_id, raw_body_of(raw), body.envelope())
        return (job, sent.event_id), sent.answer

    (job, named), taken = await take_in_alone(put)
    if taken.replaced:
        return answer(await run_in_threadpool(opened.events.receipt, job, named, taken), 201)
    return answer(opened.events.receipt(job, named, taken), 201)


# before the event itself, since an id may hold slashes
@router.get("/api/v1/events/{job}/{event:path}/export", response_model=ExportBody)
def export_event(job: str, event: str, opened: Opened, key: Authenticated) -> Response:
    """The document of an event, as it was sent."""
    return answer(opened.events.export(job_for(opened, key, "read:event_export", job), event))


@router.get("/api/v1/events/{job}/{event:path}", response_model=EventBody, response_model_exclude_unset=True)
def read_event(job: str, event: str, opened: Opened, key: Authenticated) -> Response:
    """What came of an event: its decision, once there is one, and the state of the subject it belongs to."""
    return answer(opened.events.state(job_for(opened, key, "read:event_query", job), event))


@router.put("/api/v1/events/{job}/{event:path}/feedback", response_model=dict[str, str])
async def give_feedback(job: str, event: str, body: FeedbackBody, opened: Opened, key: Authenticated) -> Response:
    """Vote on an event: `feedback` and `cortex_user`, or `label` and `username`; without a user it is the key's owner.

    In a job grouped by bucket the vote is on the bucket.
    """
    label = _either("feedback", body.feedback, "label", body.label)
    if label is None:
        raise InvalidRequestError(("body", "feedback"), "feedback is missing: the label that the event should have")
    analyst = _either("cortex_user", body.cortex_user, "username", body.username)
    return await _vote(opened, key, job, event, analyst, label, body.closing_notes)


@router.put("/api/v2/events/{job}/{event:path}/feedback", response_model=dict[str, str])
async def give_feedback_in_query(  # noqa: PLR0913, PLR0917 - the route has that many parameters
    job: str,
    event: str,
    opened: Opened,
    key: Authenticated,
    feedback_label: Annotated[str, Query(description="The label that the event should have.")],
    storage_name: Annotated[  # noqa: ARG001 - a client may send it
        str | None, Query(description="Of no account here: a job's events stand in one place.")
    ] = None,
) -> Response:
    """Vote on an event as the key's owner."""
    return await _vote(opened, key, job, event, None, feedback_label)


async def _vote(  # noqa: PLR0913, PLR0917 - as above
    opened: Workspace, key: Key, job: str, event: str, analyst: str | None, label: str, note: str | None = None
) -> Response:
    def give() -> None:
        named = job_for(opened, key, "write:event_feedback", job)
        opened.feedback.give(named, event, analyst or key.name[:MAX_NAME_LENGTH], label, note)

    await write_to(opened, job, give)
    return answer({"status": "updated"})


def _either(name: str, value: str | None, other_name: str, other: str | None) -> str | None:
    """What one of two names for the same thing says; an empty text says nothing."""
    if value and other and value != other:
        raise InvalidRequestError(("body", other_name), f"{name} and {other_name} are two names for one thing")
    return value or other or None
