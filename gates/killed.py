"""kill -9 at random moments, while clients ingest, vote and train at once: nothing acknowledged is lost.

A round: a server is started on the stores as the last kill left them; what was not acknowledged is sent again; the
numbers must be the oracle's, and so must each event be, with its document, decided or not; then eight clients write
until the server is killed. A job is written to for a few rounds, and is looked at once more after the last. What a
client says depends on no other client's order: every event has one sender, every vote and decision a moment of its own.
"""

from __future__ import annotations

import http.client
import itertools
import json
import random
import signal
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from gate import BrokenError, Gate, counted
from oracle import JobTerms, Oracle, differences
from processes import served_process, trueline
from read_back import listing, wrong_events

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

LABELS: Final = ("Drop", "Investigate", "Escalate")
INGESTING, VOTING = 5, 2
KINDS: Final = ("events", "an event alone", "votes", "a training")
_EVENTS_A_CLIENT: Final = 60
_ROUNDS_A_JOB: Final = 4
_BUCKETS: Final = 12
_LATEST_KILL: Final = 1.5
"""Seconds after the clients began."""
_TOLD_WITHIN: Final = 5.0
"""Seconds from a connection that breaks to what says that the server was killed, at most."""

_BEGIN = datetime(2025, 1, 1, tzinfo=UTC)
QUESTIONS: Final[tuple[dict[str, Any], ...]] = (
    {},
    {"truth": "explicit"},
    {"start": "2025-01-01T01:00:00Z", "end": "2025-01-01T03:30:00Z"},
    {"filters": [{"field": "arcanna.consensus", "operator": "exists"}]},
    {"filters": [{"field": "n", "operator": "gt", "value": 0.5}]},
    {"filters": [{"field": "arcanna.knowledge_base_state", "operator": "is one of", "value": ["new", "retrain"]}]},
)
ANSWERS: Final = len(QUESTIONS) + 1
"""That are compared of a job at a time."""


@dataclass
class Request:
    """One write, and what it says to the oracle."""

    method: str
    path: str
    body: bytes
    tell: Callable[[Oracle], None]
    check: Callable[[dict[str, Any]], str | None]
    """What is wrong with the answer; None where nothing is."""

    @property
    def kind(self) -> str:
        """What it writes: one of `KINDS`, or another by its path."""
        if self.path.startswith("/api/v1/"):
            return "an event alone"
        last = self.path.split("/", 5)[-1]
        return {"events/bulk": "events", "votes/bulk": "votes", "models": "a training"}.get(last, last)


@dataclass
class Job:
    """A job of some rounds, and all that was said of it."""

    id: int
    by_bucket: bool
    told: Oracle
    sequence: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    """Each vote's and decision's moment is its own."""
    known: list[str] = field(default_factory=list)
    """Events that were acknowledged, so that anybody may vote on them."""

    def moment(self) -> str:
        """A moment that nothing else happened at."""
        return (_BEGIN + timedelta(days=1, microseconds=next(self.sequence))).isoformat()


