"""Clients that write at once what a generator of their own chooses, and say to an oracle what was acknowledged.

What a client says depends on no other client's order: every event has one sender, every vote and decision a moment of
its own.
"""

from __future__ import annotations

import http.client
import itertools
import json
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from gate import BrokenError
from oracle import JobTerms, Oracle
from wire import asked

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator, Sequence

LABELS: Final = ("Drop", "Investigate", "Escalate")
INGESTING, VOTING = 5, 2
KINDS: Final = ("events", "an event alone", "votes", "a training")
_EVENTS_A_CLIENT: Final = 60
_BUCKETS: Final = 12
_TOLD_WITHIN: Final = 5.0
"""Seconds from a connection that breaks to what says that the server was killed, at most."""

_BEGIN = datetime(2025, 1, 1, tzinfo=UTC)


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


def new_job(address: str, key: str, *, by_bucket: bool) -> Job:
    """Make a job, and an oracle that knows of it."""
    title = f"job {time.monotonic_ns()}"
    body = {"title": title, "labels": LABELS, "grouping": "bucket" if by_bucket else "event"}
    made = asked(address, key, "POST", "/api/v2/jobs", body)
    return Job(made["job_id"], by_bucket, Oracle(JobTerms(LABELS, by_bucket=by_bucket)))
