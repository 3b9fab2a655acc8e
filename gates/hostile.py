"""Hostile documents through every way in: stored faithfully or refused by name, and nothing else suffers.

What is sent, and whether it is to be stored, `hostile_documents` says; what filters find in it, the oracle.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import httpx

import plain_values
from gate import BrokenError, Gate
from hostile_documents import classics, made_up, readable
from limited import LABELS, make_job
from oracle import JobTerms, Oracle
from parsers import oracle_equal
from processes import served, trueline

if TYPE_CHECKING:
    from pathlib import Path

_A_ROUND: Final = 120
"""Documents, each in a bulk request, and some in other ways too."""
_QUESTIONS: Final = 16
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
    refused: int = 0
    read_back: int = 0
    compared: int = 0
    """Filters whose answer was the oracle's."""
    imported: int = 0

    def __str__(self) -> str:
        """The figures."""
        return (
            f"{self.stored:,} sendings stored, {self.refused:,} refused by name, {self.read_back:,} read back as they"
            f" were sent, {self.compared:,} filters equal the oracle's, {self.imported} rows of files as expected"
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
        document = readable(raw)
        if error is None and document is None:
            raise BrokenError(f"{raw!r:.1000} is taken, and should not be")
        if error is not None and (document is not None or not error):
            raise BrokenError(f"{raw!r:.1000} is refused: {error!r}")
        if document is None:
            self._came.refused += 1
            return
        self._came.stored += 1
        told.documents[name] = document
        told.oracle.event(name, document, arrived_at=1)

    def read_back(self, told: Told) -> None:
        """Hold every document against what was sent.

        Raises:
            BrokenError: one is missing, or another.
        """
        found = self.ask("POST", "/api/v2/events/query", {"job_ids": told.job, "size": 1_000})
        if found["total_count"] != len(told.documents):
            raise BrokenError(f"{found['total_count']} events are there instead of {len(told.documents)}")
        for each in found["events"]:
            sent = told.documents[each["event_id"]]
            if not oracle_equal(each["raw_event"], sent):
                raise BrokenError(f"{sent!r:.1000} is read back as {each['raw_event']!r:.1000}")
        self._came.read_back += len(found["events"])
        for name in self._choose.sample(sorted(told.documents), 3):
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
        import_files(folder, address, key, sender, came)
    subprocess.run([sys.executable, "-c", _MERGE, str(folder / "data")], check=True, timeout=600)  # noqa: S603
    with (
        served(folder / "data") as (address, _),
        httpx.Client(base_url=address, headers=headers, timeout=300) as client,
    ):
        sender = Sender(client, choose, came)
        for told in [jobs[0], *jobs[-2:]]:
            sender.read_back(told)
            sender.compare(told, _QUESTIONS)
            sender.ask_all(told)
    return f"{sent:,} documents: {came}, also after merging and a restart"


def import_files(folder: Path, address: str, key: str, sender: Sender, came: Came) -> None:
    """Import hostile files in each format.

    Raises:
        BrokenError: rows are lost, or refused that should not be.
    """
    raws = [each.replace("\n", " ").encode(errors="surrogatepass") for each in classics() if len(each) < 200_000]  # noqa: PLR2004
    raws = [raw for raw in raws if raw.strip()]
    (folder / "hostile.ndjson").write_bytes(b"\n".join(raws))
    (folder / "hostile.csv").write_bytes(_CSV)
    _write_parquet(folder / "hostile.parquet")
    wanted = {"ndjson": sum(readable(raw) is not None for raw in raws), "csv": 3, "parquet": 3}
    for kind, rows in wanted.items():
        arguments = ("import", f"hostile.{kind}", "--job", f"hostile {kind}", "--create", "--labels", "Drop,Escalate")
        try:
            trueline(*arguments, "--server", address, "--key", key, folder=folder)
        except RuntimeError as error:  # rows were rejected, as some should be
            if "Traceback" in str(error):
                raise BrokenError(f"importing hostile.{kind}: {error}") from None
        jobs = [job["job_id"] for job in sender.ask("GET", "/api/v2/jobs") if job["title"] == f"hostile {kind}"]
        if not jobs:
            raise BrokenError(f"no job came of hostile.{kind}")
        found = sender.ask("POST", "/api/v2/events/query", {"job_ids": jobs, "size": 1_000})["total_count"]
        if found != rows:
            raise BrokenError(f"of hostile.{kind} {found} rows are there instead of {rows}")
        came.imported += found
        sender.ask_all(Told(jobs[0]))


_CSV: Final = (
    b'__proto__,"a.b","quo""te",back\\slash,`tick`,"",\xef\xbb\xbfbom,"new\nline"\n'
    b'1,NaN,1e400,"x\0y",-0,99999999999999999999,2025-01-01,"a ""b"" c"\n'
    b",,,,,,,\n"
    b"\xff\xfe,not,utf8,,,,,\n"
    b"too,few\n"
    b"'; DROP TABLE events_1; --,{v:String},%(v)s,?,$1,\\N,null,true\n"
)


def _write_parquet(path: Path) -> None:
    import pyarrow as pa  # noqa: PLC0415 - only here
    import pyarrow.parquet as pq  # noqa: PLC0415

    pq.write_table(
        pa.table(
            {
                "__proto__": [1, None, 2**62],
                "": ["\0", "", "x"],
                "a.b": [0.5, None, -0.0],
                "a": [{"b": 1}, None, {"b": None}],
                "list": [[1, None], [], None],
                "`'\"\\": ["\u2028", "\U0001f600", "'"],
            }
        ),
        path,
    )


GATE: Final = Gate(
    name="hostile",
    promise="hostile documents are stored faithfully or refused by name; no crash, no poisoned batch",
    full=10_000,
    unit="documents",
    run=_run,
)
