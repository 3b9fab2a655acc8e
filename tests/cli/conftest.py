"""A terminal, and a server to work through."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cli.terminal import Serving, Terminal, serve

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    """A folder of its own with nothing in it."""
    return Terminal(tmp_path)


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """A running server."""
    with serve(Terminal(tmp_path_factory.mktemp("serving"))) as running:
        yield running
