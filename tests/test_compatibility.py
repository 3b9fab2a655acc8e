"""docs/compatibility.md has every compatible route, and none that is not served."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from trueline.api.app import create_app

if TYPE_CHECKING:
    from trueline.service.workspace import Workspace

PAGE = Path(__file__).parent.parent / "docs" / "compatibility.md"
OWN = {
    *("GET /healthz", "GET /readyz", "GET /metrics"),
    *("GET /api/v2/jobs", "POST /api/v2/jobs", "GET /api/v2/jobs/{job}", "PATCH /api/v2/jobs/{job}"),
    *("GET /api/v2/jobs/{job}/models", "POST /api/v2/jobs/{job}/models", "POST /api/v2/jobs/{job}/rebuild"),
    *("POST /api/v2/jobs/{job}/events/bulk", "POST /api/v2/jobs/{job}/votes/bulk"),
    "PUT /api/v2/events/{job}/{event}/decision",
    *("POST /api/v2/jobs/{job}/report", "POST /api/v2/backup"),
    *("POST /api/v2/jobs/{job}/audit/plan", "POST /api/v2/jobs/{job}/audit/draws"),
    "GET /api/v2/jobs/{job}/audit/draws/{draw}",
}
"""Routes that the API it is compatible with has nothing like."""


def test_every_compatible_route_is_in_the_table_of_compatibility(workspace: Workspace) -> None:
    paths = create_app(workspace).openapi()["paths"]
    served = {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}
    assert served >= OWN
    rows = re.findall(r"^\| `([A-Z]+ /[^`]+)` \| (.+) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    listed = [route for route, _ in rows]
    assert sorted(listed) == sorted(served - OWN)
    assert [route for route, said in rows if not said.split("|")[0].strip()] == []
