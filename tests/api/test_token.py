"""What a key says of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from trueline.service.keys import KNOWN_SCOPES

if TYPE_CHECKING:
    import httpx

    from trueline.service.workspace import Workspace


@pytest.mark.parametrize("path", ["/api/v2/token/scopes", "/api/v2/token/scopes/"])
@pytest.mark.parametrize("scopes", [["read:job_metrics:job:7"], ["write:events", "read:job_metrics"], KNOWN_SCOPES])
def test_the_scopes_of_a_key_are_a_list_of_texts(
    path: str, scopes: list[str], anonymous: httpx.Client, workspace: Workspace
) -> None:
    key = workspace.access.create("asks", scopes)
    answer = anonymous.get(path, headers={"x-arcanna-api-key": key})
    assert (answer.status_code, answer.json()) == (200, list(scopes))


def test_nobody_is_told_nothing(anonymous: httpx.Client) -> None:
    assert anonymous.get("/api/v2/token/scopes").status_code == 401
