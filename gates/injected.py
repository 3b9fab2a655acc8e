"""Payloads wherever a client may put a text: none means more than its letters.

First all that reads, on a job that has payloads in its documents, against the oracle: afterwards stores and numbers
are as they were. Then all that writes: what comes back is what was sent, to the letter. Last, names of imported files.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from gate import BrokenError, Gate
from injected_reads import Reads
from injected_writes import Writes, bulk_lines, is_usable
from injection import AT, LABELS, Injection
from oracle import JobTerms, differences
from payloads import BASE, payloads
from processes import served, trueline
from settled import Settled
from wire import Wire

WRITTEN_TO: Final = (Path("/tmp/injected"),)  # noqa: S108 - as a payload has it
"""Files that payloads would have an engine write, beside those in the folder that the server works in."""
_AT_ONCE: Final = 25
"""So many go into one bulk request; and of so many one makes a job, which takes long."""
_MOST_NAME_BYTES: Final = 200


def inject(folder: Path, count: int, seed: int) -> str:
    """Send so many payloads; see the module. The figures.

    Raises:
        BrokenError: one of them meant more than its letters.
    """
    data = folder / "data"
    key = trueline("keys", "create", "gate", "--data", str(data), folder=folder).strip()
    with served(data) as (address, _), closing(Wire(address, key)) as wire:
        reads, writes = _begin(Injection(wire))
        files = _files(folder)
        before = _catalog(data), _numbers(reads)
        texts = list(payloads(count, seed))
        for number, text in enumerate(texts):
            reads.filtered(text, number)
            reads.placed(text, number)
        if (after := (_catalog(data), _numbers(reads))) != before:
            raise BrokenError(f"reads have written: {before} became {after}")
        for begin in range(0, count, _AT_ONCE):
            writes.written(texts[begin : begin + _AT_ONCE])
            writes.made(texts[begin])
        writes.compared()
        if new := _files(folder) - files:
            raise BrokenError(f"payloads have written {sorted(new)}")
        if _numbers(reads) != before[1]:
            raise BrokenError("what was written to other jobs changed the numbers of this one")
        names = _import(folder, address, key, reads.server)
    if faults := [line for line in _log(folder) if line.get("level") == "error"]:
        raise BrokenError(f"{len(faults)} faults in the log, the first: {faults[0]}")
    counted = ", ".join(f"{number} {name}" for name, number in sorted(reads.server.counted.items()))
    return f"{counted}, {names} names of files; no fault, no word of an engine, nothing written by what reads"


def _begin(server: Injection) -> tuple[Reads, Writes]:
    """A job that has each payload as a value in some document, as a key in another and as an id, and two empty ones."""
    jobs = [
        server.wire.ask("POST", "/api/v2/jobs", {"title": title, "labels": LABELS, "grouping": grouping}).json["job_id"]
        for title, grouping in (("asked", "event"), ("by event", "event"), ("by bucket", "bucket"))
    ]
    told = Settled(JobTerms(LABELS))
    lines: list[dict[str, Any]] = []
    for number, text in enumerate(BASE):
        decision = {"label": LABELS[number % 3], "decided_at": AT, "model_id": "m1"}
        usable = is_usable(text)
        document = {"p": text, "n": number} | ({text: "here"} if number % 3 == 0 else {})
        votes = [{"analyst": "ana", "label": LABELS[number % 2], "at": AT}] if number % 5 == 0 else []
        event_id = text if usable and number % 2 else f"e{number}"
        lines.append(
            {"event_id": event_id, "timestamp": AT, "raw_body": document, "decision": decision, "votes": votes}
        )
    taken = server.wire.ask("POST", f"/api/v2/jobs/{jobs[0]}/events/bulk", bulk_lines(lines)).json
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
    return Reads(server, jobs[0], told, len(told.sent)), Writes(server, jobs[1], jobs[2], in_buckets)


def _files(folder: Path) -> set[str]:
    """What is in the folder that the server works in, and what else payloads would have written, each as of when."""
    there = [path for path in WRITTEN_TO if path.exists()]
    return {each.name for each in folder.iterdir()} | {f"{path} of {path.stat().st_mtime_ns}" for path in there}


def _catalog(data: Path) -> list[str]:
    """All that the catalog has."""
    with closing(sqlite3.connect(data / "catalog.sqlite3")) as catalog:
        return list(catalog.iterdump())


def _numbers(reads: Reads) -> tuple[object, object]:
    """The numbers of the job that is only asked about, which have to be the oracle's, and which jobs there are.

    Raises:
        BrokenError: others.
    """
    answer = reads.server.expect(200, "POST", f"/api/v2/metrics/job?job_id={reads.job}").json
    if wrong := differences(answer, reads.told.metrics()):
        raise BrokenError("; ".join(wrong[:3]))
    reads.server.recount(reads.job)
    return answer, reads.server.expect(200, "GET", f"/api/v2/jobs/{reads.job}").json


def _import(folder: Path, address: str, key: str, server: Injection) -> int:
    """Import files of such names, an event each; how many there were."""
    here = folder / "files"
    here.mkdir()
    names: list[str] = []
    for text in BASE:
        name = f"{text}.csv"
        if "/" not in text and "\0" not in text and len(name.encode()) <= _MOST_NAME_BYTES and ".zip:" not in text:
            (here / name).write_text(f"verdict,p\nDrop,{len(names)}\n", encoding="utf-8")
            names.append(name)
    job = server.expect(201, "POST", "/api/v2/jobs", {"title": "imported", "labels": LABELS}).json["job_id"]
    beside = sorted(each.name for each in folder.iterdir())
    trueline(
        "import", *(f"./{name}" for name in names), "--job", str(job), "--format", "csv", "--decision", "verdict",
        "--server", address, "--key", key, folder=here,
    )  # fmt: skip
    found = server.expect(200, "POST", f"/api/v2/metrics/job?job_id={job}").json["total_events"]
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
