"""The report on a job."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from starlette.requests import Request  # noqa: TC002 - FastAPI resolves it at run time
from starlette.responses import Response  # noqa: TC002

from trueline.api.access import Authenticated, Opened, job_for
from trueline.api.errors import answer
from trueline.api.metrics import EndDatetime, StartDatetime, filters_of
from trueline.api.metrics_schemas import ModelErrorBody
from trueline.api.report_schemas import ReportBody
from trueline.api.schemas import FiltersBody, json_request
from trueline.api.threads import ask
from trueline.service.telling import DEFAULT_LEVEL, DEFAULT_TOP, HIGHEST_LEVEL, LOWEST_LEVEL, MAX_TOP, Further, Telling

router = APIRouter(tags=["metrics"])


@router.post(
    "/api/v2/jobs/{job:path}/report",
    response_model=ReportBody,
    responses={404: {"model": ModelErrorBody, "description": "No such job or model."}},
    openapi_extra=json_request(FiltersBody, required=False),
)
async def report(  # noqa: PLR0913, PLR0917 - the route has that many parameters
    request: Request,
    job: str,
    opened: Opened,
    key: Authenticated,
    start_datetime: StartDatetime = "",
    end_datetime: EndDatetime = "",
    level: Annotated[
        float, Query(ge=LOWEST_LEVEL, le=HIGHEST_LEVEL, description="Of all intervals of confidence.")
    ] = DEFAULT_LEVEL,
    interval: Annotated[
        Literal["1h", "1d", "7d", "30d", ""],
        Query(description="Tell all also by intervals of time, in the job's time zone."),
    ] = "",
    group_by: Annotated[str, Query(max_length=1024, description="Tell all also by values of this field.")] = "",
    top: Annotated[int, Query(ge=1, le=MAX_TOP, description="Values told apart, the rest together.")] = DEFAULT_TOP,
    also: Annotated[
        list[Further] | None,
        Query(description="Tell also how far people agree, what confidence is worth, which model is better."),
    ] = None,
    promised_error_rate: Annotated[
        float | None, Query(gt=0, lt=1, description="Find from which confidence on errors keep to this rate.")
    ] = None,
    first_model: Annotated[str, Query(max_length=1024, description="Compare the decisions of this model")] = "",
    second_model: Annotated[str, Query(max_length=1024, description="with those of this one.")] = "",
    as_of: Annotated[str, Query(description="Tell what was known at this moment; it must be past.")] = "",
) -> Response:
    """What is known of a job's decisions, how well, and what it costs."""
    raw = await request.body()

    def question() -> Response:
        named = job_for(opened, key, "read:job_metrics", job)
        telling = Telling(
            level,
            interval or None,
            group_by or None,
            top,
            tuple(also or ()),
            promised_error_rate,
            first_model or None,
            second_model or None,
            as_of or None,
        )
        return answer(
            opened.reports.of(
                named,
                start_datetime or None,
                end_datetime or None,
                filters_of(raw, opened.settings.max_json_depth),
                telling,
            )
        )

    return await ask(opened, key, question)
