"""What a key says of itself."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response  # noqa: TC002 - FastAPI resolves it at run time

from trueline.api.access import Authenticated  # noqa: TC001 - as above
from trueline.api.errors import answer

router = APIRouter(tags=["token"])


@router.get("/api/v2/token/scopes", response_model=list[str])
async def token_scopes(key: Authenticated) -> Response:
    """The scopes of the key; any valid one may ask. Clients offer their users what these open."""
    return answer(key.scopes)
