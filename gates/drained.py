"""SIGTERM at a random moment: what is under way is answered, who asks whether the server is ready learns at once.

A round: a server; a second one on its folder, which must be refused; clients that send bulk requests, questions, and
events alone, votes and trainings in turn, each one after the other; SIGTERM. Each request must be answered in full and
rightly, or refused with the sentence that says so, or its connection closed before a byte of an answer. `/readyz` must
say 503 to a kept connection and to new ones for as long as anything is under way, and never 200 again; in every other
round the server goes on taking requests for a while, so that it must be asked in time. The server must end with exit
code 0. Opened again, all that was acknowledged must be there, and nothing of what was refused.
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
from typing import TYPE_CHECKING, Final, Self

from gate import BrokenError, Gate, counted
from processes import CommandError, served_process, trueline
from wire import asked
from writing import LABELS

if TYPE_CHECKING:
    from pathlib import Path

    from processes import Process

_LINES: Final = 2_000
"""Of a bulk request: enough that one is in the middle when the signal comes."""

_BULK, _ASKING = 3, 2
_EARLIEST, _LATEST = 0.3, 1.5
_NOTICE_SECONDS: Final = 2.0
"""In which a server that is told to stop goes on taking requests, in every other round."""
_END_SECONDS: Final = 120
_STOPPING: Final = b"The server is stopping"
_IN_USE: Final = "another process, most likely a running server, has"


@dataclass
class Written:
    """What requests add to a job."""

    events: int = 0
    voted: int = 0
    """Events that get a vote."""
    models: set[str] = field(default_factory=set)

    def __iadd__(self, more: Written) -> Self:
        """Add what another one adds."""
        self.events += more.events
        self.voted += more.voted
        self.models |= more.models
        return self


@dataclass
class Request:
    """One of them."""

    method: str
    path: str
    body: bytes
    adds: Written = field(default_factory=Written)


@dataclass
class Client:
    """Sends one request after the other, until it is refused."""

    number: int
    acknowledged: Written = field(default_factory=Written)
    in_doubt: Written = field(default_factory=Written)
    """Of a request whose connection ended without an answer."""
    answered_late: int = 0
    """Requests that were sent before the signal and answered after it."""
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
    acknowledged: Written = field(default_factory=Written)
    answered_late: int = 0
    refused: int = 0
    closed: int = 0
    red: list[float] = field(default_factory=list)
    """Seconds from the signal until `/readyz` said 503, in each round that it was asked in time."""
    ended: list[float] = field(default_factory=list)
    """Seconds from the signal until the process had ended."""

    def __str__(self) -> str:
        """The figures."""
        return (
            f"{self.rounds} second servers refused; {self.acknowledged.events} events acknowledged, votes on "
            f"{self.acknowledged.voted} and {len(self.acknowledged.models)} trainings, all there; "
            f"{self.answered_late} requests answered after the signal, {self.refused} refused, {self.closed} "
            f"connections closed before an answer; /readyz red in {len(self.red)} rounds, after "
            f"{1000 * max(self.red):.0f} ms at most, "
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
    job = 0
    clients: list[Client] = []
    for number in counted(rounds + 1):
        notice = _NOTICE_SECONDS if number % 2 == 0 else 0.0
        settings = {"TRUELINE_STOP_NOTICE_SECONDS": str(notice)}
        with served_process(folder / "data", settings) as (address, process):
            if number:
                count_again(address, key, job, clients)
            if number == rounds:
                break
            job = asked(address, key, "POST", "/api/v2/jobs", {"title": f"round {number}", "labels": LABELS})["job_id"]
            clients = [Client(each) for each in range(_BULK + _ASKING + 1)]
            _refuse_second(folder / "data")
            red = len(came.red)
            _write_until_stopped(address, key, job, clients, process, choose.uniform(_EARLIEST, _LATEST), came)
            if notice and len(came.red) == red:
                raise BrokenError(f"/readyz never said 503 in the {notice} s in which requests were still taken")
        came.rounds += 1
        for client in clients:
            came.acknowledged += client.acknowledged
            came.answered_late += client.answered_late
            came.refused += client.refused
            came.closed += client.closed
    return came


def _write_until_stopped(  # noqa: PLR0913, PLR0917 - a round has that many parts
    address: str,
    key: str,
    job: int,
    clients: list[Client],
    process: Process,
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
        BrokenError: it says that it is, or nothing while something is under way.
    """
    red: set[str] = set()
    while True:
        under_way = any(each.is_alive() for each in threads)
        fresh = http.client.HTTPConnection(address.removeprefix("http://"), timeout=60)
        for kind, connection in (("a kept connection", kept), ("a new connection", fresh)):
            sent = time.monotonic()
            try:
                with contextlib.closing(fresh) if connection is fresh else contextlib.nullcontext():
                    status = _ready(connection)
            except (OSError, http.client.HTTPException) as error:
                if under_way and not red:
                    raise BrokenError(f"/readyz is gone before it was red: {error!r}") from error
                return
            if status == HTTPStatus.SERVICE_UNAVAILABLE:
                if not red:
                    came.red.append(time.monotonic() - began)
                red.add(kind)
            elif red or sent > began + _SIGNAL_SECONDS:
                raise BrokenError(f"/readyz says {status} on {kind}, {sent - began:.3f} s after SIGTERM, red on {red}")
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
        request = _request(client, job, number)
        number += 1
        sent = time.monotonic()
        begun = False
        named = f"{request.method} {request.path}"
        headers = {"X-Arcanna-Api-Key": key, "Content-Type": "application/json"}
        try:
            connection.request(request.method, request.path, request.body, headers)
            answer = connection.getresponse()
            begun = True
            said = answer.read()
        except (OSError, http.client.HTTPException) as error:
            if begun:
                raise BrokenError(f"{named}: an answer broke off in the middle: {error!r}") from error
            if signalled.at is None:
                raise BrokenError(f"{named}: no answer, before the server was told to stop: {error!r}") from error
            if not isinstance(error, ConnectionRefusedError) and sent < signalled.at:
                raise BrokenError(f"{named}: sent before the signal, and never answered: {error!r}") from error
            client.closed += 1
            client.in_doubt += request.adds
            return
        finally:
            connection.close()
        if answer.status == HTTPStatus.SERVICE_UNAVAILABLE and _STOPPING in said and signalled.at is not None:
            if b"could not wait" in said:
                raise BrokenError(f"{named} was broken off: {said!r}")
            client.refused += 1
            return
        if answer.status not in {HTTPStatus.OK, HTTPStatus.CREATED}:
            raise BrokenError(f"{named} answered {answer.status}: {said[:500]!r}")
        _check(request, job, said)
        client.acknowledged += request.adds
        if signalled.at is not None and sent < signalled.at:
            client.answered_late += 1


