"""Payloads wherever a client may put a text: none means more than its letters.

First all that reads, on a job that has payloads in its documents, against the oracle: afterwards stores and numbers
are as they were. Then all that writes: what comes back is what was sent, to the letter. Last, names of imported files.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from gate import BrokenError, Gate
from oracle import JobTerms, Oracle, differences
from payloads import BASE, payloads
from plain_values import RefusedError, instant
from processes import served, trueline
from wire import Answer, Wire, part

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from oracle import Decision

LABELS: Final = ("Drop", "Investigate", "Escalate")
AT: Final = "2025-01-01T10:00:00Z"
ENGINES_WORDS: Final = re.compile(
    rb"DB::|Code: \d|sqlite3|SQLAlchemy|sqlalchemy|Traceback|clickhouse|chdb|pg8000|site-packages|\.py\b|"
    rb"SELECT .* FROM (events|votes|consensus)"
)
WRITTEN_TO: Final = (Path("/tmp/injected"),)  # noqa: S108 - as a payload has it
"""Files that payloads would have an engine write, beside those in the folder that the server works in."""
_FIRST_FAULT, _NOT_FOUND, _UNREADABLE = 500, 404, 422
_WELL = 200
_AT_ONCE = 25
"""So many go into one bulk request; and of so many one makes a job, which takes long."""
_SEARCHED_ONE_IN = 4
_MOST_NAME_BYTES = 200
_MOST_ID = 512


class Settled(Oracle):
    """To whom nothing more is told, so that what follows from it need not be worked out again for each question."""

    def settle(self) -> None:
        """Remember what is asked from now on."""
        self._decisions: dict[str, list[Decision]] = {}
        self._consensus: dict[str, tuple[str | None, int]] = {}

    def decisions_on(self, event_id: str) -> list[Decision]:
        if not hasattr(self, "_decisions"):
            return super().decisions_on(event_id)
        if event_id not in self._decisions:
            self._decisions[event_id] = super().decisions_on(event_id)
        return self._decisions[event_id]

    def consensus(self, subject: str, until: int | None = None) -> tuple[str | None, int]:
        if not hasattr(self, "_consensus") or until is not None:
            return super().consensus(subject, until)
        if subject not in self._consensus:
            self._consensus[subject] = super().consensus(subject)
        return self._consensus[subject]


@dataclass
class Injecting:
    """One server, a job to ask about, two to write to, and an oracle each of the first and of the one by bucket."""

    wire: Wire
    job: int
    told: Oracle
    events: int
    by_event: int
    by_bucket: int
    told_in_buckets: Settled
    kept: int = 0
    """Events of the job by event."""
    counted: Counter[str] = field(default_factory=Counter)

    def ask(self, method: str, path: str, body: object = None, **more: Any) -> Answer:  # noqa: ANN401 - see `Wire.ask`
        """Send a request.

        Raises:
            BrokenError: a fault, or a word of an engine.
        """
        answer = self.wire.ask(method, path, body, **more)
        self.counted["requests"] += 1
        if answer.status >= _FIRST_FAULT:
            raise BrokenError(f"{method} {path} {body!r} answered {answer.status}: {answer.body[:300]!r}")
        # where something went well, documents and titles are in the answer
        if answer.status >= 400 and (found := ENGINES_WORDS.search(answer.body)):  # noqa: PLR2004
            raise BrokenError(f"{method} {path} {body!r} answered with {found[0]!r}: {answer.body[:300]!r}")
        if any(name.lower() == "x-injected" for name, _ in answer.headers):
            raise BrokenError(f"{method} {path} {body!r}: a header was put into the answer")
        return answer

    def expect(self, status: int, method: str, path: str, body: object = None, **more: Any) -> Answer:  # noqa: ANN401
        """Send a request that has to be answered so.

        Raises:
            BrokenError: it was not.
        """
        answer = self.ask(method, path, body, **more)
        if answer.status != status:
            raise BrokenError(
                f"{method} {path} {body!r} answered {answer.status} instead of {status}: {answer.body[:300]!r}"
            )
        return answer

    # What reads

    def filtered(self, text: str, turn: int) -> None:
        """In a filter: the oracle's answer, or its refusal.

        Raises:
            BrokenError: another one.
        """
        asked = self._filters(text)
        question = asked[turn % len(asked)]
        path = f"/api/v2/metrics/job?job_id={self.job}"
        try:
            wanted = self.told.metrics(filters=[question])
        except RefusedError:
            self.expect(_UNREADABLE, "POST", path, {"filters": [question]})
            return
        answer = self.expect(200, "POST", path, {"filters": [question]}).json
        if wrong := differences(answer, wanted):
            raise BrokenError(f"{question}: {'; '.join(wrong[:3])}")
        self.counted["answers as the oracle's"] += 1
        if turn % _SEARCHED_ONE_IN == 0:
            found = self.expect(200, "POST", "/api/v2/events/query", {"job_ids": self.job, "filters": [question]}).json
            if found["total_count"] != wanted["total_events"]:
                raise BrokenError(f"{question}: {found['total_count']} found instead of {wanted['total_events']}")

    @staticmethod
    def _filters(text: str) -> list[dict[str, Any]]:
        return [
            {"field": "p", "operator": "is", "value": text},
            {"field": text, "operator": "exists"},
            {"field": text, "operator": "is not", "value": text},
            {"field": "p", "operator": "contains", "value": text},
            {"field": "p", "operator": "not starts with", "value": text},
            {"field": "arcanna.original_id", "operator": "is one of", "value": [text, "e2"]},
            {"field": "p", "operator": text, "value": text},
            {"field": "p", "operator": "gte", "value": text},
            {"field": text, "operator": "not contains", "value": "e"},
        ]

    def placed(self, text: str, turn: int) -> None:
        """In one of all other places that read.

        Raises:
            BrokenError: it found what is not there, or not what is there.
        """
        places = (self._dated, self._named, self._named_event, self._told_apart, self._headed)
        places[turn % len(places)](text, turn // len(places))

    def _dated(self, text: str, turn: int) -> None:
        if text == "" or instant(text) is not None or instant(text.strip()) is not None:
            return
        method, path, body = (
            ("POST", f"/api/v2/metrics/job?job_id={self.job}&start_datetime={part(text)}", None),
            ("POST", f"/api/v2/metrics/job?job_id={self.job}&end_datetime={part(text)}", None),
            ("POST", f"/api/v2/metrics/job?job_id={self.job}&truth={part(text)}", None),
            ("POST", f"/api/v2/jobs/{self.job}/report?as_of={part(text)}", None),
            ("POST", f"/api/v2/jobs/{self.job}/report?interval={part(text)}", None),
            ("POST", "/api/v2/events/query", {"job_ids": self.job, "start_date": text}),
            ("POST", "/api/v2/events/query", {"job_ids": self.job, "date_field": text}),
            ("POST", "/api/v2/events/query", {"job_ids": self.job, "sort_order": text}),
        )[turn % 8]
        self.expect(_UNREADABLE, method, path, body)

    def _named(self, text: str, turn: int) -> None:
        if text.strip().strip("/.") == "" or text.strip().isdigit():
            return
        method, path, body = (
            ("POST", f"/api/v2/metrics/job?job_id={part(text)}", None),
            ("POST", "/api/v1/jobs/get_by_name", {"job_name": text}),
            ("POST", "/api/v2/events/query", {"job_titles": text}),
            ("POST", "/api/v2/filters/fields_mapping", {"job_ids": text}),
            ("GET", f"/api/v2/metrics/model?job_id={self.job}&model_id={part(text)}", None),
            ("GET", f"/api/v2/jobs/{part(text)}", None),
            ("GET", f"/api/v2/jobs/{self.job}/audit/draws/{part(text)}", None),
            ("GET", f"/api/v2/resources?resource_type=job&title={part(text)}", None),
            ("GET", f"/api/v2/resources?resource_type={part(text)}", None),
        )[turn % 9]
        answer = self.ask(method, path, body)
        if answer.status not in {_NOT_FOUND, _UNREADABLE} and answer.body != b"[]":
            raise BrokenError(f"{method} {path} {body!r} answered {answer.status}: {answer.body[:300]!r}")

    def _named_event(self, text: str, turn: int) -> None:
        known = any(sent.event_id == text for sent in self.told.sent)
        if turn % 2:
            answer = self.ask("GET", f"/api/v1/events/{self.job}/{part(text)}")
            if known and "/" not in text and answer.json.get("event_id") != text:
                raise BrokenError(f"the event {text!r} was answered {answer.status}: {answer.body[:300]!r}")
            return
        found = self.expect(200, "POST", "/api/v2/events/query", {"job_ids": self.job, "event_ids": [text]}).json
        if found["total_count"] != known:
            raise BrokenError(f"{found['total_count']} events {text!r} instead of {int(known)}")

    def _told_apart(self, text: str, turn: int) -> None:
        path = f"/api/v2/jobs/{self.job}/report"
        if turn % 4 == 0:
            grouped = self.ask("POST", f"{path}?group_by={part(text)}")
            if grouped.status == _WELL and text:
                total = sum(map(_events_of, _groups(grouped.json["groups"])))
                if total != self.events:
                    raise BrokenError(f"grouped by {text!r} there are {total} events instead of {self.events}")
        elif turn % 4 == 1:
            answer = self.ask("POST", "/api/v2/events/query", {"job_ids": self.job, "sort_by_column": text, "size": 3})
            if answer.status == _WELL and answer.json["total_count"] != self.events:
                raise BrokenError(f"sorted by {text!r} there are {answer.json['total_count']} events")
        elif turn % 4 == 2:  # noqa: PLR2004
            self.ask("POST", f"{path}?also=models&first_model={part(text)}&second_model=m1")
        else:
            query = f"job_ids={self.job}&aggregation_time_interval={part(text)}"
            self.ask("POST", f"/api/v2/metrics/internal_metrics?{query}")

    def _headed(self, text: str, turn: int) -> None:
        names = ("X-Arcanna-Api-Key", "X-Request-Id", "Content-Type", "Accept", "Cookie", "Origin", "Host")
        name = names[turn % len(names)]
        try:
            answer = self.ask("GET", "/api/v2/token/scopes", headers={name: text.encode()})
        finally:
            self.wire.close()  # what is left of it may look like a request of its own
        if name == "X-Arcanna-Api-Key" and answer.status not in {400, 401}:
            raise BrokenError(f"the key {text!r} was answered {answer.status}")

    # What writes

    def written(self, texts: Sequence[str]) -> None:
        """As events' ids, buckets, keys and values of documents, and in what is said of them.

        Raises:
            BrokenError: one came back otherwise.
        """
        sent = {
            text: {
                "event_id": text,
                "raw_body": {"p": text, text: [text, {text: text}], "@timestamp": AT},
                "decision": {"label": "Drop", "decided_at": AT, "model_id": text},
                "votes": [{"analyst": text, "label": "Drop", "at": AT, "note": text}],
            }
            for text in texts
        }
        path = f"/api/v2/jobs/{self.by_event}/events/bulk"
        taken = self.expect(200, "POST", path, _lines(sent.values())).json
        refused = {texts[number] for number in self._refused(taken, texts)}
        kept = [text for text in texts if text not in refused]
        asked = {"job_ids": self.by_event, "event_ids": kept, "size": len(kept)}
        found = self.expect(200, "POST", "/api/v2/events/query", asked).json["events"] if kept else []
        came_back = {each["event_id"]: each["raw_event"] for each in found}
        for text in kept:
            if came_back.get(text) != sent[text]["raw_body"]:
                raise BrokenError(f"{sent[text]} came back as {came_back.get(text)}")
        self.counted["documents as they were sent"] += len(kept)
        self.counted["lines refused"] += len(refused)
        self.kept += len(kept)
        self._in_buckets(texts)
        text = texts[0]
        alone = {"job_id": self.by_bucket, "raw_body": {text: text}, "title": text, "severity": text}
        self.ask("POST", f"/api/v1/events/{part(text)}", alone)
        self.ask("PUT", f"/api/v1/events/{self.by_event}/e1/feedback", {"feedback": text, "closing_notes": text})

    @staticmethod
    def _refused(taken: dict[str, Any], texts: Sequence[str]) -> set[int]:
        """The numbers of lines that were refused, from 0, each of which has one of the texts.

        Raises:
            BrokenError: one was refused in words of an engine that are not the text's.
        """
        refused = {each["line"] - 1: each["error"] for each in taken["rejected"]}
        for number, error in refused.items():
            for word in ENGINES_WORDS.finditer(error.encode()):
                if word[0].decode() not in texts[number]:
                    raise BrokenError(f"a line with {texts[number]!r} was refused in an engine's words: {error!r}")
        return set(refused)

    @staticmethod
    def _only_unusable(refused: set[str]) -> None:
        """These texts were refused as names.

        Raises:
            BrokenError: one could be a name.
        """
        if usable := sorted(filter(_is_usable, refused)):
            raise BrokenError(f"{usable} were refused, and could be names")

    def _in_buckets(self, texts: Sequence[str]) -> None:
        self.counted["batches"] += 1
        decision = {"label": LABELS[self.counted["batches"] % 3], "decided_at": AT}
        lines = [
            {
                "event_id": f"{self.counted['batches']}-{number}",
                "timestamp": AT,
                "raw_body": {"p": text},
                "bucket_id": text,
                "decision": decision,
            }
            for number, text in enumerate(texts)
        ]
        taken = self.expect(200, "POST", f"/api/v2/jobs/{self.by_bucket}/events/bulk", _lines(lines)).json
        refused = self._refused(taken, texts)
        self._only_unusable({texts[number] for number in refused})
        told = self.told_in_buckets
        for line in (line for number, line in enumerate(lines) if number not in refused):
            name = str(line["event_id"])
            told.event(name, {"p": line["bucket_id"]}, arrived_at=1, timestamp=AT, bucket_id=str(line["bucket_id"]))
            told.decide(name, decision["label"], arrived_at=1, decided_at=AT)
        votes = [
            {"bucket_id": text, "analyst": text, "label": text if number % 3 == 0 else LABELS[number % 2], "at": AT}
            for number, text in enumerate(texts)
        ]
        taken = self.expect(200, "POST", f"/api/v2/jobs/{self.by_bucket}/votes/bulk", _lines(votes)).json
        refused = self._refused(taken, texts)
        unknown = {number for number, vote in enumerate(votes) if vote["label"] not in LABELS}
        if taken_as_label := unknown - refused:
            raise BrokenError(f"votes for {[texts[number] for number in taken_as_label]} were taken")
        self._only_unusable({texts[number] for number in refused - unknown})
        for vote in (vote for number, vote in enumerate(votes) if number not in refused):
            told.vote(vote["analyst"], vote["label"], arrived_at=1, bucket_id=vote["bucket_id"], at=AT)
        self.counted["votes on buckets"] += len(votes) - len(refused)

    def compared(self) -> None:
        """Hold what was written against what was taken, and against a recount.

        Raises:
            BrokenError: it is not the same.
        """
        whole = self.expect(200, "POST", f"/api/v2/metrics/job?job_id={self.by_event}").json
        if whole["total_events"] != self.kept:
            raise BrokenError(f"{self.kept} events were taken and {whole['total_events']} are counted")
        self.told_in_buckets.settle()
        in_buckets = self.expect(200, "POST", f"/api/v2/metrics/job?job_id={self.by_bucket}").json
        if wrong := differences(in_buckets, self.told_in_buckets.metrics()):
            raise BrokenError(f"in buckets: {'; '.join(wrong[:3])}")
        for job in (self.by_event, self.by_bucket):
            _rebuilt(self, job)

    def made(self, text: str) -> None:
        """As a job's title, labels and decision points, and as a model's id."""
        terms = {"title": text, "labels": [text, text + "2"], "decision_points": [text], "description": text}
        answer = self.ask("POST", "/api/v2/jobs", terms)
        if answer.status == 201:  # noqa: PLR2004
            job = answer.json
            if {name: job[name] for name in terms} != terms:
                raise BrokenError(f"{terms} came back as {job}")
            decision = {"label": text, "decided_at": AT}
            line = {"event_id": "a", "raw_body": {"p": text}, "decision": decision}
            path = f"/api/v2/jobs/{job['job_id']}"
            self.expect(200, "POST", f"{path}/events/bulk", json.dumps(line).encode())
            matrix = self.expect(200, "POST", f"/api/v2/metrics/job?job_id={part(text)}").json["confusion_matrix"]
            if matrix != [[1, 0], [0, 0]]:
                raise BrokenError(f"with the label {text!r} the matrix is {matrix}")
            model = self.ask("POST", f"{path}/models", {"model_id": text, "trained_at": AT})
            if model.status == 201 and model.json["model_id"] != text:  # noqa: PLR2004
                raise BrokenError(f"the model {text!r} came back as {model.json}")
            self.expect(200, "DELETE", f"/api/v2/resources?resource_type=job&id={job['job_id']}")
            self.counted["jobs made"] += 1
        resource = {"type": "job", "properties": {"title": text, "category": text}}
        self.ask("POST", f"/api/v2/resources?overwrite={part(text)}", {"resources": {text: resource}})


def _is_usable(text: str) -> bool:
    """Whether an event or a bucket may be named so."""
    return 0 < len(text) <= _MOST_ID and bool(text.strip()) and "\0" not in text


def _lines(lines: Iterable[object]) -> bytes:
    return "\n".join(map(json.dumps, lines)).encode()


def _groups(groups: dict[str, Any]) -> list[dict[str, Any]]:
    return [*groups["values"], groups["other_values"], groups["without_value"]]


def _events_of(group: dict[str, Any]) -> int:
    return int(group["policies"]["reviewed"]["overall"]["total"]["events"])


def inject(folder: Path, count: int, seed: int) -> str:
    """Send so many payloads; see the module. The figures.

    Raises:
        BrokenError: one of them meant more than its letters.
    """
    data = folder / "data"
    key = trueline("keys", "create", "gate", "--data", str(data), folder=folder).strip()
    with served(data) as (address, _), closing(Wire(address, key)) as wire:
        injecting = _begin(wire)
        files = _files(folder)
        before = _catalog(data), _numbers(injecting)
        texts = list(payloads(count, seed))
        for number, text in enumerate(texts):
            injecting.filtered(text, number)
            injecting.placed(text, number)
        if (after := (_catalog(data), _numbers(injecting))) != before:
            raise BrokenError(f"reads have written: {before} became {after}")
        for begin in range(0, count, _AT_ONCE):
            injecting.written(texts[begin : begin + _AT_ONCE])
            injecting.made(texts[begin])
        injecting.compared()
        if new := _files(folder) - files:
            raise BrokenError(f"payloads have written {sorted(new)}")
        if _numbers(injecting) != before[1]:
            raise BrokenError("what was written to other jobs changed the numbers of this one")
        names = _import(folder, address, key, injecting)
    if faults := [line for line in _log(folder) if line.get("level") == "error"]:
        raise BrokenError(f"{len(faults)} faults in the log, the first: {faults[0]}")
    counted = ", ".join(f"{number} {name}" for name, number in sorted(injecting.counted.items()))
    return f"{counted}, {names} names of files; no fault, no word of an engine, nothing written by what reads"


def _begin(wire: Wire) -> Injecting:
    """A job that has each payload as a value in some document, as a key in another and as an id, and two empty ones."""
    jobs = [
        wire.ask("POST", "/api/v2/jobs", {"title": title, "labels": LABELS, "grouping": grouping}).json["job_id"]
        for title, grouping in (("asked", "event"), ("by event", "event"), ("by bucket", "bucket"))
    ]
    told = Settled(JobTerms(LABELS))
    lines: list[dict[str, Any]] = []
    for number, text in enumerate(BASE):
        decision = {"label": LABELS[number % 3], "decided_at": AT, "model_id": "m1"}
        usable = _is_usable(text)
        document = {"p": text, "n": number} | ({text: "here"} if number % 3 == 0 else {})
        votes = [{"analyst": "ana", "label": LABELS[number % 2], "at": AT}] if number % 5 == 0 else []
        event_id = text if usable and number % 2 else f"e{number}"
        lines.append(
            {"event_id": event_id, "timestamp": AT, "raw_body": document, "decision": decision, "votes": votes}
        )
    taken = wire.ask("POST", f"/api/v2/jobs/{jobs[0]}/events/bulk", "\n".join(map(json.dumps, lines)).encode()).json
    refused = {each["line"] for each in taken["rejected"]}
    for number, line in enumerate(lines, 1):
        if number in refused:
            continue
        name = line["event_id"]
        told.event(name, line["raw_body"], arrived_at=1, timestamp=AT)
        told.decide(name, LABELS[(number - 1) % 3], arrived_at=1, decided_at=AT, model_id="m1")
        for vote in line["votes"]:
            told.vote("ana", vote["label"], arrived_at=1, event_id=name, at=AT)
    told.settle()
    in_buckets = Settled(JobTerms(LABELS, by_bucket=True))
    return Injecting(wire, jobs[0], told, len(told.sent), jobs[1], jobs[2], in_buckets)


def _files(folder: Path) -> set[str]:
    """What is in the folder that the server works in, and what else payloads would have written, each as of when."""
    there = [path for path in WRITTEN_TO if path.exists()]
    return {each.name for each in folder.iterdir()} | {f"{path} of {path.stat().st_mtime_ns}" for path in there}


def _catalog(data: Path) -> list[str]:
    """All that the catalog has."""
    with closing(sqlite3.connect(data / "catalog.sqlite3")) as catalog:
        return list(catalog.iterdump())


def _numbers(injecting: Injecting) -> tuple[object, object]:
    """The numbers of the job that is only asked about, which have to be the oracle's, and which jobs there are.

    Raises:
        BrokenError: others.
    """
    answer = injecting.expect(200, "POST", f"/api/v2/metrics/job?job_id={injecting.job}").json
    if wrong := differences(answer, injecting.told.metrics()):
        raise BrokenError("; ".join(wrong[:3]))
    _rebuilt(injecting, injecting.job)
    return answer, injecting.expect(200, "GET", f"/api/v2/jobs/{injecting.job}").json


def _rebuilt(injecting: Injecting, job: int) -> None:
    rebuilt = injecting.expect(200, "POST", f"/api/v2/jobs/{job}/rebuild").json
    if rebuilt["corrected"]:
        raise BrokenError(f"a recount of job {job} differs: {rebuilt}")


def _import(folder: Path, address: str, key: str, injecting: Injecting) -> int:
    """Import files of such names, an event each; how many there were."""
    here = folder / "files"
    here.mkdir()
    names: list[str] = []
    for text in BASE:
        name = f"{text}.csv"
        if "/" not in text and "\0" not in text and len(name.encode()) <= _MOST_NAME_BYTES and ".zip:" not in text:
            (here / name).write_text(f"verdict,p\nDrop,{len(names)}\n", encoding="utf-8")
            names.append(name)
    job = injecting.expect(201, "POST", "/api/v2/jobs", {"title": "imported", "labels": LABELS}).json["job_id"]
    beside = sorted(each.name for each in folder.iterdir())
    trueline(
        "import", *(f"./{name}" for name in names), "--job", str(job), "--format", "csv", "--decision", "verdict",
        "--server", address, "--key", key, folder=here,
    )  # fmt: skip
    found = injecting.expect(200, "POST", f"/api/v2/metrics/job?job_id={job}").json["total_events"]
    if found != len(names):
        raise BrokenError(f"{found} events out of {len(names)} files of one event each")
    if sorted(each.name for each in here.iterdir()) != sorted(names):
        raise BrokenError("an import left something behind or took something away")
    if sorted(each.name for each in folder.iterdir()) != beside:
        raise BrokenError("an import wrote outside its folder")
    return len(names)


def _log(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "server.log").read_text(encoding="utf-8").splitlines()]


GATE: Final = Gate(
    name="injected",
    promise="payloads wherever a text may stand: no fault, no engine's word, the oracle's counts, nothing written",
    full=5_000,
    unit="payloads",
    run=inject,
)
