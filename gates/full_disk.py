"""The disk fills up while clients write, and comes free again: no restart, nothing lost, nothing corrupt.

A round: clients write to a server whose data folder, and whose folder for temporary files, is on a small disk of its
own; the disk is filled, in every other round with empty files, of which it takes only so many; whoever writes is told
507, whoever asks is answered, `/readyz` says why; the disk is freed; what was refused is sent again and accepted; the
numbers must be the oracle's.
"""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import os
import random
import shutil
import subprocess
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from gate import BrokenError, Gate, NotRunError
from processes import served, trueline
from read_back import QUESTIONS, compare
from wire import asked
from writing import INGESTING, KINDS, VOTING, Client, Job, new_job

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

_DISK: Final = "size=512m,nr_inodes=30000"
_AT_ONCE: Final = 1 << 20
_PAUSE: Final = 0.001
"""Seconds between a mebibyte and the next: as fast as a good disk is written."""

_WRITING_SECONDS: Final = 1.0
_FULL_SECONDS: Final = 2.0
_RESUMED_WITHIN: Final = 30.0
_ENOUGH_ROUNDS: Final = 10
_FULL: Final = HTTPStatus.INSUFFICIENT_STORAGE


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A disk of 512 MiB in memory, mounted at a folder that is made for it.

    Raises:
        NotRunError: this process may not mount any.
    """
    folder.mkdir()
    made = subprocess.run(  # noqa: S603 - our own command
        ["mount", "-t", "tmpfs", "-o", _DISK, "tmpfs", str(folder)],  # noqa: S607 - wherever it is
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        raise NotRunError(f"a small disk cannot be mounted here: {made.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)  # noqa: S603, S607 - likewise


class Patient(Client):
    """A client that is told that the disk is full, and keeps what it was refused for later."""

    def __init__(self, number: int, seed: int) -> None:
        super().__init__(number, seed)
        self.refused: Counter[str] = Counter()
        """Times that it was, by the kind of its request."""
        self.stop = threading.Event()

    def work(self, address: str, key: str, jobs: list[Job]) -> None:
        """Write until told to stop; wait a little where there is no room.

        Raises:
            BrokenError: an answer is not what was promised.
            OSError: there is none.
        """
        connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=60)
        try:
            while not self.stop.is_set():
                if self.pending is None:
                    job = self._choose.choice(jobs)
                    request = self._next(job)
                    self.pending = None if request is None else (job, request)
                self.send(connection, key)
                if self.pending is not None:
                    time.sleep(0.05)
        finally:
            connection.close()

    def answered(self, status: int, said: bytes) -> bool:
        """Whether that is the end of it: 507 says why, and leaves the request to be sent again."""
        if status != _FULL:
            return super().answered(status, said)
        if "full" not in json.loads(said)["error"]:
            raise BrokenError(f"507 does not say why: {said[:500]!r}")
        if self.pending is not None:
            self.refused[self.pending[1].kind] += 1
        return False


@dataclass
class Fillings:
    """What came of the rounds."""

    rounds: int = 0
    acknowledged: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    """Requests answered 507, by what they were."""
    read: int = 0
    """Answers given while the disk was full."""
    compared: int = 0
    resumed: float = 0.0
    """Seconds from free space to the last of the refused being accepted, the longest."""

    def __str__(self) -> str:
        """The figures."""
        refused = ", ".join(f"{count} x {name}" for name, count in sorted(self.refused.items()))
        return (
            f"{self.rounds} times full and free; {sum(self.acknowledged.values())} writes acknowledged, "
            f"{self.refused.total()} answered 507 ({refused}), {self.read} questions answered while full; "
            f"writing resumed within {self.resumed:.1f} s without a restart; {self.compared} answers equal the oracle's"
        )


def fill_and_compare(folder: Path, rounds: int, seed: int) -> Fillings:
    """Run so many rounds on one server, and look once more after a restart.

    Raises:
        BrokenError: something is lost, corrupt, or answered otherwise than promised.
        NotRunError: no disk can be made here.
    """
    choose = random.Random(seed)  # noqa: S311 - test data
    came = Fillings()
    with small_disk(folder / "disk") as disk:
        key = trueline("keys", "create", "gate", "--data", str(disk / "data"), folder=disk).strip()
        with served(disk / "data", {"TMPDIR": str(disk)}) as (address, _):  # as where there is one disk for all
            jobs = [new_job(address, key, by_bucket=by_bucket) for by_bucket in (False, True)]
            quiet = _quiet(address, key)
            for _ in range(rounds):
                clients = [Patient(number, choose.randrange(2**32)) for number in range(INGESTING + VOTING + 1)]
                filled = _filled(disk, *_FILLINGS[came.rounds % len(_FILLINGS)])
                _round(address, key, disk, filled, (jobs, quiet), clients, came)
                came.rounds += 1
        with served(disk / "data") as (address, _):
            for job in [*jobs, quiet]:
                came.compared += compare(address, key, job)
    # of events that are sent alone there is not one under way each time
    wanted = set(KINDS) if rounds >= _ENOUGH_ROUNDS else {"events", "votes", "a training"}
    if never := wanted - came.refused.keys():
        raise BrokenError(f"while the disk was full, none of these was answered 507: {', '.join(sorted(never))}")
    return came


def _quiet(address: str, key: str) -> Job:
    """A job that nobody writes to from now on."""
    job = new_job(address, key, by_bucket=False)
    writer = Patient(0, seed=0)
    connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=60)
    for _ in range(10):
        writer.pending = (job, writer.bulk(job))
        writer.send(connection, key)
    connection.close()
    return job


def _round(  # noqa: PLR0913, PLR0917 - a round has that many parts
    address: str,
    key: str,
    disk: Path,
    filled: AbstractContextManager[None],
    told: tuple[list[Job], Job],
    clients: list[Patient],
    came: Fillings,
) -> None:
    jobs, quiet = told
    with ThreadPoolExecutor(len(clients)) as pool:
        writing = [pool.submit(client.work, address, key, jobs) for client in clients]
        try:
            time.sleep(_WRITING_SECONDS)
            with filled:
                came.read += _full(address, key, disk, jobs, quiet)
        finally:
            freed = time.monotonic()
            for client in clients:
                client.stop.set()
        for each in writing:
            each.result()
    _resume(address, key, clients, freed)
    came.resumed = max(came.resumed, time.monotonic() - freed)
    if asked(address, key, "GET", "/readyz", None) != {"status": "ok"}:
        raise BrokenError("/readyz is not ok again")
    for job in [*jobs, quiet]:
        came.compared += compare(address, key, job)
    for client in clients:
        came.refused += client.refused
        came.acknowledged += client.done


@contextlib.contextmanager
def _filled(disk: Path, fill: Callable[[Path, threading.Event], None], left: str) -> Iterator[None]:
    """Leave nothing of what a disk has, also not what is given back meanwhile.

    Args:
        disk: Where it is mounted.
        fill: Fills it by way of a folder until told to end.
        left: What it must have none of then, by the name that `os.statvfs` has for it.
    """
    ballast = disk / "ballast"
    ballast.mkdir()
    free = threading.Event()
    filler = threading.Thread(target=fill, args=(ballast, free))
    filler.start()
    try:
        deadline = time.monotonic() + 10
        while getattr(os.statvfs(disk), left) and time.monotonic() < deadline:
            time.sleep(0.005)
        yield
    finally:
        free.set()
        filler.join()
        shutil.rmtree(ballast)


def _fill_with_bytes(ballast: Path, free: threading.Event) -> None:
    with (ballast / "bytes").open("wb", buffering=0) as stream:
        size = _AT_ONCE
        while not free.is_set():
            try:
                stream.write(bytes(size))
                time.sleep(_PAUSE)
            except OSError:
                size = max(size // 16, 1)
                if size == 1:
                    time.sleep(0.005)


def _fill_with_files(ballast: Path, free: threading.Event) -> None:
    for number in itertools.count():
        if free.is_set():
            return
        try:
            (ballast / str(number)).touch()
        except OSError:
            time.sleep(0.005)


_FILLINGS: Final = ((_fill_with_bytes, "f_bavail"), (_fill_with_files, "f_favail"))
"""In turn."""


def _full(address: str, key: str, disk: Path, jobs: list[Job], quiet: Job) -> int:
    """What must hold while the disk is full; how many questions were answered."""
    answered = 0
    began = time.monotonic()
    said = None
    while time.monotonic() - began < _FULL_SECONDS:
        answered += compare(address, key, quiet, rebuild=False)
        for job in jobs:  # what of an unacknowledged request is there, nobody can tell; that it is answered, we can
            for question in QUESTIONS:
                asked(
                    address,
                    key,
                    "POST",
                    f"/api/v2/metrics/job?job_id={job.id}",
                    {"filters": question.get("filters", [])},
                )
                answered += 1
        said = _readiness(address)
    if said is None or said[0] != HTTPStatus.SERVICE_UNAVAILABLE or "full" not in said[1]:
        raise BrokenError(f"/readyz answers {said} with {os.statvfs(disk)}")
    return answered


def _readiness(address: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=60)
    connection.request("GET", "/readyz")
    answer = connection.getresponse()
    said = answer.read().decode()
    connection.close()
    return answer.status, said


def _resume(address: str, key: str, clients: list[Patient], freed: float) -> None:
    """Each client sends again what it was refused, until it is accepted."""
    connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=60)
    for client in clients:
        while client.pending is not None:
            client.send(connection, key)
            if time.monotonic() - freed > _RESUMED_WITHIN:
                raise BrokenError(f"writes are refused {_RESUMED_WITHIN:.0f} s after space was freed")
    connection.close()


def _run(folder: Path, count: int, seed: int) -> str:
    return str(fill_and_compare(folder, count, seed))


GATE: Final = Gate(
    name="full_disk",
    promise="the disk fills up and comes free: writes get 507, reads go on, nothing is corrupt, no restart is needed",
    full=30,
    unit="rounds",
    run=_run,
)
