"""Read your own writes: a question right after an acknowledgement, on the same connection or another, includes it.

Several clients at once, each with jobs of its own, so that what each must be told is known: all that it has had
acknowledged, and nothing else. After each write a client asks twice, once on the connection that it wrote on and once
on another, each time something else in turn. Its first question after an event may be about a field, a value or an
id that no earlier event had.
"""

from __future__ import annotations

import http.client
import json
import random
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from gate import BrokenError, Gate, counted
from oracle import JobTerms, Oracle, differences
from processes import served, trueline
from read_back import QUESTIONS, listing, wrong_events
from writing import LABELS, Client, Job, Request, tell_event

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CLIENTS: Final = 6
_EVENTS_A_CLIENT: Final = 16
_WRITES_A_JOB: Final = 20
_BUCKETS: Final = 5

Asked: TypeAlias = "Callable[[str, str, object], Any]"
"""A connection: method, path and body to what was answered."""
Question: TypeAlias = "Callable[[Job, Asked, random.Random], list[str]]"
"""Asks something, and tells what is wrong with the answer."""


class Writer(Client):
    """Writes one thing of any kind after the other to a job of its own."""

    def next(self, job: Job) -> Request:
        """What to write next; the first of a job is events, so that there is something to ask about."""
        if not job.known:
            return self.bulk(job, an_event=True)
        kinds = [self.bulk, self._changed, self._votes, self._decision, self._training]
        if not job.by_bucket:  # an event sent alone names no bucket
            kinds += [self._single, self._feedback]
        return self._choose.choice(kinds)(job)

    def _event(self, job: Job) -> tuple[str, dict[str, Any]]:
        name, line = super()._event(job)
        number = int(name.rpartition("-")[2]) % _EVENTS_A_CLIENT
        name = f"{self.number}-{number}"
        line["event_id"] = name
        if job.by_bucket:
            line["bucket_id"] = f"b{number % _BUCKETS}"
        line["raw_body"][f"seen_{next(job.sequence)}"] = self._choose.choice(["new", 1, True])
        return name, line

    def _changed(self, job: Job) -> Request:
        """An event that is there, with another document and another decision."""
        _, line = self._event(job)
        line["event_id"] = self._choose.choice(job.known)
        if job.by_bucket:
            line["bucket_id"] = f"b{int(line['event_id'].rpartition('-')[2]) % _BUCKETS}"
        line["decision"] = {"label": self._choose.choice(LABELS), "decided_at": job.moment()}

        return Request(
            "POST",
            f"/api/v2/jobs/{job.id}/events/bulk",
            json.dumps(line).encode(),
            lambda told: tell_event(told, line),
            lambda answer: None if (answer["accepted"], answer["replaced"]) == (1, 1) else "not a change",
        )

    def _decision(self, job: Job) -> Request:
        name = self._choose.choice(job.known)
        decision = {"label": self._choose.choice(LABELS), "decided_at": job.moment(), "confidence": 50.0}
        return Request(
            "PUT",
            f"/api/v2/events/{job.id}/{name}/decision",
            json.dumps(decision).encode(),
            lambda told: told.decide(name, **cast("Any", decision), arrived_at=1),
            lambda answer: None if answer == {"status": "updated"} else "not taken",
        )

    def _feedback(self, job: Job) -> Request:
        """A vote given now: later than all those that name their moment."""
        name, label, analyst = self._choose.choice(job.known), self._choose.choice(LABELS), f"now {next(job.sequence)}"
        return Request(
            "PUT",
            f"/api/v1/events/{job.id}/{name}/feedback",
            json.dumps({"feedback": label, "cortex_user": analyst}).encode(),
            lambda told: told.vote(analyst, label, arrived_at=_LATE + next(job.sequence), event_id=name),
            lambda answer: None if answer == {"status": "updated"} else "not taken",
        )


_LATE: Final = 1_790_000_000_000_000
"""Microseconds: after every moment that is named; the order of what is given now is all that counts."""


