"""A real PostgreSQL for tests and benchmarks: loopback only, in a temporary folder, gone at the end."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pg8000.native

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SERVER_USER = "postgres"
"""PostgreSQL does not run as root; where we are root, it runs as the user that its package makes."""


class PostgresMissing(Exception):  # noqa: N818 - a reason to skip, not a failure
    """There is no PostgreSQL to start here."""


@dataclass(frozen=True)
class Postgres:
    """A running server that trusts whoever comes from this machine."""

    port: int
    _numbers: Iterator[int] = field(default_factory=count)

    def new_database(self) -> str:
        """Make an empty database and return its address."""
        name = f"catalog_{next(self._numbers)}"
        connection = pg8000.native.Connection("trueline", "127.0.0.1", "postgres", self.port)
        try:
            connection.run(f"CREATE DATABASE {name}")
        finally:
            connection.close()
        return f"postgresql://trueline@127.0.0.1:{self.port}/{name}"


@contextmanager
def running_postgres(settings: Mapping[str, str] | None = None, timezone: str = "Asia/Kathmandu") -> Iterator[Postgres]:
    """Start a server with these settings beside the defaults, and stop it at the end.

    The time zone is far from UTC, with an odd offset in its past, so that a moment kept carelessly shows.

    Raises:
        PostgresMissing: it is not installed, or there is no user that it could run as.
    """
    programs = _programs()
    prefix: list[str | Path] = [*_as_server_user()]
    home = Path(tempfile.mkdtemp(prefix="trueline-pg-"))
    try:
        if prefix:
            shutil.chown(home, SERVER_USER)
        data = home / "data"
        _run(
            [
                *prefix,
                programs / "initdb",
                "-D",
                data,
                "-U",
                "trueline",
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--no-sync",
            ]
        )
        port = _free_port()
        options = f"-F -p {port} -k {home} -c listen_addresses=127.0.0.1 -c timezone={timezone}"
        options += "".join(f" -c {name}={value}" for name, value in (settings or {}).items())
        control: list[str | Path] = [*prefix, programs / "pg_ctl", "-D", data, "-w"]
        _run([*control, "-l", home / "log", "-o", options, "start"])
        try:
            yield Postgres(port)
        finally:
            _run([*control, "-m", "immediate", "stop"])
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _programs() -> Path:
    """Return the folder of the newest installed server's programs."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: float(folder.parent.name))
    if found := shutil.which("pg_config"):
        told = subprocess.run([found, "--bindir"], check=True, capture_output=True, text=True)
        folders.append(Path(told.stdout.strip()))
    for folder in reversed(folders):
        if (folder / "initdb").exists():
            return folder
    raise PostgresMissing("PostgreSQL is not installed (Debian: apt-get install postgresql)")


def _as_server_user() -> list[str]:
    """Return what a command is prefixed with to run as a user that may be PostgreSQL's."""
    if os.geteuid() != 0:
        return []
    try:
        pwd.getpwnam(SERVER_USER)
    except KeyError:
        raise PostgresMissing(f"PostgreSQL does not run as root, and there is no user {SERVER_USER!r}") from None
    return ["runuser", "-u", SERVER_USER, "--"]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _run(command: list[str | Path]) -> None:
    # Not into pipes: the server inherits them, and waiting for their end would be waiting for the server's.
    with tempfile.TemporaryFile("w+") as output:
        done = subprocess.run(command, check=False, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd="/")
        if done.returncode != 0:
            output.seek(0)
            raise RuntimeError(f"{command} failed: {output.read()}")
