"""The page of the API loads nothing from another host, and all that it loads is there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from trueline.api.pages import FILES, PATHS

if TYPE_CHECKING:
    import httpx


@pytest.mark.parametrize("path", [*PATHS, *(f"{path}/" for path in PATHS)])
def test_all_that_the_page_loads_comes_from_here(anonymous: httpx.Client, path: str) -> None:
    answer = anonymous.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    named = re.findall(r"""(?:src|href)="([^"]*)"|url: '([^']*)'""", answer.text)
    urls = {first or second for first, second in named} - {"data:,"}
    assert urls == {f"{FILES}/swagger-ui-bundle.js", f"{FILES}/swagger-ui.css", "/openapi.json"}
    assert "http:" not in answer.text
    assert "https:" not in answer.text
    assert '"validatorUrl": null' in answer.text
    kinds = {url: anonymous.get(url).headers["content-type"].split(";")[0] for url in urls}
    assert kinds == {
        f"{FILES}/swagger-ui-bundle.js": "text/javascript",
        f"{FILES}/swagger-ui.css": "text/css",
        "/openapi.json": "application/json",
    }


def test_files_that_are_not_there_are_answered_404(anonymous: httpx.Client) -> None:
    for name in ("nothing.js", "../__init__.py", "%2e%2e/__init__.py"):
        assert anonymous.get(f"{FILES}/{name}").status_code == 404
