"""Where a command works: through a running server, or on the data folder itself."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx

from trueline.cli.remote import RemoteTrueline
from trueline.cli.sentences import Misuse
from trueline.ledger.errors import LedgerInUseError
from trueline.service.errors import StartError
from trueline.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from trueline.cli.trueline import Trueline
    from trueline.service.workspace import Workspace

_CONNECT_SECONDS = 1.0
_ANSWER_SECONDS = 300.0


def settings_for(data: Path | None) -> Settings:
    """The settings of the environment, with the data folder of the command."""
    return Settings() if data is None else Settings(data=data)


@contextmanager
def connected(server: str | None, key: str | None, data: Path | None) -> Iterator[Trueline]:
    """A Trueline to work with.

    The given server; else, given a key and no data folder, the server on the configured address, if one
    answers there; else the data folder itself.

    Raises:
        Misuse: A server without a key.
        StartError: The data folder does not open.
    """
    if server is not None and data is not None:
        raise Misuse("give either --server or --data, not both")
    if server is not None and not key:
        raise Misuse("a server needs a key: give --key, or set TRUELINE_KEY")
    settings = settings_for(data)
    if server is None and key and data is None and _answers(_address(settings)):
        server = _address(settings)
    if server is not None and key:
        with httpx.Client(
            base_url=server.rstrip("/"),
            headers={"X-Arcanna-Api-Key": key},
            timeout=httpx.Timeout(_ANSWER_SECONDS, connect=10.0),
        ) as client:
            yield RemoteTrueline(client)
        return
    with opened(settings) as workspace:
        from trueline.cli.local import LocalTrueline  # noqa: PLC0415 - what only data folders need takes long to load

        yield LocalTrueline(workspace)


@contextmanager
def opened(settings: Settings) -> Iterator[Workspace]:
    """The stores of the data folder.

    Raises:
        StartError: They do not open; if a server has them, the sentence says how to work through it.
    """
    from trueline.log import log_to_stderr  # noqa: PLC0415 - where nothing is opened, there is nothing to log
    from trueline.service.workspace import Workspace  # noqa: PLC0415 - the engine takes a second to load

    log_to_stderr(logging.WARNING)

    try:
        workspace = Workspace.open(settings)
    except StartError as error:
        if isinstance(error.__cause__, LedgerInUseError):
            raise StartError(f"{error}: to work through that server, give --key (and --server)") from error
        raise
    with workspace:
        yield workspace


def _address(settings: Settings) -> str:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104 - compared, not bound
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"


def _answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/healthz", timeout=_CONNECT_SECONDS).is_success
    except (httpx.HTTPError, httpx.InvalidURL):
        return False
