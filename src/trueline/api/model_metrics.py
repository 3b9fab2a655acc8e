"""The metrics of models, and those of a job with its active model."""

from __future__ import annotations

import asyncio
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request  # noqa: TC002 - FastAPI resolves it at run time
from starlette.responses import Response  # noqa: TC002

from trueline.api.access import Authenticated, Opened, job_for, need
from trueline.api.errors import answer
from trueline.api.metrics import EndDatetime, JobId, StartDatetime, Truth, filters_of
from trueline.api.metrics_schemas import JobAndModelMetricsBody, ModelErrorBody, ModelMetricsBody, RecomputeBody
from trueline.api.schemas import FiltersBody, json_request
from trueline.api.threads import ask

if TYPE_CHECKING:
    from concurrent.futures import Future

    from trueline.catalog.records import Job, Key, Model
    from trueline.service.workspace import Workspace

router = APIRouter(tags=["metrics"])

FIRST_TIME_SECONDS = 30.0
"""How long a model's first numbers are waited for."""

_NOT_FOUND: dict[int | str, dict[str, Any]] = {404: {"model": ModelErrorBody, "description": "No such job or model."}}

ModelId = Annotated[str, Query(description="Id of the model; without one the active one.")]


@router.post(
    "/api/v2/metrics/job_and_latest_model",
    response_model=JobAndModelMetricsBody,
    responses=_NOT_FOUND,
    openapi_extra=json_request(FiltersBody, required=False),
)
async def job_and_latest_model_metrics(  # noqa: PLR0913, PLR0917 - the route has that many parameters
    request: Request,
    opened: Opened,
    key: Authenticated,
    job_id: JobId,
    start_datetime: StartDatetime = "",
    end_datetime: EndDatetime = "",
    truth: Truth = "implicit",
    timeout_s: Annotated[
        float, Query(ge=0, le=3600, description="Seconds to wait for the metrics of the model.", allow_inf_nan=False)
    ] = 120.0,
) -> Response:
    """The metrics of a job, and those of its active model: computed anew within the time, else as last computed."""
    deadline = time.monotonic() + timeout_s
    raw = await request.body()

    def question() -> tuple[Job, Model, dict[str, Any], Future[None]]:
        job = job_for(opened, key, "read:job_metrics", job_id)
        filters = filters_of(raw, opened.settings.max_json_depth)
        model = opened.model_metrics.model(job)
        metrics = opened.metrics.job(job.id, start_datetime or None, end_datetime or None, filters, truth)
        return job, model, metrics, opened.model_metrics.recompute(model)

    job, model, metrics, recomputed = await ask(opened, key, question)
    await _wait(recomputed, deadline - time.monotonic())
    reported = await run_in_threadpool(opened.model_metrics.report, job, model, truth)
    return answer({**metrics, "active_model_metrics": reported})


@router.get("/api/v2/metrics/model", response_model=ModelMetricsBody, responses=_NOT_FOUND)
async def model_metrics(
    opened: Opened, key: Authenticated, job_id: JobId, model_id: ModelId = "", truth: Truth = "implicit"
) -> Response:
    """The metrics of all decided events that a model decided, as last computed; the first time they are waited for."""
    return await _model_metrics(opened, key, job_id, model_id, truth)


@router.post("/api/v2/metrics/model", response_model=ModelMetricsBody, responses=_NOT_FOUND)
async def post_model_metrics(
    opened: Opened, key: Authenticated, job_id: JobId, model_id: ModelId = "", truth: Truth = "implicit"
) -> Response:
    """The same as the GET; a body is not read."""
    return await _model_metrics(opened, key, job_id, model_id, truth)


async def _model_metrics(opened: Workspace, key: Key, job_id: str, model_id: str, truth: str) -> Response:
    def find() -> tuple[Job, Model, Future[None] | None]:
        job = job_for(opened, key, "read:job_metrics", job_id)
        model = opened.model_metrics.model(job, model_id or None)
        return job, model, opened.model_metrics.first_time(model)

    job, model, computed = await run_in_threadpool(find)
    if computed is not None:
        await _wait(computed, FIRST_TIME_SECONDS)
    return answer(await run_in_threadpool(opened.model_metrics.report, job, model, truth))


@router.post("/api/v2/metrics/model/request_recompute_metrics", response_model=RecomputeBody, responses=_NOT_FOUND)
def request_recompute_metrics(opened: Opened, key: Authenticated, job_id: JobId, model_id: ModelId = "") -> Response:
    """Have the metrics of a model computed anew; where that waits or is under way already, that one is told of."""
    job = job_for(opened, key, "read:job_metrics", job_id)
    need(key, "execute:recompute_model_metrics", job)
    requested = opened.model_metrics.request(job, opened.model_metrics.model(job, model_id or None))
    return answer(asdict(requested))


async def _wait(computation: Future[None], seconds: float) -> None:
    """Wait without a thread; the computation goes on when nobody waits any more."""
    await asyncio.wait([asyncio.wrap_future(computation)], timeout=max(seconds, 0))
