"""The page of the API, for people: every file it shows comes from this server, none from another host."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fastapi.openapi.docs import get_swagger_ui_html
from starlette.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

if TYPE_CHECKING:
    from fastapi import FastAPI

PATHS: Final = ("/docs", "/docs/exposer")
FILES: Final = "/docs/files"
_NO_ICON: Final = "data:,"


def install(app: FastAPI) -> None:
    """Serve the page, and the files of Swagger UI that it is made of."""

    async def page() -> HTMLResponse:
        return get_swagger_ui_html(
            openapi_url="/openapi.json",
            title=f"{app.title}: the API",
            swagger_js_url=f"{FILES}/swagger-ui-bundle.js",
            swagger_css_url=f"{FILES}/swagger-ui.css",
            swagger_favicon_url=_NO_ICON,
            swagger_ui_parameters={"validatorUrl": None},  # by default it asks another host what it thinks of the API
        )

    for path in PATHS:
        app.add_api_route(path, page, include_in_schema=False, response_class=HTMLResponse)
    # a package that does nothing but bring these files along
    app.mount(FILES, StaticFiles(packages=[("fastapi_offline", "static")]), name="files of the page of the API")
