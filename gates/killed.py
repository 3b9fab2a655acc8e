"""kill -9 at random moments, while clients ingest, vote and train at once: nothing acknowledged is lost.

A round: a server is started on the stores as the last kill left them; what was not acknowledged is sent again; the
numbers must be the oracle's, and so must each event be, with its document, decided or not; then eight clients write
until the server is killed, which may leave nothing where temporary files are. A job is written to for a few rounds, and
is looked at once more after the last.
"""

from __future__ import annotations

import http.client
import random
import signal
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from gate import BrokenError, Gate, counted
from processes import served_process, trueline
from read_back import compare
from writing import INGESTING, VOTING, Client, new_job

if TYPE_CHECKING:
    from pathlib import Path

    from processes import Process
    from writing import Job

_ROUNDS_A_JOB: Final = 4
_LATEST_KILL: Final = 1.5
"""Seconds after the clients began."""


@dataclass
class Killings:
    """What came of the rounds."""

    rounds: int = 0
    acknowledged: Counter[str] = field(default_factory=Counter)
    """Requests, by what they were."""
    repeated: int = 0
    compared: int = 0
    """Answers that were the oracle's."""
    events: int = 0
    """Events in the end, each as the oracle has it."""

    def __str__(self) -> str:
        """The figures."""
        acknowledged = ", ".join(f"{count} x {name}" for name, count in sorted(self.acknowledged.items()))
        return (
            f"acknowledged {acknowledged}; {self.repeated} requests repeated; {self.compared} answers equal the "
            f"oracle's, and in the end {self.events} events with their documents: none lost, none twice; no temporary "
            "file was left"
        )


def kill_and_compare(folder: Path, rounds: int, seed: int) -> Killings:
    """Run so many rounds on stores in a folder.

    Raises:
        BrokenError: something acknowledged is lost, counted twice or answered wrongly, or a temporary file is left.
    """
    choose = random.Random(seed)  # noqa: S311 - test data
    key = trueline("keys", "create", "gate", "--data", str(folder / "data"), folder=folder).strip()
    temporary = folder / "temporary"
    temporary.mkdir()
    came = Killings()
    clients = [Client(number, choose.randrange(2**32)) for number in range(INGESTING + VOTING + 1)]
    jobs: list[Job] = []
    earlier: list[Job] = []
    for number in counted(rounds + 1):
        with served_process(folder / "data", {"TMPDIR": str(temporary)}) as (address, process):
            _repeat(address, key, clients, came)
            if number == rounds:
                for job in [*earlier, *jobs]:
                    came.compared += compare(address, key, job)
                    came.events += len({sent.event_id for sent in job.told.sent})
                break
            for job in jobs:
                came.compared += compare(address, key, job)
            if number % _ROUNDS_A_JOB == 0:
                earlier += jobs
                jobs = [new_job(address, key, by_bucket=by_bucket) for by_bucket in (False, True)]
            _write_until_killed(address, key, jobs, clients, process, choose.uniform(0, _LATEST_KILL))
            came.rounds += 1
        own = (each for inside in ("data", "data/ledger") for each in (folder / inside).glob("tmp????????"))
        if left := [str(each) for each in (*temporary.iterdir(), *own)]:
            raise BrokenError(f"temporary files were left: {', '.join(left)}")
    for client in clients:
        came.acknowledged += client.done
    return came


def _repeat(address: str, key: str, clients: list[Client], came: Killings) -> None:
    """Each client sends again what it has no answer to."""
    connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=60)
    for client in clients:
        came.repeated += client.pending is not None
        client.send(connection, key)
    connection.close()


def _write_until_killed(  # noqa: PLR0913, PLR0917 - a round has that many parts
    address: str, key: str, jobs: list[Job], clients: list[Client], process: Process, seconds: float
) -> None:
    is_killed = threading.Event()
    with ThreadPoolExecutor(len(clients)) as pool:
        writing = [pool.submit(client.write, address, key, jobs, is_killed) for client in clients]
        time.sleep(seconds)
        process.kill()
        ended = process.wait()
        is_killed.set()
        for each in writing:
            each.result()
    if ended != -signal.SIGKILL:
        raise BrokenError(f"the server ended by itself, with exit code {ended}")


def _run(folder: Path, count: int, seed: int) -> str:
    return str(kill_and_compare(folder, count, seed))


GATE: Final = Gate(
    name="killed",
    promise="kill -9 while 8 clients ingest, vote and train: nothing acknowledged is lost, nothing counted twice",
    full=200,
    unit="rounds",
    run=_run,
)
