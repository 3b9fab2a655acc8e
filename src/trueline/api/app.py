"""The app: every route over one workspace."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from fastapi import FastAPI

from trueline import __version__
from trueline.api import (
    audits,
    backups,
    connector_jobs,
    connectors,
    errors,
    events,
    health,
    internal_metrics,
    jobs,
    metrics,
    model_metrics,
    not_here,
    pages,
    report,
    resources,
    search,
    threads,
    token,
)
from trueline.api.middleware import EveryRequest
from trueline.api.schemas import ErrorBody, ProblemsBody
from trueline.api.stopping import CountedRequests, Stopping
from trueline.api.under_way import BodiesUnderWay

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from trueline.service.workspace import Workspace

_DOCUMENTED_ERRORS: dict[int | str, dict[str, object]] = {
    401: {"model": ErrorBody, "description": "No valid key."},
    403: {"model": ErrorBody, "description": "The key lacks the scope."},
    404: {"model": ErrorBody, "description": "No such job or event."},
    408: {"model": ErrorBody, "description": "The body took too long to arrive."},
    409: {"model": ErrorBody, "description": "It contradicts what is there already."},
    413: {"model": ErrorBody, "description": "Too many bytes or lines."},
    422: {"model": ProblemsBody, "description": "Something in the request is wrong."},
    429: {"model": ErrorBody, "description": "More arrives than can be written: see Retry-After."},
    503: {"model": ErrorBody, "description": "Too busy, or over the time budget of a query."},
    507: {"model": ErrorBody, "description": "The disk is full: nothing of it is written."},
}


def create_app(workspace: Workspace, stopping: Stopping | None = None) -> FastAPI:
    """Make the app that serves an open workspace; `stopping` says when it is to end, if ever."""

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        with threads.divided():
            yield

    app = FastAPI(
        title="Trueline",
        version=__version__,
        description="Tells whether the decisions that AI makes on security alerts are right.",
        docs_url=None,  # its page would load files from another host: see `pages`
        redoc_url=None,
        redirect_slashes=False,
        strict_content_type=False,  # a client may leave the header out
        lifespan=lifespan,
    )
    app.state.workspace = workspace
    app.state.stopping = stopping or Stopping()
    app.add_middleware(CountedRequests, stopping=app.state.stopping)
    bodies = BodiesUnderWay(
        most=workspace.settings.max_waiting_bytes,
        largest=workspace.settings.max_body_bytes,
        seconds=workspace.settings.request_seconds,
    )
    app.add_middleware(EveryRequest, bodies=bodies)
    errors.install(app)
    for router in (
        metrics.router,
        connectors.sending,  # comes early: routes are tried one after the other, and these are asked most
        report.router,
        audits.router,
        jobs.router,
        connector_jobs.router,
        resources.router,
        model_metrics.router,
        internal_metrics.router,
        backups.router,
        events.router,
        search.router,
        connectors.router,
        token.router,
        not_here.router,
    ):
        app.include_router(router, responses=_DOCUMENTED_ERRORS)
    app.include_router(health.router)
    pages.install(app)
    return app
