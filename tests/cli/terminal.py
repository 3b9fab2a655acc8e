"""``trueline`` as a process of its own: the engine opens one data folder a process."""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from forking import Asked, Forking, run
from processes import end

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from processes import Ended

SECONDS = 120


@dataclass(frozen=True)
class Terminal:
    """Runs ``trueline`` in a folder, with the data folder ``data`` in it."""

    folder: Path

    def environment(self, **settings: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("TRUELINE_")}
        return kept | {"TRUELINE_DATA": "data", "TRUELINE_PORT": "1"} | settings

    def run(self, *arguments: str, **settings: str) -> Ended:
        return run(Asked(list(arguments), str(self.folder), self.environment(**settings)), SECONDS)

    def write(self, name: str, text: str) -> str:
        (self.folder / name).write_text(text)
        return name


@dataclass(frozen=True)
class Serving:
    """A running server, and a terminal in whose folder its data lies."""

    terminal: Terminal
    address: str
    key: str

    def run(self, *arguments: str) -> Ended:
        return self.terminal.run(*arguments, "--server", self.address, "--key", self.key)


@contextmanager
def serve(terminal: Terminal) -> Iterator[Serving]:
    """``trueline serve`` on a free loopback port, stopped by its id."""
    with (terminal.folder / "server.log").open("wb") as log:
        arguments = ["serve", "--host", "127.0.0.1", "--port", "0"]
        process = Forking().begin(arguments, terminal.folder, terminal.environment(), log)
    watchdog = threading.Timer(SECONDS, process.kill)
    watchdog.start()
    assert process.stdout is not None
    with process.stdout as said:
        try:
            told = [said.readline() for _ in range(2)]
            watchdog.cancel()
            assert all(told), (terminal.folder / "server.log").read_text()
            yield Serving(terminal, *(line.split()[-1] for line in told))
        finally:
            watchdog.cancel()
            process.terminate()
            end(process, SECONDS)
