"""Commands, servers and scripts begin in a process that has loaded what they need, forked for each.

That spares them a second. The engine is not loaded there: it has threads from the moment it is. Their environment,
folder and path of modules, what they print and how they end are as if they were begun anew. What is read of the
environment while libraries load, as `TZ`, is not, and all have one hash seed: sets of texts keep their order over a
restart.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
import types
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, NamedTuple

from processes import Ended

_WAIT = "import sys; from forking import wait; wait(*map(int, sys.argv[1:]))"
_BEGINS_SECONDS = 300
"""The first waits until all is loaded."""
_ENDS_SECONDS = 60
_NUMBER_BYTES = 64
_ROOT = Path(__file__).parent.parent
_NOT_OF_A_USER = {str(_ROOT / name) for name in ("tests", "bench", "gates")}
"""Folders of modules that a command begun anew does not find."""


class Asked(NamedTuple):
    """What is to be run, and where."""

    arguments: list[str]
    """Of `trueline`, or of the script."""
    folder: str
    environment: dict[str, str]
    script: str | None = None


class Forked:
    """A process that was begun, with what `subprocess.Popen` has of it."""

    def __init__(self, asked: Asked, out: int, err: int) -> None:
        """Begin it; what it prints goes to two open files."""
        self.stdout: IO[str] | None = None
        self._code: int | None = None
        self._told = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        """Where its number comes, and then its exit code."""
        try:
            self._told.settimeout(_BEGINS_SECONDS)
            self._told.connect(_waiting())
            with tempfile.TemporaryFile() as told:
                told.write(json.dumps(asked).encode())
                told.seek(0)
                socket.send_fds(self._told, [b"."], [told.fileno(), out, err])
                self.pid = _number(self._told)
        except BaseException:
            self._told.close()  # what begins all the same is ended when its number cannot be told
            raise

    def wait(self, timeout: float | None = None) -> int:
        """The exit code, as `subprocess` has it, once it has ended.

        Raises:
            subprocess.TimeoutExpired: it has not after so many seconds.
        """
        if self._code is None:
            self._told.settimeout(timeout)
            try:
                self._code = _number(self._told)
            except (TimeoutError, BlockingIOError) as error:
                raise subprocess.TimeoutExpired("trueline", timeout or 0) from error
            self._told.close()
        return self._code

    def send_signal(self, sig: int) -> None:
        """Send it a signal, unless it has ended: its number may be another's then."""
        if self._code is None and not self._is_told():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, sig)

    def _is_told(self) -> bool:
        """Whether its exit code has come: until then its number is no other's."""
        has_come, _, _ = select.select([self._told], [], [], 0)
        return bool(has_come) and bool(self._told.recv(_NUMBER_BYTES, socket.MSG_PEEK))

    def terminate(self) -> None:
        """Have it end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)


class Forking:
    """Runs ``trueline`` quicker than `processes.Anew`."""

    def run(self, arguments: list[str], folder: Path, environment: dict[str, str], seconds: float) -> Ended:
        """As `processes.Commands.run`."""
        return run(Asked(arguments, str(folder), environment), seconds)

    def begin(self, arguments: list[str], folder: Path, environment: dict[str, str], log: IO[bytes]) -> Forked:
        """As `processes.Commands.begin`."""
        out, its_out = os.pipe()
        said = open(out, encoding="utf-8")  # noqa: PTH123, SIM115 - a descriptor; whoever reads closes it
        try:
            process = Forked(Asked(arguments, str(folder), environment), its_out, log.fileno())
        except BaseException:
            said.close()
            raise
        finally:
            os.close(its_out)
        process.stdout = said
        return process


def run(asked: Asked, seconds: float) -> Ended:
    """Run it; gives what is left of it once nobody can print any more, what it began included.

    Raises:
        subprocess.TimeoutExpired: it took longer than so many seconds, and was ended.
    """
    (out, its_out), (err, its_err) = os.pipe(), os.pipe()
    with open(out, "rb") as printed, open(err, "rb") as said, ThreadPoolExecutor(2) as readers:  # noqa: PTH123
        try:
            process = Forked(asked, its_out, its_err)
        finally:
            os.close(its_out)
            os.close(its_err)
        deadline = time.monotonic() + seconds
        read = [readers.submit(file.read) for file in (printed, said)]
        try:
            code = process.wait(seconds)
            whole, why = (each.result(max(deadline - time.monotonic(), 1)).decode() for each in read)
        except TimeoutError as error:
            raise subprocess.TimeoutExpired("trueline", seconds) from error
        finally:
            process.kill()
            process.wait(_ENDS_SECONDS)
    return Ended(code, whole, why)


def _number(told: socket.socket) -> int:
    number = told.recv(_NUMBER_BYTES)
    if not number:
        raise RuntimeError("the process that is forked, or the one that waits for the command, has ended")
    return int(number)


@functools.cache
def _waiting() -> str:
    """The address of the process that is forked; it ends with this one."""
    folder = Path(tempfile.mkdtemp(prefix="trueline-forking-"))
    address = folder / "address"
    ends, keep = os.pipe()
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listening:
        listening.bind(str(address))
        listening.listen()
        process = subprocess.Popen(
            [sys.executable, "-c", _WAIT, str(listening.fileno()), str(ends)],
            # its threads allocate from one arena, as those of a server do: forked ones have all that there are
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "MALLOC_ARENA_MAX": "1"},
            pass_fds=(listening.fileno(), ends),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
    os.close(ends)

    def close() -> None:
        os.close(keep)
        process.wait(_ENDS_SECONDS)
        address.unlink()
        folder.rmdir()

    atexit.register(close)
    return str(address)


def wait(listening: int, ends: int) -> None:
    """Fork for each who asks, until the other end of `ends` is closed."""
    import httpx  # noqa: F401, PLC0415 - all that takes long to load

    import trueline.api.server  # noqa: PLC0415
    import trueline.cli.local  # noqa: PLC0415, F401

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who presses Ctrl-C ends the tests, and these whatever they began
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks here how those have ended
    with socket.socket(fileno=listening) as server:
        while ends not in select.select([listening, ends], [], [])[0]:
            asked, _ = server.accept()
            with asked:
                if not os.fork():
                    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                    server.close()
                    os.close(ends)
                    return _carry_out(asked)
    return None


def _carry_out(told: socket.socket) -> None:
    """Run one command in a process of its own, and tell its number and then its exit code."""
    _, (asked, out, err), _, _ = socket.recv_fds(told, 1, 3)
    command = os.fork()
    if command:
        try:
            told.sendall(f"{command}".encode())
        except OSError:  # nobody waits for it any more
            os.kill(command, signal.SIGKILL)
            os._exit(1)
        # not reaped: its number stays its own until the code is told
        status = os.waitid(os.P_PID, command, os.WEXITED | os.WNOWAIT)
        assert status is not None
        has_exited = status.si_code == os.CLD_EXITED
        with contextlib.suppress(OSError):
            told.sendall(f"{status.si_status if has_exited else -status.si_status}".encode())
        os.waitpid(command, 0)
        os._exit(0)
    told.close()
    os.dup2(out, 1)
    os.dup2(err, 2)
    with open(asked, encoding="utf-8") as file:  # noqa: PTH123 - a descriptor
        wanted = Asked(*json.load(file))
    os.closerange(3, 1 + max(asked, out, err))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(wanted.folder)
    os.environ.clear()
    os.environ.update(wanted.environment)
    sys.path[:] = [folder for folder in sys.path if folder not in _NOT_OF_A_USER]
    sys.argv = ["-c" if wanted.script else "trueline", *wanted.arguments]
    if wanted.script:
        main = sys.modules["__main__"] = types.ModuleType("__main__")
        exec(compile(wanted.script, "<string>", "exec", dont_inherit=True), vars(main))  # noqa: S102 - of a test
        return
    from trueline.cli import app  # noqa: PLC0415 - what is loaded already

    app(prog_name="trueline")
