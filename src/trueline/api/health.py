"""Whether the process is up, its stores answer, and what it has been doing."""

from __future__ import annotations

import structlog
from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import Response

from trueline.api.access import Opened  # noqa: TC001 - FastAPI resolves it at run time
from trueline.api.errors import answer
from trueline.catalog.errors import CatalogError
from trueline.ledger.errors import LedgerError

router = APIRouter(tags=["health"])
_log = structlog.get_logger("trueline.health")


@router.get("/healthz", response_model=dict[str, str])
async def healthz() -> Response:
    """The process is up."""
    return answer({"status": "ok"})


@router.get("/readyz", response_model=dict[str, str])
def readyz(opened: Opened) -> Response:
    """Both stores answer and can be written; 503 names the one that does not."""
    try:
        opened.ping()
    except LedgerError as error:
        _log.exception("the ledger is not ready")
        return answer({"status": "unavailable", "reason": f"ledger: {error}"}, 503)
    except CatalogError:
        _log.exception("the catalog is not ready")
        return answer({"status": "unavailable", "reason": "catalog: it does not answer or cannot be written"}, 503)
    return answer({"status": "ok"})


@router.get("/metrics", response_model=str)
def prometheus() -> Response:
    """Counters and timings of this process, for Prometheus."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
