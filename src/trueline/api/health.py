"""Whether the process is up, its stores answer, and what it has been doing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog
from fastapi import APIRouter, Depends
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request  # noqa: TC002 - FastAPI resolves it at run time
from starlette.responses import PlainTextResponse, Response

from trueline.api.access import Opened, authenticated, valid_key
from trueline.api.errors import UnauthorizedError, answer
from trueline.api.schemas import ErrorBody, HealthBody
from trueline.catalog.errors import CatalogError, StoreFull
from trueline.ledger.errors import LedgerError

if TYPE_CHECKING:
    from trueline.service.workspace import Workspace

router = APIRouter(tags=["health"])
_UNHEALTHY: dict[int | str, dict[str, Any]] = {
    401: {"model": ErrorBody, "description": "No valid key."},
    503: {"model": HealthBody, "description": "A store does not answer or cannot be written, or the server stops."},
}
_UNREADY: dict[int | str, dict[str, Any]] = {
    503: {"model": dict[str, str], "description": "A store does not answer or cannot be written, or it is stopping."},
}
_log = structlog.get_logger("trueline.health")


@router.get("/healthz", response_model=dict[str, str])
async def healthz() -> Response:
    """The process is up."""
    return answer({"status": "ok"})


@router.get("/readyz", response_model=dict[str, str], responses=_UNREADY)
async def readyz(request: Request, opened: Opened) -> Response:
    """Both stores answer and can be written; 503 names the one that does not, or says that the server is stopping."""
    if request.app.state.stopping.begun:  # told at once, also while every thread is busy
        return answer({"status": "unavailable", "reason": "the server is stopping"}, 503)
    wrong = await run_in_threadpool(_what_is_wrong, opened)
    if wrong is not None:
        return answer({"status": "unavailable", "reason": f"{wrong[0]}: {wrong[1]}"}, 503)
    return answer({"status": "ok"})


@router.get("/api/v1/health", response_model=dict[str, bool])
def v1_health(request: Request, opened: Opened) -> Response:
    """The process is up; the status is whether the key is valid."""
    try:
        authenticated(opened, request)
    except UnauthorizedError:
        return answer({"status": False})
    return answer({"status": True})


@router.get("/api/v2/health", response_model=HealthBody, dependencies=[Depends(valid_key)], responses=_UNHEALTHY)
def v2_health(request: Request, opened: Opened) -> Response:
    """Both stores answer and can be written; any valid key may ask."""
    if request.app.state.stopping.begun:
        return answer({"status": "NOK", "reason": "the server is stopping", "reason_details": ""}, 503)
    wrong = _what_is_wrong(opened)
    if wrong is not None:
        return answer({"status": "NOK", "reason": f"the {wrong[0]} is not ready", "reason_details": wrong[1]}, 503)
    return answer({"status": "OK", "reason": "", "reason_details": ""})


def _what_is_wrong(opened: Workspace) -> tuple[str, str] | None:
    """The store that does not answer or cannot be written, and how that shows."""
    try:
        opened.ping()
    except LedgerError as error:
        _log.exception("the ledger is not ready")
        return "ledger", str(error)
    except StoreFull as error:
        _log.exception("the catalog is not ready")
        return "catalog", str(error)
    except CatalogError:
        _log.exception("the catalog is not ready")
        return "catalog", "it does not answer or cannot be written"
    return None


@router.get("/metrics", response_class=PlainTextResponse)
def prometheus() -> Response:
    """Counters and timings of this process, for Prometheus."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
