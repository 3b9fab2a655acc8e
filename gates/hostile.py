"""Hostile documents through every way in: stored faithfully or refused by name, and nothing else suffers.

What is sent, and whether it is to be stored or for what it may be refused, `hostile_documents` and `hostile_files` say;
what filters find in it, the oracle.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import httpx

import plain_values
from gate import BrokenError, Gate
from hostile_documents import Judged, classics, judged, made_up, named
from hostile_files import write_files
from limited import LABELS, make_job
from oracle import JobTerms, Oracle
from parsers import oracle_equal
from processes import served, trueline

if TYPE_CHECKING:
    from pathlib import Path

_A_ROUND: Final = 120
"""Documents, each in a bulk request, and some in other ways too."""
_QUESTIONS: Final = 16
_QUESTIONS_AGAIN: Final = 4
"""Of each job after the restart."""
_TOLD_EVERY: Final = 10
"""Rounds after which it says how far it has come."""
_LARGE: Final = 15_000
"""Characters of a document that is only sent where `_MANY` are: a job of so many paths is slow to read back."""
_MANY: Final = 1_000
_DECIDED: Final = "2025-01-01T00:00:00Z"


@dataclass
class Told:
    """A job, what was sent to it, and what should be there."""

    job: int
    oracle: Oracle = field(default_factory=lambda: Oracle(JobTerms(LABELS)))
    documents: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass
class Came:
    """What came of it all."""

    stored: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    """By the reason that was named."""
    read_back: int = 0
    compared: int = 0
    """Filters whose answer was the oracle's."""
    imported: int = 0

    def __str__(self) -> str:
        """The figures."""
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in self.refused.most_common())
        return (
            f"{self.stored:,} sendings stored, {self.refused.total():,} refused by name ({reasons}), {self.read_back:,}"
            f" read back as they were sent, {self.compared:,} filters equal the oracle's, {self.imported} rows of files"
            " among them"
        )