class Client:
    """Writes to one job or the other until the server is gone."""

    def __init__(self, number: int, seed: int) -> None:
        self.number = number
        self.pending: tuple[Job, Request] | None = None
        """What was sent and not acknowledged."""
        self.done: Counter[str] = Counter()
        self._choose = random.Random(seed)  # noqa: S311 - test data

    def write(self, address: str, key: str, jobs: list[Job], is_killed: threading.Event) -> None:
        """Write until the connection breaks; who has nothing to write about yet, until the server is killed.

        Raises:
            BrokenError: an answer is not what was promised, or there is none though the server was not killed.
        """
        connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=60)
        try:
            while True:
                job = self._choose.choice(jobs)
                if (request := self._next(job)) is None:
                    if is_killed.wait(0.002):
                        return
                    continue
                self.pending = (job, request)
                self.send(connection, key)
        except (OSError, http.client.HTTPException) as error:
            if not is_killed.wait(_TOLD_WITHIN):
                raise BrokenError(f"no answer from a server that was not killed: {error!r}") from error
        finally:
            connection.close()

    def send(self, connection: http.client.HTTPConnection, key: str) -> None:
        """Send what is pending, once more where it was sent before."""
        if self.pending is None:
            return
        job, request = self.pending
        connection.request(
            request.method,
            request.path,
            request.body,
            {"X-Arcanna-Api-Key": key, "Content-Type": "application/json"},
        )
        answer = connection.getresponse()
        said = answer.read()
        if not self.answered(answer.status, said):
            return
        if wrong := request.check(json.loads(said)):
            raise BrokenError(f"{request.method} {request.path}: {wrong}: {said[:500]!r}")
        request.tell(job.told)
        self.done[request.kind] += 1
        self.pending = None

    def answered(self, status: int, said: bytes) -> bool:
        """Whether an answer is the end of its request.

        Raises:
            BrokenError: no such answer was promised.
        """
        if status not in {HTTPStatus.OK, HTTPStatus.CREATED}:
            raise BrokenError(f"answered {status}: {said[:500]!r}")
        return True

    def _next(self, job: Job) -> Request | None:
        if self.number < INGESTING:
            return self._single(job) if self._choose.random() < 0.3 else self.bulk(job)  # noqa: PLR2004
        if not job.known:
            return None
        return self._votes(job) if self.number < INGESTING + VOTING else self._training(job)

    def _event(self, job: Job) -> tuple[str, dict[str, Any]]:
        choose = self._choose
        number = choose.randrange(_EVENTS_A_CLIENT)
        name = f"{self.number}-{number}"
        at = _BEGIN + timedelta(minutes=choose.randrange(300))
        return name, {
            "event_id": name,
            "timestamp": at.isoformat(),
            # an event stays in its bucket, so that it is the same bucket that is voted on in whatever order
            **({"bucket_id": f"b{(self.number * _EVENTS_A_CLIENT + number) % _BUCKETS}"} if job.by_bucket else {}),
            "raw_body": {"n": choose.random(), "host": {"name": choose.choice("xyz")}},
        }

    def bulk(self, job: Job, *, an_event: bool = False) -> Request:
        """Up to twenty lines, some of them no events; where it must be, the first one is."""
        choose = self._choose
        lines: list[dict[str, Any] | None] = []
        names: list[str] = []
        for _ in range(choose.randint(1, 20)):
            if (lines or not an_event) and choose.random() < 0.1:  # noqa: PLR2004 - a line that is no event
                lines.append(None)
                continue
            name, line = self._event(job)
            if choose.random() < 0.8:  # noqa: PLR2004
                line["decision"] = {"label": choose.choice(LABELS), "decided_at": job.moment()}
            if choose.random() < 0.3:  # noqa: PLR2004
                line["votes"] = [
                    {"analyst": f"client {self.number}", "label": choose.choice(LABELS), "at": job.moment()}
                ]
            lines.append(line)
            names.append(name)

        def tell(told: Oracle) -> None:
            for line in lines:
                if line is not None:
                    tell_event(told, line)
            job.known.extend(names)

        wrong = [place for place, line in enumerate(lines, 1) if line is None]
        return Request(
            "POST",
            f"/api/v2/jobs/{job.id}/events/bulk",
            "\n".join("{" if line is None else json.dumps(line) for line in lines).encode(),
            tell,
            lambda answer: wrong_bulk(answer, len(names), wrong),
        )

    def _single(self, job: Job) -> Request:
        name, line = self._event(job)
        # this route takes the moment from the document, and the bucket's id from nowhere
        document = {**line["raw_body"], "@timestamp": line["timestamp"], "bucket": line.get("bucket_id")}
        if job.by_bucket:
            return self.bulk(job)

        def tell(told: Oracle) -> None:
            told.event(name, document, arrived_at=1)
            job.known.append(name)

        return Request(
            "POST",
            f"/api/v1/events/{name}",
            json.dumps({"job_id": job.id, "raw_body": document}).encode(),
            tell,
            lambda answer: None if answer["event_id"] == name else "another event",
        )

    def _votes(self, job: Job) -> Request:
        choose = self._choose
        votes = [
            {
                "event_id": choose.choice(job.known),
                "analyst": f"client {self.number}",
                "label": choose.choice([*LABELS, None]),
                "at": job.moment(),
                **({"override": True} if choose.random() < 0.1 else {}),  # noqa: PLR2004
            }
            for _ in range(choose.randint(1, 10))
        ]

        return votes_request(job, votes)

    def _training(self, job: Job) -> Request:
        choose = self._choose
        chosen = [{"event_id": each, "label": choose.choice(LABELS)} for each in job.known[:: choose.randint(1, 5)]]
        training = {"model_id": f"model {next(job.sequence)}", "trained_at": job.moment(), "training_set": chosen}

        def tell(told: Oracle) -> None:
            told.train(
                str(training["model_id"]),
                arrived_at=1,
                trained_at=str(training["trained_at"]),
                training_set=chosen,
            )

        return Request(
            "POST",
            f"/api/v2/jobs/{job.id}/models",
            json.dumps(training).encode(),
            tell,
            lambda answer: None if answer["model_id"] == training["model_id"] else "another model",
        )


def bulk_request(path: str, lines: Sequence[dict[str, Any]], tell: Callable[[Oracle], None]) -> Request:
    """The bulk request of some lines, all of which are to be taken."""
    return Request(
        "POST",
        path,
        "\n".join(map(json.dumps, lines)).encode(),
        tell,
        lambda answer: wrong_bulk(answer, len(lines), []),
    )


