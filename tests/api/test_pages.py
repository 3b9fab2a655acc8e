"""The page of the API loads nothing from another host, and all that it loads is there."""

from __future__ import annotations

import base64
import hashlib
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


@pytest.mark.parametrize("path", PATHS)
def test_the_page_may_run_its_own_scripts_and_ask_this_server_and_nothing_else(
    anonymous: httpx.Client, path: str
) -> None:
    answer = anonymous.get(path)
    (policy,) = answer.headers.get_list("content-security-policy")
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    (script,) = re.findall(r"<script>(.*?)</script>", answer.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == f"'self' 'sha256-{digest}'"
    assert rules["connect-src"] == "'self'"
    assert rules["frame-ancestors"] == "'none'"
    assert answer.headers["cache-control"] == "no-store"


def test_the_files_of_the_page_may_be_kept_and_are_asked_for_anew(anonymous: httpx.Client) -> None:
    file = f"{FILES}/swagger-ui.css"
    answer = anonymous.get(file)
    assert answer.headers["cache-control"] == "no-cache"
    again = anonymous.get(file, headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.headers["x-content-type-options"]) == (304, "nosniff")
