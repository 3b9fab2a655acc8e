"""Trueline as its user runs it: commands and a server in processes of their own, ended by their ids."""

from __future__ import annotations

import contextlib
import os
import queue
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO, TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_IMPORT_SECONDS = 1_800
_COMMAND_SECONDS = 120
_START_SECONDS = 120
_STOP_SECONDS = 30
_LISTENS = "Trueline listens on "


class CommandError(RuntimeError):
    """A command failed, or the server did not start; the message has what it said."""


class Process(Protocol):
    """A process, with what `subprocess.Popen` has of it."""

    pid: int
    stdout: IO[str] | None

    def send_signal(self, sig: int) -> None:
        """Send it a signal."""

    def terminate(self) -> None:
        """Have it end."""

    def kill(self) -> None:
        """End it."""

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code, once it has ended.

        Raises:
            subprocess.TimeoutExpired: it has not after so many seconds.
        """


class Commands(Protocol):
    """Runs ``trueline``, each time in a process of its own."""

    def run(self, arguments: list[str], folder: Path, environment: dict[str, str], seconds: float) -> Ended:
        """Run it to its end.

        Raises:
            subprocess.TimeoutExpired: it took longer than so many seconds.
        """

    def begin(self, arguments: list[str], folder: Path, environment: dict[str, str], log: IO[bytes]) -> Process:
        """Begin it; its standard output is the process's, its errors go to a log."""


class Ended(NamedTuple):
    """What is left of a command."""

    code: int
    out: str
    err: str


class Anew:
    """Runs it as a user does."""

    def run(self, arguments: list[str], folder: Path, environment: dict[str, str], seconds: float) -> Ended:
        """As `Commands.run`."""
        done = subprocess.run(  # noqa: S603 - our own command
            _command(arguments),
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    def begin(self, arguments: list[str], folder: Path, environment: dict[str, str], log: IO[bytes]) -> Process:
        """As `Commands.begin`."""
        return _begun(_command(arguments), folder, environment, log)


commands: Commands = Anew()
"""How ``trueline`` is run; the tests, which run it hundreds of times, have a quicker way."""


def _environment() -> dict[str, str]:
    """Without settings of the person who runs the benchmark."""
    return {name: value for name, value in os.environ.items() if not name.startswith("TRUELINE_")}


def _command(arguments: list[str]) -> list[str]:
    return [sys.executable, "-m", "trueline.cli", *arguments]


def trueline(*arguments: str, folder: Path, seconds: float = _COMMAND_SECONDS) -> str:
    """Run a command with `folder` as the working folder, and return what it printed.

    Raises:
        CommandError: it failed or took longer than so many seconds.
    """
    try:
        ended = commands.run(list(arguments), folder, _environment(), seconds)
    except subprocess.TimeoutExpired as error:
        raise CommandError(f"trueline {arguments[0]} took longer than {seconds:.0f} s") from error
    if ended.code != 0:
        raise CommandError(f"trueline {arguments[0]} ended with {ended.code}: {ended.err.strip()}")
    return ended.out


def import_alerts(archive: Path, mapping: Path, job: str, data: Path) -> str:
    """Import a zip of alerts into a new job and return the command's summary."""
    arguments = ("import", str(archive), "--job", job, "--mapping", str(mapping), "--create", "--data", str(data))
    return trueline(*arguments, folder=data.parent, seconds=_IMPORT_SECONDS)


@contextlib.contextmanager
def served(
    data: Path, settings: Mapping[str, str] | None = None, command: list[str] | None = None
) -> Iterator[tuple[str, int]]:
    """Serve a data folder on a free port of loopback; gives the address and the process id.

    Args:
        data: The folder.
        settings: By the names of the environment.
        command: To serve by, instead of `trueline serve`.

    Raises:
        CommandError: the server did not start.
    """
    with served_process(data, settings, command) as (address, process):
        yield address, process.pid


@contextlib.contextmanager
def served_process(
    data: Path,
    settings: Mapping[str, str] | None = None,
    command: list[str] | None = None,
    *,
    log: str = "server.log",
) -> Iterator[tuple[str, Process]]:
    """As `served`; gives the process itself. What it logs goes to a file of that name beside the folder.

    Raises:
        CommandError: the server did not start.
    """
    logged = data.parent / log
    with logged.open("wb") as errors:
        environment = _environment() | dict(settings or {})
        if command is None:
            serve = ["serve", "--data", str(data), "--port", "0"]
            process = commands.begin(serve, data.parent, environment, errors)
        else:
            process = _begun(command, data.parent, environment, errors)
    try:
        address = _address(process)
        if address is None:
            raise CommandError(f"the server did not start: {logged.read_text(errors='replace')[-2_000:]}")
        yield address, process
    finally:
        process.terminate()
        end(process)


def end(process: Process, seconds: float = _STOP_SECONDS) -> None:
    """Wait until a process has ended, and end it where it has not after so many seconds."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(seconds)


def _begun(command: list[str], folder: Path, environment: dict[str, str], log: IO[bytes]) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603 - our own command
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=log, text=True
    )


def _address(process: Process) -> str | None:
    said: queue.Queue[str | None] = queue.Queue()

    def listen() -> None:
        if process.stdout is not None:
            with process.stdout as lines:
                for line in lines:
                    said.put(line)
        said.put(None)

    threading.Thread(target=listen, daemon=True).start()
    with contextlib.suppress(queue.Empty):
        while (line := said.get(timeout=_START_SECONDS)) is not None:
            if line.startswith(_LISTENS):
                return line.removeprefix(_LISTENS).strip()
    return None


def highest_resident_bytes(process_id: int) -> int:
    """The resident memory at its highest of a process, and of those it has begun without their pages of files.

    These pages, as of libraries, they share with it, and are counted once. The sum is an upper bound: not all need have
    been at their highest at once.
    """
    parents = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, KeyError):  # it has ended meanwhile, or is a thread of the kernel
            parents[int(folder.name)] = _status(folder)
    begun, found = [process_id], set[int]()
    while begun:
        of = begun.pop()
        children = {each for each, status in parents.items() if status["PPid"] == of} - found
        found |= children
        begun += children
    own = sum(parents[each]["VmHWM"] - parents[each]["RssFile"] for each in found)
    return resident_bytes(process_id)[1] + 1024 * own


def resident_bytes(process_id: int) -> tuple[int, int]:
    """The resident memory of a process, now and at its highest (VmRSS and VmHWM of Linux)."""
    status = _status(Path(f"/proc/{process_id}"))
    return 1024 * status["VmRSS"], 1024 * status["VmHWM"]


def _status(folder: Path) -> dict[str, int]:
    """The numbers that the kernel tells of a process, memory in KiB."""
    text = (folder / "status").read_text(encoding="ascii", errors="replace")
    told = dict(line.split(":", 1) for line in text.splitlines())
    return {name: int(told[name].split()[0]) for name in ("PPid", "VmRSS", "VmHWM", "RssFile")}