def votes_request(job: Job, votes: list[dict[str, Any]]) -> Request:
    """The bulk request of some votes, all of which are to be taken."""

    def tell(told: Oracle) -> None:
        for vote in votes:
            told.vote(
                vote["analyst"],
                vote["label"],
                arrived_at=1,
                event_id=vote["event_id"],
                at=vote["at"],
                override="override" in vote,
            )

    return bulk_request(f"/api/v2/jobs/{job.id}/votes/bulk", votes, tell)


def tell_event(told: Oracle, line: dict[str, Any]) -> None:
    """Say to the oracle what a line of the bulk route says."""
    told.event(
        line["event_id"],
        line["raw_body"],
        arrived_at=1,
        timestamp=line["timestamp"],
        bucket_id=line.get("bucket_id"),
    )
    if "decision" in line:
        told.decide(
            line["event_id"], line["decision"]["label"], arrived_at=1, decided_at=line["decision"]["decided_at"]
        )
    for vote in line.get("votes", []):
        told.vote(vote["analyst"], vote["label"], arrived_at=1, event_id=line["event_id"], at=vote["at"])


def wrong_bulk(answer: dict[str, Any], taken: int, wrong: list[int]) -> str | None:
    """What is wrong with the answer to a bulk request, of which so many lines are taken and those rejected."""
    rejected = [each["line"] for each in answer["rejected"]]
    if answer["accepted"] != taken or rejected != wrong:
        return f"{taken} lines should be accepted and {wrong} rejected"
    return None


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
            f"oracle's, and in the end {self.events} events with their documents: none lost, none twice"
        )


def kill_and_compare(folder: Path, rounds: int, seed: int) -> Killings:
    """Run so many rounds on stores in a folder.

    Raises:
        BrokenError: something acknowledged is lost, counted twice, or answered wrongly.
    """
    choose = random.Random(seed)  # noqa: S311 - test data
    key = trueline("keys", "create", "gate", "--data", str(folder / "data"), folder=folder).strip()
    came = Killings()
    clients = [Client(number, choose.randrange(2**32)) for number in range(INGESTING + VOTING + 1)]
    jobs: list[Job] = []
    earlier: list[Job] = []
    for number in counted(rounds + 1):
        with served_process(folder / "data") as (address, process):
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
    address: str, key: str, jobs: list[Job], clients: list[Client], process: subprocess.Popen[str], seconds: float
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


def new_job(address: str, key: str, *, by_bucket: bool) -> Job:
    """Make a job, and an oracle that knows of it."""
    title = f"job {time.monotonic_ns()}"
    body = {"title": title, "labels": LABELS, "grouping": "bucket" if by_bucket else "event"}
    made = asked(address, key, "POST", "/api/v2/jobs", body)
    return Job(made["job_id"], by_bucket, Oracle(JobTerms(LABELS, by_bucket=by_bucket)))


def compare(address: str, key: str, job: Job, *, rebuild: bool = True) -> int:
    """Ask all questions and for all events, and hold the answers against the oracle's; how many there were."""
    for question in QUESTIONS:
        query = f"job_id={job.id}&truth={question.get('truth', 'implicit')}"
        query += "".join(f"&{bound}_datetime={question[bound]}" for bound in ("start", "end") if bound in question)
        answer = asked(address, key, "POST", f"/api/v2/metrics/job?{query}", {"filters": question.get("filters", [])})
        if wrong := differences(answer, job.told.metrics(**question)):
            raise BrokenError(f"job {job.id}, {question}: {'; '.join(wrong[:5])}")
    if wrong := wrong_events(asked(address, key, "POST", "/api/v2/events/query", listing(job)), job):
        raise BrokenError(f"job {job.id}: {'; '.join(wrong[:5])}")
    if not rebuild:
        return ANSWERS
    rebuilt = asked(address, key, "POST", f"/api/v2/jobs/{job.id}/rebuild", None)
    if rebuilt["corrected"]:
        raise BrokenError(f"job {job.id}: what is kept beside events and votes differed from a recount: {rebuilt}")
    return ANSWERS


def asked(address: str, key: str, method: str, path: str, body: object) -> Any:  # noqa: ANN401 - JSON
    """What is answered.

    Raises:
        BrokenError: anything but success.
    """
    connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=60)
    headers = {"X-Arcanna-Api-Key": key, "Content-Type": "application/json"}
    connection.request(method, path, None if body is None else json.dumps(body), headers)
    answer = connection.getresponse()
    said = answer.read()
    connection.close()
    if answer.status not in {HTTPStatus.OK, HTTPStatus.CREATED}:
        raise BrokenError(f"{method} {path} answered {answer.status}: {said[:500]!r}")
    return json.loads(said)


def _run(folder: Path, count: int, seed: int) -> str:
    return str(kill_and_compare(folder, count, seed))


GATE: Final = Gate(
    name="killed",
    promise="kill -9 while 8 clients ingest, vote and train: nothing acknowledged is lost, nothing counted twice",
    full=200,
    unit="rounds",
    run=_run,
)