def _request(client: Client, job: int, number: int) -> Request:
    if client.number < _BULK:
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
        path = f"/api/v2/jobs/{job}/events/bulk"
        return Request("POST", path, "\n".join(lines).encode(), Written(events=size, voted=size))
    if client.number < _BULK + _ASKING:
        return Request("POST", f"/api/v2/jobs/{job}/report", b"{}")
    name = f"alone-{number // 3}"
    match number % 3:
        case 0:
            model = f"model {number}"
            body = json.dumps({"model_id": model}).encode()
            return Request("POST", f"/api/v2/jobs/{job}/models", body, Written(models={model}))
        case 1:
            body = json.dumps({"job_id": job, "raw_body": {"n": number}}).encode()
            return Request("POST", f"/api/v1/events/{name}", body, Written(events=1))
        case _:
            body = json.dumps({"feedback": LABELS[0]}).encode()
            return Request("PUT", f"/api/v1/events/{job}/{name}/feedback", body, Written(voted=1))


def _check(request: Request, job: int, said: bytes) -> None:
    body = json.loads(said)
    if request.path.endswith("/report"):
        if body.get("job_id") != job or not body.get("digest"):
            raise BrokenError(f"this is no report on job {job}: {said[:500]!r}")
    elif request.path.endswith("/bulk"):
        if (body["accepted"], body["rejected"]) != (request.adds.events, []):
            raise BrokenError(f"{request.adds.events} events were sent: {said[:500]!r}")
    elif request.path.endswith("/models") and {body["model_id"]} != request.adds.models:
        raise BrokenError(f"{request.adds.models} was recorded: {said[:500]!r}")


def count_again(address: str, key: str, job: int, clients: list[Client]) -> None:
    """Compare what is there after the end with what was acknowledged before it.

    Raises:
        BrokenError: something acknowledged is not there, or something that nobody sent.
    """
    acknowledged, in_doubt = Written(), Written()
    for client in clients:
        acknowledged += client.acknowledged
        in_doubt += client.in_doubt
    voted = [{"field": "arcanna.consensus", "operator": "exists"}]
    for what, filters, least, more in (
        ("events", [], acknowledged.events, in_doubt.events),
        ("events that were voted on", voted, acknowledged.voted, in_doubt.voted),
    ):
        question = {"job_ids": job, "filters": filters, "size": 0}
        there = asked(address, key, "POST", "/api/v2/events/query", question)["total_count"]
        if not least <= there <= least + more:
            raise BrokenError(f"{there} {what} are there; {least} were acknowledged, {more} are in doubt")
    models = set(asked(address, key, "POST", f"/api/v2/metrics/job?job_id={job}", {})["all_model_ids"])
    if not acknowledged.models <= models <= acknowledged.models | in_doubt.models:
        raise BrokenError(f"the models {models} are there; {acknowledged.models} were acknowledged")


def _run(folder: Path, count: int, seed: int) -> str:
    return str(stop_and_count(folder, count, seed))


GATE: Final = Gate(
    name="drained",
    promise="SIGTERM: what is under way is answered, /readyz turns red at once, nothing acknowledged is lost",
    full=50,
    unit="rounds",
    run=_run,
)
