"""The page of the API, for people: every file it shows comes from this server, none from another host."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import TYPE_CHECKING, Final

from fastapi.openapi.docs import get_swagger_ui_html
from starlette.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.responses import Response
    from starlette.types import Scope

PATHS: Final = ("/docs", "/docs/exposer")
FILES: Final = "/docs/files"
_NO_ICON: Final = "data:,"


class _Files(StaticFiles):
    """They may be kept, and are asked for anew: another version of them has the same names."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        found = await super().get_response(path, scope)
        found.headers["Cache-Control"] = "no-cache"
        return found


def install(app: FastAPI) -> None:
    """Serve the page, and the files of Swagger UI that it is made of."""
    made = get_swagger_ui_html(
        openapi_url="/openapi.json",
        title=f"{app.title}: the API",
        swagger_js_url=f"{FILES}/swagger-ui-bundle.js",
        swagger_css_url=f"{FILES}/swagger-ui.css",
        swagger_favicon_url=_NO_ICON,
        swagger_ui_parameters={"validatorUrl": None},  # by default it asks another host what it thinks of the API
    )
    html = bytes(made.body).decode()
    policy = _policy(html)

    async def page() -> HTMLResponse:
        return HTMLResponse(html, headers={"Content-Security-Policy": policy})

    for path in PATHS:
        app.add_api_route(path, page, include_in_schema=False, response_class=HTMLResponse)
    # a package that does nothing but bring these files along
    app.mount(FILES, _Files(packages=[("fastapi_offline", "static")]), name="files of the page of the API")


def _policy(html: str) -> str:
    """What the page may do: run the scripts and styles of this server and its own one script, and ask this server.

    Its icons are data: addresses in its style sheet; it sets styles of elements, so those may stand in the page.
    """
    scripts = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(each.encode()).digest()).decode()}'"
        for each in re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    )
    return (
        f"default-src 'none'; script-src 'self' {scripts}; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
