"""Backups taken while clients write: what is restored is all that there was at one moment, of both stores.

Each writer takes one step after the other: events with decisions and votes, further votes, a training. Almost every
step leaves a mark that only it leaves, so that a restored store tells which steps are in it. They must be the first so
many of each writer; all that was acknowledged before the backup was asked for; none that began after it was taken; and
none without those that were acknowledged before it began. An oracle that is told just these must give the same metrics.
"""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import random
import shutil
import statistics
import threading
import time
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import httpx

from gate import BrokenError, Gate, counted
from oracle import Oracle, differences
from processes import served, trueline
from read_back import QUESTIONS
from trueline.cli.backup_file import write_backup
from trueline.cli.remote import RemoteTrueline
from trueline.service.restoring import restore
from trueline.settings import Settings
from wire import asked
from writing import LABELS, Job, Request, bulk_request, new_job, tell_event, votes_request

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from trueline.service.archive import Manifest

WRITERS: Final = 3
_TRAINER: Final = 0
"""The one writer that trains, so that the order of trainings is its own."""

_EARLIEST, _LATEST = 0.2, 1.0
"""Seconds that the writers have written when the backup is asked for."""


@dataclass
class Step:
    """One request of a writer."""

    job: Job
    request: Request
    mark: tuple[str, str] | None
    """The event or the model that only this step makes; None where it makes none."""
    began: float
    ended: float


@dataclass
class Writer:
    """Writes one step after the other until told to stop."""

    number: int
    choose: random.Random
    steps: list[Step] = field(default_factory=list)
    own: dict[int, list[str]] = field(default_factory=dict)
    """Its events, by job."""

    def write(self, address: str, key: str, jobs: Sequence[Job], stop: threading.Event) -> None:
        """Write.

        Raises:
            BrokenError: an answer is not what was promised.
        """
        connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=60)
        with contextlib.closing(connection):
            self._write(connection, key, jobs, stop)

    def _write(
        self, connection: http.client.HTTPConnection, key: str, jobs: Sequence[Job], stop: threading.Event
    ) -> None:
        for number in itertools.count():
            if stop.is_set():
                break
            job = self.choose.choice(jobs)
            mark, request = self._next(job, number)
            began = time.monotonic()
            headers = {"X-Arcanna-Api-Key": key, "Content-Type": "application/json"}
            connection.request(request.method, request.path, request.body, headers)
            answer = connection.getresponse()
            said = answer.read()
            if answer.status not in {HTTPStatus.OK, HTTPStatus.CREATED}:
                raise BrokenError(f"{request.method} {request.path} answered {answer.status}: {said[:500]!r}")
            if wrong := request.check(json.loads(said)):
                raise BrokenError(f"{request.method} {request.path}: {wrong}: {said[:500]!r}")
            self.steps.append(Step(job, request, mark, began, time.monotonic()))

    def _next(self, job: Job, number: int) -> tuple[tuple[str, str] | None, Request]:
        own = self.own.setdefault(job.id, [])
        if number % 2 == 0 or not own:
            name = f"{self.number}-{number}"
            return ("event", name), self._bulk(job, name, own)
        if self.number == _TRAINER and self.choose.random() < 0.4:  # noqa: PLR2004
            model = f"model {number}"
            return ("model", model), self._training(job, model, own)
        return None, self._votes(job, own)

    def _bulk(self, job: Job, mark: str, own: list[str]) -> Request:
        choose = self.choose
        again = choose.sample(own, min(len(own), choose.randint(0, 4)))
        lines = [self._line(job, name) for name in [mark, *again]]
        own.append(mark)

        def tell(told: Oracle) -> None:
            for line in lines:
                tell_event(told, line)

        return bulk_request(f"/api/v2/jobs/{job.id}/events/bulk", lines, tell)

    def _line(self, job: Job, name: str) -> dict[str, Any]:
        choose = self.choose
        return {
            "event_id": name,
            "timestamp": f"2025-01-01T0{choose.randrange(5)}:{choose.randrange(60):02}:00Z",
            # an event stays in its bucket, which has no other writer's events
            **({"bucket_id": f"b{self.number}-{sum(name.encode()) % 5}"} if job.by_bucket else {}),
            "raw_body": {"n": choose.random()},
            "decision": {"label": choose.choice(LABELS), "decided_at": job.moment()},
            "votes": [{"analyst": f"writer {self.number}", "label": choose.choice(LABELS), "at": job.moment()}]
            if choose.random() < 0.5  # noqa: PLR2004
            else [],
        }

    def _votes(self, job: Job, own: list[str]) -> Request:
        choose = self.choose
        votes = [
            {
                "event_id": choose.choice(own),
                "analyst": f"writer {self.number}",
                "label": choose.choice([*LABELS, None]),
                "at": job.moment(),
            }
            for _ in range(choose.randint(1, 5))
        ]

        return votes_request(job, votes)

    def _training(self, job: Job, model: str, own: list[str]) -> Request:
        chosen = [{"event_id": each, "label": self.choose.choice(LABELS)} for each in own[:: self.choose.randint(1, 3)]]
        trained_at = job.moment()

        def tell(told: Oracle) -> None:
            told.train(model, arrived_at=1, trained_at=trained_at, training_set=chosen)

        return Request(
            "POST",
            f"/api/v2/jobs/{job.id}/models",
            json.dumps({"model_id": model, "trained_at": trained_at, "training_set": chosen}).encode(),
            tell,
            lambda answer: None if answer["model_id"] == model else "another model",
        )


