"""``trueline serve``: the server."""

from pathlib import Path
from typing import Annotated, Any

import typer

from trueline.settings import Settings


def serve(
    data: Annotated[Path | None, typer.Option("--data", metavar="FOLDER", help="Folder of the stores.")] = None,
    host: Annotated[str | None, typer.Option("--host", help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option("--port", help="Port to listen on; 0 takes a free one.")] = None,
) -> None:
    """Run the server. Options go before the settings of the environment (TRUELINE_...)."""
    from trueline.api.server import serve as run  # noqa: PLC0415 - the web framework is for this command alone

    given: dict[str, Any] = {"data": data, "host": host, "port": port}
    run(Settings(**{name: value for name, value in given.items() if value is not None}))
