"""Commands and scripts begin in a process that has loaded what they need, forked for each: that spares them a second.

Not the engine: it has threads from the moment it is loaded. Their environment and folder, what they print and how they
end are as if they were begun anew; what is read of the environment while libraries load, as `TZ`, is not.
"""

from __future__ import annotations

import atexit
import functools
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import types
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

_WAIT = "import sys; from forking import wait; wait(*map(int, sys.argv[1:]))"
_END_SECONDS = 60


class Asked(NamedTuple):
    """What is to be run, and where."""

    arguments: list[str]
    """Of `trueline`, or of the script."""
    folder: str
    environment: dict[str, str]
    script: str | None = None


def run(asked: Asked, seconds: float) -> tuple[int, str, str]:
    """Run it; gives its exit code and what it printed, once nobody can print any more, what it began included.

    Raises:
        TimeoutError: it took longer than so many seconds.
    """
    (out, its_out), (err, its_err) = os.pipe(), os.pipe()
    with open(out, "rb") as printed, open(err, "rb") as said, ThreadPoolExecutor(2) as readers:  # noqa: PTH123
        try:
            told = _begin(asked, its_out, its_err)
        finally:
            os.close(its_out)
            os.close(its_err)
        read = [readers.submit(file.read) for file in (printed, said)]
        code = _ended(told, seconds)
        whole, why = (each.result(seconds).decode() for each in read)
    return code, whole, why


def _begin(wanted: Asked, out: int, err: int) -> socket.socket:
    """Begin it; what it prints goes to two open files. Gives where its number comes, and then its exit code."""
    with tempfile.TemporaryFile() as asked:
        asked.write(json.dumps(wanted).encode())
        asked.seek(0)
        told = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        told.connect(_waiting())
        socket.send_fds(told, [b"."], [asked.fileno(), out, err])
        return told


def _ended(told: socket.socket, seconds: float) -> int:
    """The exit code, as `subprocess` has it; what takes longer is ended."""
    with told:
        told.settimeout(_END_SECONDS)
        process_id = _number(told)
        told.settimeout(seconds)
        try:
            return _number(told)
        except BaseException:
            os.kill(process_id, signal.SIGKILL)
            raise


def _number(told: socket.socket) -> int:
    number = told.recv(64)
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
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            pass_fds=(listening.fileno(), ends),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
    os.close(ends)

    def end() -> None:
        os.close(keep)
        process.wait(_END_SECONDS)
        address.unlink()
        folder.rmdir()

    atexit.register(end)
    return str(address)


def wait(listening: int, ends: int) -> None:
    """Fork for each who asks, until the other end of `ends` is closed."""
    import httpx  # noqa: F401, PLC0415 - all that takes long to load

    import trueline.cli.local  # noqa: PLC0415
    import trueline.service.workspace  # noqa: PLC0415, F401

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
        told.sendall(f"{command}".encode())
        _, status = os.waitpid(command, 0)
        told.sendall(f"{os.waitstatus_to_exitcode(status)}".encode())
        os._exit(0)
    told.close()
    os.dup2(out, 1)
    os.dup2(err, 2)
    with open(asked, encoding="utf-8") as file:  # noqa: PTH123 - a descriptor
        wanted = Asked(*json.load(file))
    os.closerange(3, 1 + max(asked, out, err))
    os.chdir(wanted.folder)
    os.environ.clear()
    os.environ.update(wanted.environment)
    sys.argv = ["-c" if wanted.script else "trueline", *wanted.arguments]
    if wanted.script:
        main = sys.modules["__main__"] = types.ModuleType("__main__")
        exec(compile(wanted.script, "<string>", "exec", dont_inherit=True), vars(main))  # noqa: S102 - of a test
        return
    from trueline.cli import app  # noqa: PLC0415 - what is loaded already

    app(prog_name="trueline")
