"""Internal metrics of several jobs."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from starlette.requests import Request  # noqa: TC002 - FastAPI resolves it at run time
from starlette.responses import Response  # noqa: TC002

from trueline.api.access import Authenticated, Opened, named_jobs
from trueline.api.errors import answer
from trueline.api.metrics import EndDatetime, StartDatetime, Truth, filters_of
from trueline.api.metrics_schemas import InternalMetricsBody
from trueline.api.schemas import FiltersBody, json_request
from trueline.api.threads import ask

router = APIRouter(tags=["metrics"])

_SCOPE = "read:job_metrics"


@router.post(
    "/api/v2/metrics/internal_metrics",
    response_model=list[InternalMetricsBody],
    openapi_extra=json_request(FiltersBody, required=False),
)
async def internal_metrics(  # noqa: PLR0913, PLR0917 - the route has that many parameters
    request: Request,
    opened: Opened,
    key: Authenticated,
    job_ids: Annotated[
        list[str] | None, Query(description="Ids or exact titles; without any: all that the key may read.")
    ] = None,
    aggregation_time_interval: Annotated[
        Literal["1h", "1d", "7d", "15d", "30d", ""],
        Query(description="Width of the intervals, whose bounds are multiples of it since 1970, in UTC."),
    ] = "",
    obfuscate_decision_points_names: Annotated[
        bool, Query(description="Call decision points decision_point_1 and so on.")
    ] = False,
    start_datetime: StartDatetime = "",
    end_datetime: EndDatetime = "",
    truth: Truth = "implicit",
) -> Response:
    """Metrics over time, for new data and for data in the knowledge base, overall and per model."""
    raw = await request.body()

    def question() -> Response:
        jobs = named_jobs(opened, key, _SCOPE, job_ids or [])
        return answer(
            opened.internal_metrics.of(
                jobs,
                interval=aggregation_time_interval or None,
                obfuscate_decision_points=obfuscate_decision_points_names,
                start=start_datetime or None,
                end=end_datetime or None,
                filters=filters_of(raw, opened.settings.max_json_depth),
                truth=truth,
            )
        )

    return await ask(opened, key, question)
