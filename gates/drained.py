"""SIGTERM at a random moment: what is under way is answered, who asks whether the server is ready learns at once.

A round: a server; a second one on its folder, which must be refused; clients that send bulk requests and questions,
each one after the other; SIGTERM. Each request must be answered in full and rightly, or refused with the sentence that
says so, or its connection closed before a byte of an answer. `/readyz` must say 503 to a kept connection and to new
ones for as long as anything is under way. The server must end with exit code 0. Opened again, all that was acknowledged
must be there, and nothing of what was refused.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import random
import signal
import subprocess
import threading
import time
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from gate import BrokenError, Gate, counted
from killed import LABELS, asked
from processes import CommandError, served_process, trueline

if TYPE_CHECKING:
    from pathlib import Path

_LINES: Final = 2_000
"""Of a bulk request: enough that one is in the middle when the signal comes."""

_BULK, _ASKING = 3, 2
_EARLIEST, _LATEST = 0.3, 1.5
_END_SECONDS: Final = 120
_STOPPING: Final = b"The server is stopping"
_IN_USE: Final = "another process, most likely a running server, has"


@dataclass
class Client:
    """Sends one request after the other, until it is refused."""

    number: int
    acknowledged: int = 0
    """Events."""
    in_doubt: int = 0
    """Events of a request whose connection ended without an answer."""
    answered_late: int = 0
    """Requests that were sent before the signal and answered after it."""
    questions: int = 0
    refused: int = 0
    closed: int = 0


@dataclass
class Signalled:
    """When the server was told to stop."""

    at: float | None = None


@dataclass
class Drained:
    """What came of the rounds."""

    rounds: int = 0
    acknowledged: int = 0
    answered_late: int = 0
    refused: int = 0
    closed: int = 0
    red: list[float] = field(default_factory=list)
    """Seconds from the signal until `/readyz` said 503, round by round."""
    ended: list[float] = field(default_factory=list)
    """Seconds from the signal until the process had ended."""

    def __str__(self) -> str:
        """The figures."""
        return (
            f"{self.rounds} second servers refused; {self.acknowledged} events acknowledged, all there; "
            f"{self.answered_late} requests answered after the signal, {self.refused} refused, {self.closed} "
            f"connections closed before an answer; /readyz red after {1000 * max(self.red):.0f} ms at most, "
            f"ended after {max(self.ended):.1f} s at most, exit code 0"
        )


def stop_and_count(folder: Path, rounds: int, seed: int) -> Drained:
    """Run so many rounds on stores in a folder.

    Raises:
        BrokenError: something is not answered, answered wrongly, or lost.
    """
    choose = random.Random(seed)  # noqa: S311 - test data
    key = trueline("keys", "create", "gate", "--data", str(folder / "data"), folder=folder).strip()
    came = Drained()
    job, events = 0, 0
    clients: list[Client] = []
    for number in counted(rounds + 1):
        with served_process(folder / "data") as (address, process):
            if number:
                _count(address, key, job, events, clients)
            if number == rounds:
                break
            job = asked(address, key, "POST", "/api/v2/jobs", {"title": f"round {number}", "labels": LABELS})["job_id"]
            clients = [Client(each) for each in range(_BULK + _ASKING)]
            _refuse_second(folder / "data")
            _write_until_stopped(address, key, job, clients, process, choose.uniform(_EARLIEST, _LATEST), came)
        events = sum(each.acknowledged for each in clients)
        came.rounds += 1
        came.acknowledged += events
        for client in clients:
            came.answered_late += client.answered_late
            came.refused += client.refused
            came.closed += client.closed
    return came


def _write_until_stopped(  # noqa: PLR0913, PLR0917 - a round has that many parts
    address: str,
    key: str,
    job: int,
    clients: list[Client],
    process: subprocess.Popen[str],
    seconds: float,
    came: Drained,
) -> None:
    signalled = Signalled()
    broken: list[Exception] = []

    def work(client: Client) -> None:
        try:
            send_until_refused(client, address, key, job, signalled)
        except Exception as error:  # noqa: BLE001 - raised below
            broken.append(error)

    threads = [threading.Thread(target=work, args=(client,)) for client in clients]
    watching = http.client.HTTPConnection(address.removeprefix("http://"), timeout=60)
    if (ready := _ready(watching)) != HTTPStatus.OK:
        raise BrokenError(f"/readyz says {ready} before the server is told to stop")
    for each in threads:
        each.start()
    time.sleep(seconds)
    began = signalled.at = time.monotonic()
    process.send_signal(signal.SIGTERM)
    with contextlib.closing(watching):
        _watch(watching, address, began, threads, came)
    for each in threads:
        each.join()
    try:
        code = process.wait(_END_SECONDS)
    except subprocess.TimeoutExpired:
        raise BrokenError(f"the server has not ended {_END_SECONDS} s after SIGTERM") from None
    came.ended.append(time.monotonic() - began)
    if broken:
        raise broken[0]
    if code:
        raise BrokenError(f"the server ended with exit code {code}")


def _refuse_second(data: Path) -> None:
    """Try to serve a folder that is served.

    Raises:
        BrokenError: it is, or is refused without the sentence that says so.
    """
    try:
        with served_process(data, log="second.log"):
            raise BrokenError("a second server was let onto the data folder")
    except CommandError as refusal:
        if _IN_USE not in str(refusal) or str(data) not in str(refusal):
            raise BrokenError(f"a second server is refused, but not with a sentence: {refusal}") from refusal


def _watch(
    kept: http.client.HTTPConnection, address: str, began: float, threads: list[threading.Thread], came: Drained
) -> None:
    """Ask whether it is ready, on a kept connection and on new ones, until it listens no more.

    Raises:
        BrokenError: it says that it is.
    """
    while True:
        under_way = any(each.is_alive() for each in threads)
        fresh = http.client.HTTPConnection(address.removeprefix("http://"), timeout=60)
        for connection in (kept, fresh):
            sent = time.monotonic()
            try:
                with contextlib.closing(fresh) if connection is fresh else contextlib.nullcontext():
                    status = _ready(connection)
            except (OSError, http.client.HTTPException) as error:
                if not came.red or len(came.red) <= came.rounds:
                    if under_way:
                        raise BrokenError(f"/readyz is gone before it was red: {error!r}") from error
                    came.red.append(time.monotonic() - began)
                return
            if status == HTTPStatus.SERVICE_UNAVAILABLE:
                if len(came.red) <= came.rounds:
                    came.red.append(time.monotonic() - began)
            elif sent > began + _SIGNAL_SECONDS:
                raise BrokenError(f"/readyz says {status} {sent - began:.3f} s after SIGTERM")
        time.sleep(0.01)


_SIGNAL_SECONDS: Final = 1.0
"""Until a signal has reached the process that has to share its processor with others."""


def _ready(connection: http.client.HTTPConnection) -> int:
    connection.request("GET", "/readyz")
    answer = connection.getresponse()
    answer.read()
    return answer.status


def send_until_refused(client: Client, address: str, key: str, job: int, signalled: Signalled) -> None:
    """Send until the server refuses, or its connection is closed or cannot be made.

    Raises:
        BrokenError: an answer is neither right nor a refusal, or broke off in the middle.
    """
    number = 0
    while True:
        connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=_END_SECONDS)
        method, path, body, size = _request(client, job, number)
        number += 1
        sent = time.monotonic()
        begun = False
        try:
            connection.request(method, path, body, {"X-Arcanna-Api-Key": key, "Content-Type": "application/json"})
            answer = connection.getresponse()
            begun = True
            said = answer.read()
        except (OSError, http.client.HTTPException) as error:
            if begun:
                raise BrokenError(f"{method} {path}: an answer broke off in the middle: {error!r}") from error
            if signalled.at is None:
                raise BrokenError(
                    f"{method} {path}: no answer, before the server was told to stop: {error!r}"
                ) from error
            if not isinstance(error, ConnectionRefusedError) and sent < signalled.at:
                raise BrokenError(f"{method} {path}: sent before the signal, and never answered: {error!r}") from error
            client.closed += 1
            client.in_doubt += size
            return
        finally:
            connection.close()
        if answer.status == HTTPStatus.SERVICE_UNAVAILABLE and _STOPPING in said and signalled.at is not None:
            if b"could not wait" in said:
                raise BrokenError(f"{method} {path} was broken off: {said!r}")
            client.refused += 1
            return
        if answer.status != HTTPStatus.OK:
            raise BrokenError(f"{method} {path} answered {answer.status}: {said[:500]!r}")
        _check(client, job, said, size)
        if signalled.at is not None and sent < signalled.at:
            client.answered_late += 1


def _request(client: Client, job: int, number: int) -> tuple[str, str, bytes, int]:
    if client.number >= _BULK:
        return "POST", f"/api/v2/jobs/{job}/report", b"{}", 0
    size = _LINES if client.number == 0 else 1 + (number * 7) % 50
    lines = [
        json.dumps(
            {
                "event_id": f"{client.number}-{number}-{each}",
                "timestamp": f"2025-01-01T00:{each % 60:02}:00Z",
                "raw_body": {"n": each, "host": {"name": f"h{each % 9}"}},
                "decision": {"label": LABELS[each % 3]},
                "votes": [{"analyst": "a", "label": LABELS[each % 2]}],
            }
        )
        for each in range(size)
    ]
    return "POST", f"/api/v2/jobs/{job}/events/bulk", "\n".join(lines).encode(), size


def _check(client: Client, job: int, said: bytes, size: int) -> None:
    body = json.loads(said)
    if not size:
        if body.get("job_id") != job or not body.get("digest"):
            raise BrokenError(f"this is no report on job {job}: {said[:500]!r}")
        client.questions += 1
        return
    if (body["accepted"], body["rejected"]) != (size, []):
        raise BrokenError(f"{size} events were sent: {said[:500]!r}")
    client.acknowledged += size


def _count(address: str, key: str, job: int, events: int, clients: list[Client]) -> None:
    """Compare what is there after the end with what was acknowledged before it.

    Raises:
        BrokenError: an acknowledged event is not there, or one that nobody sent.
    """
    in_doubt = sum(each.in_doubt for each in clients)
    there = asked(address, key, "POST", f"/api/v2/metrics/job?job_id={job}", {})["total_events"]
    if not events <= there <= events + in_doubt:
        raise BrokenError(f"{there} events are there; {events} were acknowledged, {in_doubt} are in doubt")


def _run(folder: Path, count: int, seed: int) -> str:
    return str(stop_and_count(folder, count, seed))


GATE: Final = Gate(
    name="drained",
    promise="SIGTERM: what is under way is answered, /readyz turns red at once, nothing acknowledged is lost",
    full=50,
    unit="rounds",
    run=_run,
)