def _metrics(number: int) -> Question:
    question = QUESTIONS[number]

    def ask(job: Job, asked: Asked, _: random.Random) -> list[str]:
        query = f"job_id={job.id}&truth={question.get('truth', 'implicit')}"
        query += "".join(f"&{bound}_datetime={question[bound]}" for bound in ("start", "end") if bound in question)
        answer = asked("POST", f"/api/v2/metrics/job?{query}", {"filters": question.get("filters", [])})
        return differences(answer, job.told.metrics(**question))

    return ask


def _event(job: Job, asked: Asked, choose: random.Random) -> list[str]:
    """One event, and its document."""
    name = job.told.sent[-1].event_id if choose.random() < 0.5 else choose.choice(job.known)  # noqa: PLR2004
    answer = asked("GET", f"/api/v1/events/{job.id}/{name}", None)
    document = asked("GET", f"/api/v1/events/{job.id}/{name}/export", None)["arcanna_event"]
    latest = [sent for sent in job.told.sent if sent.event_id == name][-1]
    own = job.told.own_fields(latest)
    state = "bucket_state" if job.by_bucket else "knowledge_base_state"
    wanted = {
        "event_id": name,
        "status": own["arcanna.pipeline_status"],
        "result": own["arcanna.result"],
        "result_label": own["arcanna.result_label"],
        "confidence_score": own["arcanna.confidence_score"],
        state: own[f"arcanna.{state}"],
    }
    return differences({part: answer[part] for part in wanted}, wanted) + differences(document, latest.document)


def _listed(job: Job, asked: Asked, _: random.Random) -> list[str]:
    """All events of the job, with their own fields."""
    return wrong_events(asked("POST", "/api/v2/events/query", listing(job)), job)


def _counted(job: Job, asked: Asked, choose: random.Random) -> list[str]:
    """How many events pass a filter: on a field that only the last event has, or on what follows from votes."""
    last = job.told.sent[-1]
    filters: list[dict[str, Any]] = [
        {"field": list(last.document)[-1], "operator": "exists"},
        {"field": "n", "operator": "is", "value": last.document["n"]},
        {"field": "arcanna.consensus", "operator": "is", "value": choose.choice(LABELS)},
        {"field": "arcanna.result_label", "operator": "is", "value": choose.choice(LABELS)},
    ]
    chosen = choose.choice(filters)
    answer = asked("POST", "/api/v2/events/query", {"job_ids": job.id, "filters": [chosen], "count_results_only": True})
    latest = {sent.event_id: sent for sent in job.told.sent}.values()
    wanted = sum(job.told.passes(sent, chosen) for sent in latest)
    return [] if answer["total_count"] == wanted else [f"{answer['total_count']} pass {chosen} instead of {wanted}"]


def _report(job: Job, asked: Asked, _: random.Random) -> list[str]:
    policies = asked("POST", f"/api/v2/jobs/{job.id}/report", {})["policies"]
    wrong: list[str] = []
    for truth in ("implicit", "explicit"):
        wanted = job.told.metrics(truth=truth)
        shown = {name: wanted[name] for name in policies[truth]}
        wrong += differences(policies[truth], shown, truth)
    total, wanted_total = policies["reviewed"]["overall"]["total"]["events"], len(job.told.population())
    return wrong if total == wanted_total else [*wrong, f"{total} events instead of {wanted_total}"]


def _fields(job: Job, asked: Asked, _: random.Random) -> list[str]:
    answer = asked("POST", "/api/v2/filters/fields", {"job_ids": job.id})
    names = {each["field_name"] for each in answer}
    document = job.told.sent[-1].document
    wanted = {"host.name" if name == "host" else name for name, value in document.items() if value is not None}
    return [f"no field {name}" for name in sorted(wanted - names)]


ASKED: Final[dict[str, Question]] = {
    "metrics": _metrics(0),
    "an event": _event,
    "events looked for": _listed,
    "metrics, explicit": _metrics(1),
    "events counted by a filter": _counted,
    "metrics of a window": _metrics(2),
    "report": _report,
    "fields": _fields,
    "metrics by consensus": _metrics(3),
    "metrics by a number": _metrics(4),
    "metrics by knowledge base": _metrics(5),
}


