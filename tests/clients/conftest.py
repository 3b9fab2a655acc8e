"""The clients in the field, at work on a live server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from clients.client import FOLDER, ROOT, Client

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from trueline.service.workspace import Workspace


@pytest.fixture(scope="session", autouse=True)
def installed() -> None:
    """Say what is missing where the clients are; never skip, since these tests are the point of them."""
    if not FOLDER.is_dir():
        pytest.fail(f"no clients in {FOLDER.relative_to(ROOT)}: `make test` installs them")


@pytest.fixture(scope="session")
def management_with(
    server: str, workspace: Workspace, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Sequence[str]], Client]:
    """Starts arcanna-mcp-server with a key of certain scopes; it asks for them as it starts."""

    def start(scopes: Sequence[str]) -> Client:
        settings = {"ARCANNA_HOST": server, "ARCANNA_MANAGEMENT_API_KEY": workspace.access.create("analyst", scopes)}
        return Client("arcanna_mcp_server", settings, tmp_path_factory.mktemp("management") / "log")

    return start


@pytest.fixture(scope="session")
def management(server: str, admin_key: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """arcanna-mcp-server with a key that has every scope."""
    settings = {"ARCANNA_HOST": server, "ARCANNA_MANAGEMENT_API_KEY": admin_key}
    with Client("arcanna_mcp_server", settings, tmp_path_factory.mktemp("management") / "log") as running:
        yield running


@pytest.fixture(scope="session")
def sender(server: str, admin_key: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """arcanna-mcp-input-server, its user named ana."""
    settings = {"ARCANNA_HOST": server, "ARCANNA_INPUT_API_KEY": admin_key, "ARCANNA_USER": "ana"}
    with Client("arcanna_mcp_input_server", settings, tmp_path_factory.mktemp("input") / "log") as running:
        yield running
