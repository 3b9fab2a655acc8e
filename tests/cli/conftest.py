"""A terminal, and a server to work through."""

from __future__ import annotations

import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from cli.terminal import SECONDS, Serving, Terminal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    """A folder of its own with nothing in it."""
    return Terminal(tmp_path)


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """``trueline serve`` on a free loopback port, stopped by its id."""
    terminal = Terminal(tmp_path_factory.mktemp("serving"))
    with subprocess.Popen(
        [sys.executable, "-m", "trueline.cli", "serve", "--host", "127.0.0.1", "--port", "0"],
        cwd=terminal.folder,
        env=terminal.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        watchdog = threading.Timer(SECONDS, process.kill)
        watchdog.start()
        try:
            assert process.stdout is not None
            address = process.stdout.readline().split()[-1]
            key = process.stdout.readline().split()[-1]
            watchdog.cancel()
            yield Serving(terminal, address, key)
        finally:
            watchdog.cancel()
            process.terminate()
            process.wait(SECONDS)