class Sender:
    """Sends documents, and holds what comes of them against what should."""

    def __init__(self, client: httpx.Client, choose: random.Random, came: Came) -> None:
        self._client = client
        self._choose = choose
        self._came = came

    def ask(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - JSON
        """An answer that must be a good one.

        Raises:
            BrokenError: it is not.
        """
        answer = self._client.request(method, path, json=body)
        if answer.status_code not in {HTTPStatus.OK, HTTPStatus.CREATED}:
            shown = f"{method} {path} {json.dumps(body)[:300]}"
            raise BrokenError(f"{shown} answered {answer.status_code}: {answer.text[:500]}")
        return answer.json()

    def in_bulk(self, told: Told, named: dict[str, bytes]) -> None:
        """Send documents, and a good one before and after, in one request.

        Raises:
            BrokenError: a line was taken that should not be, or the other way round.
        """
        decision = b'"decision":{"label":"Drop","decided_at":"%b"}' % _DECIDED.encode()
        good = b'{"n":1}'
        sent = {f"before {len(told.documents)}": good, **named, f"after {len(told.documents)}": good}
        lines = [
            b'{"event_id":%b,"raw_body":%b,%b}' % (json.dumps(n).encode(), raw, decision) for n, raw in sent.items()
        ]
        answer = self._client.post(f"/api/v2/jobs/{told.job}/events/bulk", content=b"\n".join(lines))
        if answer.status_code != HTTPStatus.OK:
            raise BrokenError(
                f"a batch with {[*sent.values()]!r:.2000} answered {answer.status_code}: {answer.text[:500]}"
            )
        rejected = {each["line"]: each["error"] for each in answer.json()["rejected"]}
        for number, (name, raw) in enumerate(sent.items(), 1):
            self._judge(told, name, raw, rejected.get(number))
            if number not in rejected:
                told.oracle.decide(name, "Drop", arrived_at=1, decided_at=_DECIDED)

    def alone(self, told: Told, name: str, raw: bytes) -> None:
        """Send a document by itself, and decide on the event if it was taken.

        Raises:
            BrokenError: as in bulk.
        """
        body = b'{"job_id":%d,"raw_body":%b}' % (told.job, raw)
        answer = self._client.post(f"/api/v1/events/{name}", content=body)
        if answer.status_code not in {HTTPStatus.CREATED, HTTPStatus.UNPROCESSABLE_ENTITY}:
            raise BrokenError(f"{body!r:.1000} answered {answer.status_code}: {answer.text[:500]}")
        taken = answer.status_code == HTTPStatus.CREATED
        self._judge(told, name, raw, None if taken else json.dumps(answer.json()["detail"]))
        if taken:
            decision = {"label": "Escalate", "decided_at": "2025-01-02T00:00:00Z"}
            self.ask("PUT", f"/api/v2/events/{told.job}/{name}/decision", decision)
            told.oracle.decide(name, "Escalate", arrived_at=1, decided_at="2025-01-02T00:00:00Z")

    def _judge(self, told: Told, name: str, raw: bytes, error: str | None) -> None:
        wanted = judged(raw)
        if error is not None:
            self.refused(repr(raw), wanted, error)
            return
        if wanted.document is None:
            raise BrokenError(f"{raw!r:.1000} is taken, and should not be")
        self._came.stored += 1
        told.documents[name] = wanted.document
        told.oracle.event(name, wanted.document, arrived_at=1)

    def refused(self, shown: str, wanted: Judged, error: str) -> None:
        """Hold a refusal against what is to become of a document.

        Raises:
            BrokenError: it is to be stored, or the error names none of the reasons that there are.
        """
        if wanted.document is not None:
            raise BrokenError(f"{shown:.1000} is refused: {error!r}")
        reason = named(error)
        if reason is None or reason not in wanted.reasons:
            reasons = " or ".join(sorted(wanted.reasons))
            raise BrokenError(f"{shown:.1000} may be refused for {reasons}, and is for something else: {error!r:.1000}")
        self._came.refused[reason] += 1

    def read_back(self, told: Told) -> None:
        """Hold every document against what was sent.

        Raises:
            BrokenError: one is missing, or another.
        """
        found = self.ask("POST", "/api/v2/events/query", {"job_ids": told.job, "size": 1_000})
        if found["total_count"] != len(told.documents):
            raise BrokenError(f"{found['total_count']} events are there instead of {len(told.documents)}")
        for each in found["events"]:
            sent = told.documents.get(each["event_id"])
            if sent is None or not oracle_equal(each["raw_event"], sent):
                raise BrokenError(f"{sent!r:.1000} is read back as {each!r:.1000}")
        self._came.read_back += len(found["events"])
        for name in self._choose.sample(sorted(told.documents), min(3, len(told.documents))):
            answer = self._client.get(f"/api/v1/events/{told.job}/{name}/export")
            if not oracle_equal(answer.json().get("arcanna_event"), told.documents[name]):
                raise BrokenError(f"{told.documents[name]!r:.1000} is exported as {answer.text[:1000]}")

    def compare(self, told: Told, questions: int) -> None:
        """Hold what filters on paths of the documents find against the oracle.

        Raises:
            BrokenError: they find anything else.
        """
        paths = sorted({path for document in told.documents.values() for path in _paths_of(document)})
        values = [5, "5", "x", "", True, 1e20, 10**30, 2**53 + 1, "2025-01-01", "NaN", 0, -0.0, "\0", "\ufeff", "1e400"]
        for _ in range(questions):
            path, operator = self._choose.choice(paths), self._choose.choice(_OPERATORS)
            each: dict[str, Any] = {"field": path, "operator": operator}
            if operator.endswith("one of"):
                each["value"] = self._choose.sample(values, 3)
            elif operator in plain_values.ORDERS:
                each["value"] = self._choose.choice([0, 5, 1e20, 10**30, "2025-01-01"])
            elif not operator.endswith("exists"):
                each["value"] = self._choose.choice(values)
            asked = self.ask("POST", f"/api/v2/metrics/job?job_id={told.job}", {"filters": [each]})
            wanted = told.oracle.population(filters=[each])
            if asked["total_events"] != len(wanted):
                names = {sent.event_id for sent in wanted}
                listed = self.ask(
                    "POST", "/api/v2/events/query", {"job_ids": told.job, "size": 1_000, "filters": [each]}
                )
                odd = names ^ {event["event_id"] for event in listed["events"]}
                shown = {name: told.documents[name] for name in sorted(odd)[:2]}
                raise BrokenError(f"{each} finds {asked['total_events']} instead of {len(wanted)}; {shown!r:.2000}")
            self._came.compared += 1
        self.ask("POST", "/api/v2/events/query", {"job_ids": told.job, "sort_by_column": self._choose.choice(paths)})

    def ask_all(self, told: Told) -> None:
        """Everything else that reads documents answers, and nothing is to be corrected.

        Raises:
            BrokenError: something does not.
        """
        for path in ("fields", "fields_mapping"):
            self.ask("POST", f"/api/v2/filters/{path}", {"job_ids": told.job})
        self.ask("POST", f"/api/v2/jobs/{told.job}/report", {})
        rebuilt = self.ask("POST", f"/api/v2/jobs/{told.job}/rebuild")
        if rebuilt["corrected"]:
            raise BrokenError(f"something had to be corrected: {rebuilt}")


_OPERATORS: Final = sorted([*plain_values.POSITIVE, *plain_values.NEGATIONS])


def _paths_of(value: Any, path: str = "", *, outermost: bool = True) -> set[str]:  # noqa: ANN401 - JSON
    if isinstance(value, list):
        return {found for each in value for found in _paths_of(each, path, outermost=False)}
    if not isinstance(value, dict):
        return {path}
    paths = set() if outermost else {path}
    for key, member in list(value.items())[:50]:
        paths |= _paths_of(member, key if outermost else f"{path}.{key}", outermost=False)
    return paths


def send_round(sender: Sender, told: Told, documents: list[str]) -> None:
    """Send documents in every way, ask about them, and send some once more as others.

    Raises:
        BrokenError: the promise is broken.
    """
    raws = [document.replace("\n", " ").encode(errors="surrogatepass") for document in documents]
    sender.in_bulk(told, {f"bulk-{number}": raw for number, raw in enumerate(raws)})
    for number, raw in enumerate(raws[::15]):
        sender.alone(told, f"alone-{number}", raw)
    again = {f"bulk-{number}": raw for number, raw in enumerate(reversed(raws)) if number % 10 == 0}
    sender.in_bulk(told, {name: raw for name, raw in again.items() if name in told.documents})
    sender.read_back(told)
    sender.compare(told, _QUESTIONS)
    sender.ask_all(told)


_MERGE: Final = """
import sys
from pathlib import Path
from trueline.service.workspace import Workspace
from trueline.settings import Settings
with Workspace.open(Settings(data=Path(sys.argv[1]))) as opened:
    engine = opened._ledger.engine
    for name in opened._ledger._tables.names() + opened._ledger._tables.names_of_replaced():
        engine.command(f"OPTIMIZE TABLE {name} FINAL")
"""


def _run(folder: Path, count: int, seed_: int) -> str:
    choose, came = random.Random(seed_), Came()  # noqa: S311 - test data
    key = trueline("keys", "create", "gate", "--data", str(folder / "data"), folder=folder).strip()
    headers = {"X-Arcanna-Api-Key": key}
    jobs: list[Told] = []
    sent = 0
    with (
        served(folder / "data") as (address, _),
        httpx.Client(base_url=address, headers=headers, timeout=300) as client,
    ):
        sender = Sender(client, choose, came)
        while sent < count:
            documents = made_up(min(_A_ROUND, count - sent), seed_ * 1_000_000 + sent)
            if not jobs:
                documents += [each for each in classics() if len(each) < _LARGE or count >= _MANY]
            jobs.append(Told(make_job(client, f"hostile {len(jobs)}")))
            send_round(sender, jobs[-1], documents)
            sent += len(documents)
            if len(jobs) % _TOLD_EVERY == 0:
                print(f"  {sent:,} documents: {came}", flush=True)
        files = import_files(folder, address, key, sender)
        came.imported = sum(len(told.documents) for told in files)
    subprocess.run([sys.executable, "-c", _MERGE, str(folder / "data")], check=True, timeout=600)  # noqa: S603
    with (
        served(folder / "data") as (address, _),
        httpx.Client(base_url=address, headers=headers, timeout=300) as client,
    ):
        again = Came()
        sender = Sender(client, choose, again)
        for told in [*jobs, *files]:
            sender.read_back(told)
            sender.ask_all(told)
        for told in jobs:  # no event of the files is decided
            sender.compare(told, _QUESTIONS_AGAIN)
    return (
        f"{sent:,} documents: {came}; after merging and a restart, in all {len(jobs) + len(files)} jobs,"
        f" {again.read_back:,} documents and {again.compared:,} filters likewise"
    )


def import_files(folder: Path, address: str, key: str, sender: Sender) -> list[Told]:
    """Import hostile files in each format; what is in the jobs that they make.

    Raises:
        BrokenError: rows are lost, changed or refused that should not be, or for something else, or taken.
    """
    imported = []
    for kind, rows in write_files(folder).items():
        arguments = ("import", f"hostile.{kind}", "--job", f"hostile {kind}", "--create", "--labels", "Drop,Escalate")
        try:
            trueline(*arguments, "--server", address, "--key", key, folder=folder)
        except RuntimeError as error:  # rows were rejected, as some should be
            if "Traceback" in str(error):
                raise BrokenError(f"importing hostile.{kind}: {error}") from None
        jobs = [job["job_id"] for job in sender.ask("GET", "/api/v2/jobs") if job["title"] == f"hostile {kind}"]
        if not jobs:
            raise BrokenError(f"no job came of hostile.{kind}")
        documents = {f"hostile.{kind}:{number}": row.document for number, row in rows.items()}
        told = Told(jobs[0], documents={name: each for name, each in documents.items() if each is not None})
        sender.read_back(told)
        check_rejected(folder / f"hostile.{kind}.rejected.ndjson", rows, sender)
        sender.ask_all(told)
        imported.append(told)
    return imported


def check_rejected(path: Path, rows: dict[int, Judged], sender: Sender) -> None:
    """Hold the rows that an import rejected, as its file of them tells, against those that it should reject.

    Raises:
        BrokenError: some are not there or others are, or for something else.
    """
    told = [json.loads(line) for line in path.read_bytes().splitlines()] if path.exists() else []
    wanted = [number for number, row in rows.items() if row.document is None]
    if (numbers := sorted(each["line"] for each in told)) != wanted:
        raise BrokenError(f"{path.name} has the rows {numbers} instead of {wanted}")
    for each in told:
        sender.refused(f"row {each['line']} of {path.name}, {each['row']!r}", rows[each["line"]], each["error"])


GATE: Final = Gate(
    name="hostile",
    promise="hostile documents are stored faithfully or refused by name; no crash, no poisoned batch",
    full=10_000,
    unit="documents",
    run=_run,
)
