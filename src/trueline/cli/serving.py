"""``trueline serve`` and ``trueline demo``: the server."""

from pathlib import Path
from typing import Annotated, Any

import typer

from trueline import arenas
from trueline.settings import Settings

Data = Annotated[Path | None, typer.Option("--data", metavar="FOLDER", help="Folder of the stores.")]
Host = Annotated[str | None, typer.Option("--host", help="Address to listen on.")]
Port = Annotated[int | None, typer.Option("--port", help="Port to listen on; 0 takes a free one.")]


def serve(data: Data = None, host: Host = None, port: Port = None) -> None:
    """Run the server. Options go before the settings of the environment (TRUELINE_...)."""
    arenas.allocate_from_one()
    from trueline.api.server import serve as run  # noqa: PLC0415 - the web framework is for these commands alone

    run(_settings(data, host, port))


def demo(data: Data = Path("demo-data"), host: Host = None, port: Port = None) -> None:
    """Run the server with the documented example, ask for its metrics, keep serving."""
    arenas.allocate_from_one()
    from trueline.demo import run  # noqa: PLC0415 - the web framework is for these commands alone

    run(_settings(data, host, port))


def _settings(data: Path | None, host: str | None, port: int | None) -> Settings:
    given: dict[str, Any] = {"data": data, "host": host, "port": port}
    return Settings(**{name: value for name, value in given.items() if value is not None})