@dataclass
class Taking:
    """When a backup was taken."""

    asked: float
    """All that was acknowledged before is in it."""
    taken: float
    """Nothing that began later is."""
    complete: float
    manifest: Manifest
    size: int


@dataclass
class Backups:
    """What came of the rounds."""

    restored: int = 0
    compared: int = 0
    """Answers that were the oracle's."""
    steps: int = 0
    left_out: int = 0
    """Steps that were acknowledged, and came after the moment."""
    held: list[float] = field(default_factory=list)
    """Seconds that writes waited, backup by backup."""

    def __str__(self) -> str:
        """The figures."""
        held = [1000 * each for each in self.held]
        return (
            f"{self.restored} backups restored, {self.steps} steps of {WRITERS} writers, {self.left_out} of them after "
            f"the moment; {self.compared} answers equal the oracle's; writes waited "
            f"{statistics.median(held):.0f} ms (median), {max(held):.0f} ms (most)"
        )


def back_up_and_compare(folder: Path, rounds: int, seed: int) -> Backups:
    """Take so many backups of a server on a folder while it is written to, and restore each.

    Raises:
        BrokenError: what was restored is not what there was at one moment.
    """
    choose = random.Random(seed)  # noqa: S311 - test data
    key = trueline("keys", "create", "gate", "--scopes", _SCOPES, "--data", str(folder / "data"), folder=folder).strip()
    came = Backups()
    with served(folder / "data") as (address, _):
        for number in counted(rounds):
            jobs = [new_job(address, key, by_bucket=by_bucket) for by_bucket in (False, True)]
            writers = [Writer(each, random.Random(choose.randrange(2**32))) for each in range(WRITERS)]  # noqa: S311
            file = folder / f"{number}.tar"
            taking = _write_and_back_up(address, key, jobs, writers, file, choose.uniform(_EARLIEST, _LATEST))
            restored = folder / f"restored {number}"
            restore(file, Settings(data=restored), copied=_unwatched)
            with served(restored) as (at, _):
                came.compared += compare_restored(at, key, jobs, writers, taking, came)
            came.restored += 1
            came.held.append(taking.manifest.writes_held_seconds)
            file.unlink()
            shutil.rmtree(restored)
    return came


_SCOPES: Final = (
    "admin:backup,read:job_metrics,read:event_query,read:resources,write:resources,write:events,"
    "write:event_feedback,execute:job_operations"
)


def _write_and_back_up(  # noqa: PLR0913, PLR0917 - a round has that many parts
    address: str, key: str, jobs: Sequence[Job], writers: Sequence[Writer], file: Path, seconds: float
) -> Taking:
    broken: list[Exception] = []
    stop = threading.Event()

    def work(writer: Writer) -> None:
        try:
            writer.write(address, key, jobs, stop)
        except Exception as error:  # noqa: BLE001 - raised below
            broken.append(error)

    threads = [threading.Thread(target=work, args=(writer,)) for writer in writers]
    for each in threads:
        each.start()
    try:
        time.sleep(seconds)
        taking = back_up(address, key, file)
        time.sleep(0.2)
    finally:
        stop.set()
        for each in threads:
            each.join()
    if broken:
        raise broken[0]
    return taking


def back_up(address: str, key: str, file: Path) -> Taking:
    """Take a backup through the server, as `trueline backup` does."""
    with httpx.Client(base_url=address, headers={"X-Arcanna-Api-Key": key}, timeout=60) as client:
        began = time.monotonic()
        with RemoteTrueline(client).backup() as stream:
            taken = time.monotonic()
            manifest = write_backup(stream, file)
        return Taking(began, taken, time.monotonic(), manifest, stream.size)


