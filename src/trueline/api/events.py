"""Events, decisions and votes on their way in."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter
from starlette.requests import Request  # noqa: TC002 - FastAPI resolves it at run time
from starlette.responses import Response  # noqa: TC002

from trueline.api.access import Authenticated, Opened, job_for, need
from trueline.api.bodies import JsonRoute, read_lines
from trueline.api.errors import answer
from trueline.api.schemas import NDJSON_REQUEST, BulkBody, DecisionBody
from trueline.api.threads import run_in_reading_thread, write_to
from trueline.log import without_keys

if TYPE_CHECKING:
    from concurrent.futures import Future

    from trueline.service.lines import BulkAnswer

router = APIRouter(tags=["events"], route_class=JsonRoute)


@router.post("/api/v2/jobs/{job:path}/events/bulk", response_model=BulkBody, openapi_extra=NDJSON_REQUEST)
async def bulk_events(job: str, request: Request, opened: Opened, key: Authenticated) -> Response:
    """Take in events, one a line: `event_id`?, `timestamp`?, `raw_body`, `bucket_id`?, `decision`?, `votes`?.

    Lines with votes need the scope `write:event_feedback` too.
    A bad line is rejected and leaves the good ones in. What is accepted is on disk and in the next answer.
    """
    raw = await request.body()

    def put() -> Future[BulkAnswer]:
        named = job_for(opened, key, "write:events", job)
        prepared = opened.ingest.prepare(named, read_lines(raw, opened.settings.max_bulk_lines))
        if prepared.has_votes:
            need(key, "write:event_feedback", named)
        return opened.ingest.put(prepared)

    return answer(_bulk(await asyncio.wrap_future(await run_in_reading_thread(put))))


@router.put("/api/v2/events/{job}/{event:path}/decision", response_model=dict[str, str])
async def decide(job: str, event: str, body: DecisionBody, opened: Opened, key: Authenticated) -> Response:
    """Record a decision made elsewhere on an event that is there."""

    def take() -> None:
        named = job_for(opened, key, "write:events", job)
        opened.ingest.decide(named, event, **body.model_dump())

    await write_to(opened, job, take)
    return answer({"status": "updated"})


@router.post("/api/v2/jobs/{job:path}/votes/bulk", response_model=BulkBody, openapi_extra=NDJSON_REQUEST)
async def bulk_votes(job: str, request: Request, opened: Opened, key: Authenticated) -> Response:
    """Take in votes, one a line: `event_id` or `bucket_id`, `analyst`, `label` (null withdraws), `at`?, `override`?.

    An override needs the scope `write:consensus_override` too.
    """
    raw = await request.body()

    def take() -> BulkAnswer:
        named = job_for(opened, key, "write:event_feedback", job)
        prepared = opened.feedback.prepare(named, read_lines(raw, opened.settings.max_bulk_lines))
        if prepared.has_override:
            need(key, "write:consensus_override", named)
        return opened.feedback.commit(prepared)

    return answer(_bulk(await write_to(opened, job, take)))


def _bulk(taken: BulkAnswer) -> dict[str, Any]:
    rejected = [{"line": each.line, "error": without_keys(each.error)} for each in taken.rejected]
    return {"accepted": taken.accepted, "replaced": taken.replaced, "rejected": rejected}
