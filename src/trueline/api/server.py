"""Serving a workspace until told to stop."""

from __future__ import annotations

import ipaddress
import logging
import sys
from typing import TYPE_CHECKING

import structlog
import uvicorn

from trueline import garbage
from trueline.api.app import create_app
from trueline.log import log_to_stderr
from trueline.service.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from trueline.settings import Settings


_log = structlog.get_logger("trueline.server")


class _Announcing(uvicorn.Server):
    """Calls back with the address once it listens."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[str], None]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]
        await super().startup(sockets)  # type: ignore[arg-type]
        if self.started:
            host, port = self.servers[0].sockets[0].getsockname()[:2]
            self._announce(f"http://{host}:{port}")

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop as asked; not raised again after that, so that the stores are let go and the exit code is 0."""
        super().handle_exit(sig, frame)
        self._captured_signals.clear()


def serve(
    settings: Settings, *, ready: Callable[[Workspace, str], None] | None = None, log_requests: bool = True
) -> None:
    """Open the workspace and serve it until Ctrl-C or SIGTERM; requests under way are answered first.

    The first key, made when there has never been one, is printed once. `ready` is called with the workspace
    and the address when the server listens.

    Raises:
        StartError: a store does not open.
    """
    log_to_stderr(logging.INFO if log_requests else logging.WARNING)
    garbage.look_seldom()
    with Workspace.open(settings) as workspace:
        key = workspace.first_key()

        def announce(address: str) -> None:
            if not is_loopback(settings.host):
                _log.warning(
                    "other machines reach this server, and keys go over the network as they are: put TLS before it",
                    host=settings.host,
                )
            say(f"Trueline listens on {address}")
            if key is not None:
                say(f"The first key, with every scope, shown this once: {key}")
            if ready is not None:
                ready(workspace, address)

        config = uvicorn.Config(
            create_app(workspace),
            host=settings.host,
            port=settings.port,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=30,
        )
        _Announcing(config, announce).run()


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address; of a name, that of loopback alone is known to be."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def say(text: str) -> None:
    """Print a line for people, at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
