"""Who asks, and what they may."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Security
from fastapi.security import APIKeyHeader
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request  # noqa: TC002 - FastAPI resolves it at run time

from trueline.api.errors import ForbiddenError, UnauthorizedError
from trueline.catalog.records import Key
from trueline.service.errors import JobNotFoundError
from trueline.service.keys import Access, access, jobs_open_to
from trueline.service.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trueline.catalog.records import Job

KEY_HEADER = "X-Arcanna-Api-Key"
_header = APIKeyHeader(name=KEY_HEADER, auto_error=False)


async def workspace(request: Request) -> Workspace:
    """The workspace this server serves."""
    opened: Workspace = request.app.state.workspace
    return opened


Opened = Annotated[Workspace, Depends(workspace)]


def authenticated(opened: Workspace, request: Request) -> Key:
    """The key of a request.

    Raises:
        UnauthorizedError: none, or one that is unknown, revoked or expired.
    """
    text = request.headers.get(KEY_HEADER)
    key = opened.access.authenticate(text) if text else None
    if key is None:
        raise UnauthorizedError
    return key


async def valid_key(request: Request, opened: Opened, _: Annotated[str | None, Security(_header)] = None) -> Key:
    """As `authenticated`, once for each request."""
    if not hasattr(request.state, "key"):
        request.state.key = await run_in_threadpool(authenticated, opened, request)
    key: Key = request.state.key
    return key


Authenticated = Annotated[Key, Depends(valid_key)]
WithKey = Depends(_header)
"""Of a route that authenticates by itself: says in the description that it needs a key."""


def may(key: Key, scope: str) -> None:
    """Check a scope for what concerns no job in particular.

    Raises:
        ForbiddenError: the key has it not, or for certain jobs only.
    """
    if access(key, scope) is not Access.ALLOWED:
        raise ForbiddenError(scope)


def need(key: Key, scope: str, job: Job) -> None:
    """Check one more scope for a job that the key may know of.

    Raises:
        ForbiddenError: the key has it not.
    """
    if access(key, scope, job.id) is not Access.ALLOWED:
        raise ForbiddenError(scope)


def jobs_for(opened: Workspace, key: Key, scope: str) -> list[Job]:
    """The jobs that a key has a scope for, by id.

    Raises:
        ForbiddenError: it has it for none.
    """
    ids = jobs_open_to(key, scope)
    if ids is not None and not ids:
        raise ForbiddenError(scope)
    return [job for job in opened.jobs.all() if ids is None or job.id in ids]


def named_jobs(opened: Workspace, key: Key, scope: str, references: Sequence[str]) -> list[Job]:
    """The jobs that a request names, each once and in its order, or all that the key has the scope for, by id.

    Raises:
        ForbiddenError: the key has it not for one of them, or for none at all.
        JobNotFoundError: no such job, or one outside those the key is limited to.
    """
    if not references:
        return jobs_for(opened, key, scope)
    named = [job_for(opened, key, scope, reference) for reference in references]
    return list({job.id: job for job in named}.values())


def job_for(opened: Workspace, key: Key, scope: str, reference: str) -> Job:
    """The job a request names, if the key has the scope for it.

    Raises:
        ForbiddenError: the key has not.
        JobNotFoundError: no such job, or one outside those the key is limited to.
    """
    try:
        job = opened.jobs.get(reference)
    except JobNotFoundError:
        # answered as an existing job outside the key's would be, so that nobody learns which jobs there are
        open_to = jobs_open_to(key, scope)
        if (key.jobs is None and open_to is not None) or not (open_to is None or open_to):
            raise ForbiddenError(scope) from None
        raise
    match access(key, scope, job.id):
        case Access.NO_SCOPE:
            raise ForbiddenError(scope)
        case Access.HIDDEN_JOB:
            raise JobNotFoundError
        case Access.ALLOWED:
            return job