def compare_restored(  # noqa: PLR0913, PLR0917 - a round has that many parts
    address: str, key: str, jobs: Sequence[Job], writers: Sequence[Writer], taking: Taking, came: Backups
) -> int:
    """Find the steps that are there, and hold the metrics against those of an oracle that is told just these.

    Raises:
        BrokenError: no set of steps that may have been there at one moment explains what is.
    """
    there = {(job.id, *mark) for job in jobs for mark in _marks(address, key, job)}
    answers = {(job.id, at): _answer(address, key, job, question) for job in jobs for at, question in _QUESTIONS}
    candidates = [_numbers_of_steps(writer, there) for writer in writers]
    wrong = ""
    for numbers in itertools.product(*candidates):
        wrong = _not_of_one_moment(writers, numbers, taking) or _not_the_oracles(jobs, writers, numbers, answers)
        if not wrong:
            came.steps += sum(len(writer.steps) for writer in writers)
            came.left_out += sum(len(writer.steps) - number for writer, number in zip(writers, numbers, strict=True))
            break
    if wrong:
        raise BrokenError(f"of steps {candidates}: {wrong}")
    for job in jobs:
        rebuilt = asked(address, key, "POST", f"/api/v2/jobs/{job.id}/rebuild", None)
        if rebuilt["corrected"]:
            raise BrokenError(f"job {job.id}: what is kept beside events and votes differed from a recount: {rebuilt}")
    return len(answers)


_QUESTIONS: Final = tuple(enumerate(QUESTIONS))


def _marks(address: str, key: str, job: Job) -> Iterator[tuple[str, str]]:
    body = {"job_ids": job.id, "size": 1000, "decision_points_only": True}
    found = asked(address, key, "POST", "/api/v2/events/query", body)
    if found["total_count"] != len(found["events"]):
        raise AssertionError("a round has more events than a page")
    yield from (("event", each["event_id"]) for each in found["events"])
    yield from (
        ("model", each["model_id"]) for each in asked(address, key, "GET", f"/api/v2/jobs/{job.id}/models", None)
    )


def _answer(address: str, key: str, job: Job, question: dict[str, Any]) -> dict[str, Any]:
    query = f"job_id={job.id}&truth={question.get('truth', 'implicit')}"
    query += "".join(f"&{bound}_datetime={question[bound]}" for bound in ("start", "end") if bound in question)
    answer: dict[str, Any] = asked(
        address, key, "POST", f"/api/v2/metrics/job?{query}", {"filters": question.get("filters", [])}
    )
    return answer


def _numbers_of_steps(writer: Writer, there: set[tuple[int, str, str]]) -> list[int]:
    """How many of its first steps may be there, going by the marks.

    Raises:
        BrokenError: one is there without one before it.
    """
    marked = [number for number, step in enumerate(writer.steps) if step.mark is not None]
    found = [number for number in marked if (writer.steps[number].job.id, *(writer.steps[number].mark or ())) in there]
    if found != marked[: len(found)]:
        missing = min(set(marked[: len(found)]) - set(found))
        raise BrokenError(f"step {missing} of writer {writer.number} is missing, and later ones are there")
    first = found[-1] + 1 if found else 0
    last = marked[len(found)] if len(found) < len(marked) else len(writer.steps)
    return list(range(first, last + 1))


def _not_of_one_moment(writers: Sequence[Writer], numbers: Sequence[int], taking: Taking) -> str:
    """Why these first steps of the writers were never all there were; empty where they may have been."""
    there = [step for writer, number in zip(writers, numbers, strict=True) for step in writer.steps[:number]]
    missing = [step for writer, number in zip(writers, numbers, strict=True) for step in writer.steps[number:]]
    first_missing = min((step.ended for step in missing), default=float("inf"))
    last_there = max((step.began for step in there), default=float("-inf"))
    if first_missing < taking.asked:
        return "a step is missing that was acknowledged before the backup was asked for"
    if last_there > taking.taken:
        return "a step is there that began after the backup was taken"
    if first_missing < last_there:
        return "a step is there, and one is missing that was acknowledged before that one began"
    return ""


def _not_the_oracles(
    jobs: Sequence[Job],
    writers: Sequence[Writer],
    numbers: Sequence[int],
    answers: dict[tuple[int, int], dict[str, Any]],
) -> str:
    """Where the answers differ from those of an oracle that is told these first steps."""
    for job in jobs:
        told = Oracle(job.told.job)
        for writer, number in zip(writers, numbers, strict=True):
            for step in writer.steps[:number]:
                if step.job is job:
                    step.request.tell(told)
        for at, question in _QUESTIONS:
            if wrong := differences(answers[job.id, at], told.metrics(**question)):
                return f"{numbers}: job {job.id}, {question}: {'; '.join(wrong[:5])}"
    return ""


def _unwatched(_: int) -> None:
    pass


def _run(folder: Path, count: int, seed: int) -> str:
    return str(back_up_and_compare(folder, count, seed))


GATE: Final = Gate(
    name="backed_up",
    promise="a backup taken while clients write, restored, is all that there was at one moment",
    full=50,
    unit="backups",
    run=_run,
)
