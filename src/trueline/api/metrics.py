"""The metrics of a job."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request  # noqa: TC002 - FastAPI resolves it at run time
from starlette.responses import Response  # noqa: TC002

from trueline.api.access import Authenticated, Opened, job_for
from trueline.api.bodies import read_object
from trueline.api.errors import answer
from trueline.api.schemas import FiltersBody, JobMetricsBody, json_request
from trueline.api.threads import ask
from trueline.service.errors import InvalidRequestError

router = APIRouter(tags=["metrics"])

JobId = Annotated[str, Query(description="Id or exact title of the job.")]
StartDatetime = Annotated[str, Query(description="ISO 8601, inclusive.")]
EndDatetime = Annotated[str, Query(description="ISO 8601, exclusive; a date is the end of that day.")]
Truth = Annotated[
    Literal["implicit", "explicit"],
    Query(description="implicit: a decision nobody voted on counts as right. explicit: only voted events count."),
]


@router.post(
    "/api/v2/metrics/job",
    response_model=JobMetricsBody,
    openapi_extra=json_request(FiltersBody, required=False),
)
async def job_metrics(  # noqa: PLR0913, PLR0917 - the route has that many parameters
    request: Request,
    opened: Opened,
    key: Authenticated,
    job_id: JobId,
    start_datetime: StartDatetime = "",
    end_datetime: EndDatetime = "",
    truth: Truth = "implicit",
) -> Response:
    """How right the decisions of a job are: confusion matrix, scores, time saved, what changed after training."""
    raw = await request.body()

    def question() -> Response:
        job = job_for(opened, key, "read:job_metrics", job_id)
        filters = filters_of(raw, opened.settings.max_json_depth)
        return answer(opened.metrics.job(job.id, start_datetime or None, end_datetime or None, filters, truth))

    def at_once() -> Response | None:
        is_at_hand = opened.metrics.is_at_hand(job_for(opened, key, "read:job_metrics", job_id))
        return question() if is_at_hand else None

    # without filters it is told from counts that are kept, where they are, and waits for nobody
    told = None if b"filters" in raw else await run_in_threadpool(at_once)
    return await ask(opened, key, question) if told is None else told


def filters_of(body: bytes, max_depth: int) -> object:
    """The filters in a body, as they were sent; None where there are none.

    Raises:
        InvalidRequestError: it is no JSON object, or has anything else.
    """
    read = read_object(body, max_depth)
    unknown = next((name for name in read if name != "filters"), None)
    if unknown is not None:
        raise InvalidRequestError(("body", unknown[:60]), "the body has filters and nothing else")
    return read.get("filters")