@dataclass
class Read:
    """What came of it."""

    written: Counter[str] = field(default_factory=Counter)
    asked: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        """The figures."""
        return (
            f"{self.written.total()} writes acknowledged, {self.asked.total()} questions right after them "
            f"({', '.join(f'{count} {name}' for name, count in self.asked.items())}), "
            "half on the same connection and half on another: each answer included the write"
        )


def write_and_read(folder: Path, writes: int, seed: int) -> Read:
    """Have clients write so many times in all, and ask after each.

    Raises:
        BrokenError: an answer did not include what was acknowledged.
    """
    key = trueline("keys", "create", "gate", "--data", str(folder / "data"), folder=folder).strip()
    came = Read()
    stop = threading.Event()
    with served(folder / "data") as (address, _), ThreadPoolExecutor(CLIENTS) as pool:

        def work(number: int) -> Read:
            share = len(range(number, writes, CLIENTS))
            try:
                return _one_client(address, key, Writer(number, seed * 1_000 + number), share, stop)
            except BaseException:
                stop.set()
                raise

        for read in pool.map(work, range(CLIENTS)):
            came.written += read.written
            came.asked += read.asked
    return came


def _one_client(address: str, key: str, writer: Writer, writes: int, stop: threading.Event) -> Read:
    came = Read()
    choose = random.Random(writer.number)  # noqa: S311 - test data
    names = list(ASKED)
    turn = writer.number
    place = address.removeprefix("http://")
    with (
        closing(http.client.HTTPConnection(place, timeout=60)) as same,
        closing(http.client.HTTPConnection(place, timeout=60)) as other,
    ):
        job: Job | None = None
        for number in counted(writes, f" writes of client {writer.number + 1}"):
            if stop.is_set():
                break
            if job is None or number % _WRITES_A_JOB == 0:
                job = _new_job(
                    _asking(same, key),
                    f"{writer.number} {number}",
                    by_bucket=(number // _WRITES_A_JOB + writer.number) % 2 == 1,
                )
            request = writer.next(job)
            writer.pending = (job, request)
            writer.send(same, key)
            came.written[request.path.rsplit("/", 1)[-1]] += 1
            for connection in (same, other):
                name = names[turn % len(names)]
                turn += 1
                if wrong := ASKED[name](job, _asking(connection, key), choose):
                    where = "the same connection" if connection is same else "another connection"
                    raise BrokenError(
                        f"job {job.id}: {name} on {where}, right after {request.method} {request.path} "
                        f"with {request.body[:500]!r}: {'; '.join(wrong[:5])}"
                    )
                came.asked[name] += 1
    return came


def _asking(connection: http.client.HTTPConnection, key: str) -> Asked:
    def asked(method: str, path: str, body: object) -> Any:  # noqa: ANN401 - JSON
        headers = {"X-Arcanna-Api-Key": key, "Content-Type": "application/json"}
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        said = answer.read()
        if answer.status not in {HTTPStatus.OK, HTTPStatus.CREATED}:
            raise BrokenError(f"{method} {path} answered {answer.status}: {said[:500]!r}")
        return json.loads(said)

    return asked


def _new_job(asked: Asked, title: str, *, by_bucket: bool) -> Job:
    body = {"title": title, "labels": LABELS, "grouping": "bucket" if by_bucket else "event"}
    made = asked("POST", "/api/v2/jobs", body)
    return Job(made["job_id"], by_bucket, Oracle(JobTerms(LABELS, by_bucket=by_bucket)))


def _run(folder: Path, count: int, seed: int) -> str:
    return str(write_and_read(folder, count, seed))


GATE: Final = Gate(
    name="own_writes",
    promise="a question right after an acknowledgement, on the same connection or another, includes it",
    full=10_000,
    unit="writes",
    run=_run,
)
