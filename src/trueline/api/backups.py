"""A backup of all there is, as one file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import anyio
from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from trueline.api.access import Authenticated, Opened, may
from trueline.api.bodies import JsonRoute
from trueline.api.errors import ForbiddenError
from trueline.api.schemas import ErrorBody
from trueline.api.threads import run_in_writers_thread

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Scope, Send

    from trueline.service.backups import Backup

router = APIRouter(tags=["backup"], route_class=JsonRoute)

_PATIENCE: Final = 60.0
"""Seconds that a piece may take to be taken; what is kept for a client that takes nothing costs room on the disk."""

_SCOPE: Final = "admin:backup"
_ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The backup; Content-Length says how large it is.",
        "content": {"application/x-tar": {"schema": {"type": "string", "format": "binary"}}},
    },
    503: {"model": ErrorBody, "description": "A write took so long that no moment came without one under way."},
    501: {"model": ErrorBody, "description": "A store is on a server that has tools of its own."},
}


class _BackupResponse(StreamingResponse):
    """Sends a backup and closes it, however that ends."""

    def __init__(self, backup: Backup) -> None:
        self._backup = backup
        headers = {
            "Content-Length": str(backup.size),
            "Content-Disposition": 'attachment; filename="trueline.tar"',
        }
        super().__init__(backup.chunks(), headers=headers, media_type="application/x-tar")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_in_time(message: Message) -> None:
            with anyio.fail_after(_PATIENCE):
                await send(message)

        try:
            await super().__call__(scope, receive, send_in_time)
        finally:
            with anyio.CancelScope(shield=True):
                await run_in_threadpool(self._backup.close)


@router.post("/api/v2/backup", response_class=Response, responses=_ANSWERS)
async def take_backup(opened: Opened, key: Authenticated) -> Response:
    """Both stores and the secret of the keys as they are at one moment; `trueline restore` takes it."""
    may(key, _SCOPE)
    if key.jobs is not None:
        raise ForbiddenError(_SCOPE)
    return _BackupResponse(await run_in_writers_thread(opened.backups.take))
