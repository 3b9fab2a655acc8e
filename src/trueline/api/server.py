"""Serving a workspace until told to stop."""

from __future__ import annotations

import ipaddress
import logging
import math
import os
import resource
import sys
from typing import TYPE_CHECKING, Final

import scipy.special  # noqa: F401 - or whoever asks for a report first would wait for it
import structlog
import uvicorn

from trueline import garbage
from trueline.api.app import create_app
from trueline.api.patience import patient
from trueline.api.stopping import Stopping
from trueline.arrow_memory import allocate_by_system
from trueline.log import log_to_stderr
from trueline.service.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from trueline.settings import Settings


_TURN: Final = 0.001
"""Seconds that a thread may keep the interpreter while others wait for it. By default it is five times as long, which a
question waits several times where single events come by the hundred a second: see decision 9."""

_log = structlog.get_logger("trueline.server")


class _Server(uvicorn.Server):
    """Calls back with the address once it listens; ends in an orderly way, see `stopping`."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[str], None], stopping: Stopping) -> None:
        super().__init__(config)
        self._announce = announce
        self._stopping = stopping

    async def startup(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]
        await super().startup(sockets)  # type: ignore[arg-type]
        if self.started:
            host, port = self.servers[0].sockets[0].getsockname()[:2]
            try:
                self._announce(f"http://{host}:{port}")
            except BaseException:
                await self.lifespan.shutdown()
                raise

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - as it is called
        """Stop as asked; asked again, at once. Exit code 0: the signal is not raised again after that."""
        if self._stopping.begun:
            self.should_exit = self.force_exit = True
        self._stopping.begin()

    async def shutdown(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]
        """As it is, but for this: the app's own end is never left out, which would be told as an error."""
        await super().shutdown(sockets)  # type: ignore[arg-type]
        if self.force_exit:
            await self.lifespan.shutdown()

    async def on_tick(self, counter: int) -> bool:
        """Whether to stop listening; asked ten times a second."""
        if await super().on_tick(counter):
            return True
        if not self._stopping.is_over():
            return False
        # what is left of it is for answers that are still on their way to clients that are slow to take them
        self.config.timeout_graceful_shutdown = max(1, math.ceil(self._stopping.seconds_left()))
        return True


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
    allocate_by_system()
    sys.setswitchinterval(_TURN)
    open_as_many_files_as_allowed()
    with Workspace.open(settings) as workspace:

        def announce(address: str) -> None:
            if not is_loopback(settings.host):
                _log.warning(
                    "other machines reach this server, and keys go over the network as they are: put TLS before it",
                    host=settings.host,
                )
            say(f"Trueline listens on {address}")
            # not before: a start that fails would leave a key that nobody was shown
            if (key := workspace.first_key()) is not None:
                say(f"The first key, with every scope, shown this once: {key}")
            if ready is not None:
                ready(workspace, address)

        stopping = Stopping(settings.stop_notice_seconds, settings.stop_seconds)
        config = uvicorn.Config(
            create_app(workspace, stopping),
            host=settings.host,
            port=settings.port,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=1,
            ws="none",  # whatever is installed beside
            http=patient(settings.request_seconds),  # type: ignore[arg-type] # a class is what it wants to call
            timeout_keep_alive=settings.idle_seconds,
        )
        server = _Server(config, announce, stopping)
        server.run()
        if server.force_exit:
            # not waiting for the engine either: what was acknowledged is on disk, all else is finished at next start
            sys.stdout.flush()
            os._exit(0)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address; of a name, that of loopback alone is known to be."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def open_as_many_files_as_allowed() -> None:
    """Each connection is an open file, and the engine has many: from the soft limit up to the hard one."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def say(text: str) -> None:
    """Print a line for people, at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
