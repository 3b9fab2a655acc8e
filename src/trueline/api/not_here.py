"""Routes of the compatible API whose parts Trueline does not have: each says so, to whoever has a valid key.

No key ever has the scopes that go with them, so clients that ask for those first do not offer them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from fastapi import APIRouter
from starlette.responses import Response  # noqa: TC002 - as below

from trueline.api.access import Authenticated  # noqa: TC001 - FastAPI resolves it at run time
from trueline.api.errors import answer
from trueline.api.schemas import ErrorBody

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

NOT_HERE: Final = {
    ("POST", "/api/v2/events/{job}/{event:path}/add_agentic_notes"): "notes of agents on events",
    ("POST", "/api/v2/events/raw_es_query"): "queries in Elasticsearch's language (see POST /api/v2/events/query)",
    ("POST", "/api/v2/inline_code_blocks/test"): "code blocks",
    ("POST", "/api/v2/inline_code_blocks/save"): "code blocks",
    ("GET", "/api/v2/resources/integration/parameters/schema"): "integrations",
    ("GET", "/api/v2/resources/integration/metadata"): "integrations",
    ("GET", "/api/v2/resources/job/metadata"): "metadata of categories of jobs",
    ("GET", "/api/v1/agents-workflow/list"): "workflows of agents",
    ("GET", "/api/v1/agents-workflow/llm-providers"): "workflows of agents",
    ("GET", "/api/v1/agents-workflow/{workflow}"): "workflows of agents",
    ("POST", "/api/v1/agents-workflow/upsert"): "workflows of agents",
    ("POST", "/api/v1/agents-workflow/run/{workflow}"): "workflows of agents",
    ("POST", "/api/v1/agents-workflow/test/run"): "workflows of agents",
    ("GET", "/api/v1/tools-discovery"): "tools of agents",
    ("POST", "/api/v1/rag/query"): "retrieval of documents",
    ("GET", "/api/v1/rag/list"): "retrieval of documents",
}
"""What each route is about, by method and path."""

router = APIRouter(tags=["not here"])


def _says_so(part: str) -> Callable[[Authenticated], Coroutine[None, None, Response]]:
    async def say(_: Authenticated) -> Response:
        return answer({"error": f"Trueline does not have {part}"}, 501)

    return say


def _described(path: str) -> dict[str, Any]:
    """The parts of a path that vary: the answer depends on none of them, so no function takes them."""
    names = re.findall(r"{(\w+)", path)
    return {
        "parameters": [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]
    }


for (_method, _path), _part in NOT_HERE.items():
    router.add_api_route(
        _path,
        _says_so(_part),
        methods=[_method],
        status_code=501,
        response_model=ErrorBody,
        name=f"not here: {_method} {_path}",
        description=f"Trueline does not have {_part}.",
        response_description="Not here.",
        openapi_extra=_described(_path),
    )
