"""Every limit, at it and one beyond it, sent to a server in a process of its own; and to one with other limits set.

At a limit the answer is a good one; beyond it, one that names the limit and what was wrong. Beyond the paths of a job
that are searched fast, documents are stored and counted, filters answer as the oracle does, and the job says so.
"""

from __future__ import annotations

import itertools
import json
import random
import statistics
import time
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import httpx

from gate import BrokenError, Gate
from oracle import JobTerms, Oracle
from processes import served, trueline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

LABELS: Final = ("Drop", "Escalate")
_PATHS_OF_A_DOCUMENT: Final = 10_000
_PATH_CHARACTERS: Final = 1_024
_PATHS_AN_EVENT: Final = 30
_GOOD: Final = {"field": "n", "operator": "exists"}
_ASKED: Final[tuple[dict[str, Any], ...]] = (
    {"operator": "exists"},
    {"operator": "not exists"},
    {"operator": "is", "value": "5"},
    {"operator": "is one of", "value": ["x", True, 2**70]},
    {"operator": "starts with", "value": "2"},
    {"operator": "gte", "value": 2},
    {"operator": "lt", "value": "2026-01-01"},
)


@dataclass(frozen=True)
class Limits:
    """The limits of a server that have a setting, by default as they are documented."""

    max_body_bytes: int = 32 * 1024 * 1024
    max_bulk_lines: int = 10_000
    max_filters: int = 64
    max_list_members: int = 10_000
    max_filter_text_bytes: int = 64 * 1024
    max_json_depth: int = 64
    max_job_paths: int = 2_048

    def settings(self) -> dict[str, str]:
        """Those that differ from the documented ones, by the names of the environment."""
        mine, documented = asdict(self), asdict(DOCUMENTED)
        return {f"TRUELINE_{name.upper()}": str(mine[name]) for name in mine if mine[name] != documented[name]}


DOCUMENTED: Final = Limits()
OTHERS: Final = Limits(
    max_body_bytes=1024 * 1024,
    max_bulk_lines=700,
    max_filters=5,
    max_list_members=90,
    max_filter_text_bytes=300,
    max_json_depth=20,
    max_job_paths=400,
)
"""All of them set otherwise."""


@dataclass(frozen=True)
class Edge:
    """A request at a limit, or one beyond it."""

    limit: str
    path: str
    body: bytes
    named: str = ""
    """What the answer must say; empty: the request is at the limit, and taken."""
    status: int = 422

    @property
    def is_beyond(self) -> bool:
        """Whether it is to be refused."""
        return bool(self.named)


def nested(depth: int) -> dict[str, Any]:
    """A document of objects and lists inside each other, so many in all."""
    value: Any = 1
    for level in range(depth - 1):
        value = [value] if level % 2 else {"d": value}
    return {"d": value}


def _line(document: dict[str, Any]) -> bytes:
    """Of a bulk request."""
    return json.dumps({"event_id": "edge", "raw_body": document}).encode()


def _sent(job: int) -> Callable[[dict[str, Any]], bytes]:
    """What makes a document the body of a request that sends it alone."""
    return lambda document: json.dumps({"job_id": job, "raw_body": document}).encode()


def edges(job: int, limits: Limits) -> Iterator[Edge]:
    """All of them, for a job of their own."""
    yield from edges_of_size(job, limits)
    yield from edges_of_depth(job, limits.max_json_depth)
    if limits == DOCUMENTED:
        yield from edges_of_documents(job)  # for which there is no setting


def edges_of_size(job: int, limits: Limits) -> Iterator[Edge]:
    """Those of bodies, lines, lists and texts."""
    most_bytes, most_lines, most_text = limits.max_body_bytes, limits.max_bulk_lines, limits.max_filter_text_bytes
    most_filters, most_members = limits.max_filters, limits.max_list_members
    metrics, bulk, one = f"/api/v2/metrics/job?job_id={job}", f"/api/v2/jobs/{job}/events/bulk", "/api/v1/events"
    query = "/api/v2/events/query"

    def filters(*asked: dict[str, Any]) -> bytes:
        return json.dumps({"filters": asked}, ensure_ascii=False).encode()

    sent = _sent(job)
    empty = sent({"t": ""})
    yield Edge("body", one, sent({"t": "x" * (most_bytes - len(empty))}))
    yield Edge("body", one, sent({"t": "x" * (most_bytes - len(empty) + 1)}), f"at most {most_bytes} bytes", 413)
    yield Edge("lines", bulk, b"\n".join([_line({})] * most_lines))
    named = f"at most {most_lines} lines, not {most_lines + 1}"
    yield Edge("lines", bulk, b"\n".join([_line({})] * (most_lines + 1)), named, 413)
    yield Edge("filters", metrics, filters(*[_GOOD] * most_filters))
    named = f"at most {most_filters} filters are taken, not {most_filters + 1}"
    yield Edge("filters", metrics, filters(*[_GOOD] * (most_filters + 1)), named)
    for operator in ("is one of", "is not one of"):
        asked = {"field": "n", "operator": operator}
        yield Edge("members", metrics, filters(asked | {"value": [*range(most_members)]}))
        named = f"filter 0: a list has at most {most_members} members, not {most_members + 1}"
        yield Edge("members", metrics, filters(asked | {"value": [*range(most_members + 1)]}), named)
    ids = [str(number) for number in range(most_members + 1)]
    yield Edge("members", query, json.dumps({"job_ids": job, "event_ids": ids[:most_members]}).encode())
    named = f"at most {most_members} event_ids are taken, not {most_members + 1}"
    yield Edge("members", query, json.dumps({"job_ids": job, "event_ids": ids}).encode(), named)
    for operator, text in itertools.product(("is", "contains", "starts with", "is not"), ("x", "\u00e9")):
        size = most_text // len(text.encode())
        asked = {"field": "n", "operator": operator}
        yield Edge("text", metrics, filters(asked | {"value": text * size}))
        named = f"filter 0: value is longer than {most_text} bytes"
        yield Edge("text", metrics, filters(asked | {"value": text * (size + 1)}), named)
    yield Edge("text", metrics, filters({"field": "x" * most_text, "operator": "exists"}))
    named = f"filter 0: field is longer than {most_text} bytes"
    yield Edge("text", metrics, filters({"field": "x" * (most_text + 1), "operator": "exists"}), named)


def edges_of_depth(job: int, most: int) -> Iterator[Edge]:
    """Those of documents, and of what else may be nested."""
    metrics, bulk, one = f"/api/v2/metrics/job?job_id={job}", f"/api/v2/jobs/{job}/events/bulk", "/api/v1/events"

    too_deep = f"nested more than {most} deep"
    for path, made in ((bulk, _line), (one, _sent(job))):
        yield Edge("depth", path, made(nested(most)))
        for depth in (most + 1, 200):
            yield Edge("depth", path, made(nested(depth)), too_deep)
        yield Edge("depth", path, made({"d": 1}).replace(b"1}", b"[" * 1_000 + b"]" * 1_000 + b"}"), "too deep")
    settings = {"title": f"depth {job}", "labels": LABELS}
    # the body, filters, the filter: a value so deep is refused as a value, one deeper as too deep
    for depth, named in ((most - 3, "filter 0"), (most - 2, too_deep)):
        value: Any = 1
        for _ in range(depth):
            value = [value]
        yield Edge("depth", metrics, json.dumps({"filters": [_GOOD | {"value": value}]}).encode(), named)
        if named == too_deep:
            yield Edge("depth", "/api/v2/events/query", json.dumps({"filters": [{"field": value}]}).encode(), too_deep)
            yield Edge("depth", "/api/v2/jobs", json.dumps(settings | {"x": [[value]]}).encode(), too_deep)


def edges_of_documents(job: int) -> Iterator[Edge]:
    """Those of the paths of one document."""
    bulk, one = f"/api/v2/jobs/{job}/events/bulk", "/api/v1/events"
    for path, made in ((bulk, _line), (one, _sent(job))):
        yield Edge("document", path, made({f"k{number}": 1 for number in range(_PATHS_OF_A_DOCUMENT)}))
        yield Edge(
            "document",
            path,
            made({f"k{number}": 1 for number in range(_PATHS_OF_A_DOCUMENT + 1)}),
            "more than 10000 distinct paths",
        )
        yield Edge("document", path, made({"k" * _PATH_CHARACTERS: 1}))
        yield Edge("document", path, made({"k" * (_PATH_CHARACTERS + 1): 1}), "longer than 1024 characters")


def send(client: httpx.Client, edge: Edge) -> None:
    """Send one, and hold the answer against what it should be.

    Raises:
        BrokenError: it is another.
    """
    answer = client.post(edge.path, content=edge.body, headers={"Content-Type": "application/json"})
    shown = f"{edge.limit}: {edge.path}, {edge.body[:100]!r}… answered {answer.status_code}: {answer.text[:300]}"
    if edge.path.endswith("/bulk") and answer.status_code == HTTPStatus.OK:
        rejected = answer.json()["rejected"]
        good = not rejected if not edge.is_beyond else len(rejected) == 1 and edge.named in rejected[0]["error"]
        good = good and edge.status != HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    elif edge.is_beyond:
        good = answer.status_code == edge.status and edge.named in answer.text
    else:
        good = answer.status_code in {HTTPStatus.OK, HTTPStatus.CREATED}
    if not good:
        raise BrokenError(f"{shown}; it should {f'say {edge.named!r}' if edge.is_beyond else 'be taken'}")


def make_job(client: httpx.Client, title: str) -> int:
    """A job's id."""
    answer = client.post("/api/v2/jobs", json={"title": title, "labels": LABELS})
    answer.raise_for_status()
    made: int = answer.json()["job_id"]
    return made


@dataclass
class Wide:
    """What came of a job with more paths than are searched fast."""

    paths: int
    events: int
    compared: int
    fast: float
    """Milliseconds, the median of questions about a path with a column."""
    slow: float
    """The same about one without."""


def overflow(client: httpx.Client, paths: int, copies: int, seed: int, limits: Limits = DOCUMENTED) -> Wide:
    """Send documents with so many distinct paths between them, and hold what filters find against the oracle.

    There must be 300 paths more than are searched fast, at the least.

    Raises:
        BrokenError: a document is refused, an answer is wrong, or the job does not say what is the case.
    """
    choose = random.Random(seed)  # noqa: S311 - test data
    job, told = make_job(client, f"wide {seed}"), Oracle(JobTerms(LABELS))
    most = limits.max_job_paths
    _expect_breadth(client, job, 0, most, others=False)
    lines = list(_wide_lines(paths, copies, choose, told))
    size = limits.max_bulk_lines // 4
    for begin in range(0, len(lines), size):
        batch = lines[begin : begin + size]
        answer = client.post(f"/api/v2/jobs/{job}/events/bulk", content=b"\n".join(batch))
        if answer.status_code != HTTPStatus.OK or answer.json()["accepted"] != len(batch):
            raise BrokenError(f"documents beyond {most} paths: {answer.status_code} {answer.text[:500]}")
    _expect_breadth(client, job, most, most, others=True)
    early, late = ([f"p{at}" for at in choose.sample(range(begin, begin + 300), 12)] for begin in (0, paths - 300))
    fast = _compare(client, job, told, copies, early)
    slow = _compare(client, job, told, copies, late)
    others = _compare(client, job, told, copies, ["n", "nowhere"])
    fields = {each["field_name"] for each in client.post("/api/v2/filters/fields", json={"job_ids": job}).json()}
    if missing := set(early) - fields:
        raise BrokenError(f"filters/fields does not name {sorted(missing)[:5]}")
    compared = len(fast) + len(slow) + len(others)
    return Wide(paths, len(lines), compared, 1_000 * statistics.median(fast), 1_000 * statistics.median(slow))


def _wide_lines(paths: int, copies: int, choose: random.Random, told: Oracle) -> Iterator[bytes]:
    """Lines of documents with paths of their own, each so many times under other ids; the first is told."""
    kinds: list[Any] = ["x", 5, 2.5, True, "5", "2025-01-01", [1, "a", None], {"in": 1}, 2**70, "", False, -3]
    moment = "2025-01-01T00:00:00Z"
    for number, begin in enumerate(range(0, paths, _PATHS_AN_EVENT)):
        end = min(begin + _PATHS_AN_EVENT, paths)
        document = {"n": number} | {f"p{at}": kinds[at % len(kinds)] for at in range(begin, end)}
        label = choose.choice(LABELS)
        told.event(f"{number}-0", document, arrived_at=1)
        told.decide(f"{number}-0", label, arrived_at=1, decided_at=moment)
        for copy in range(copies):
            line = {"event_id": f"{number}-{copy}", "raw_body": document}
            yield json.dumps(line | {"decision": {"label": label, "decided_at": moment}}).encode()


def _compare(client: httpx.Client, job: int, told: Oracle, copies: int, paths: list[str]) -> list[float]:
    """Hold every question about some paths against the oracle; the seconds that each took."""
    seconds = []
    for path, question in itertools.product(paths, _ASKED):
        each = {"field": path, **question}
        began = time.perf_counter()
        found = client.post("/api/v2/metrics/job", params={"job_id": job}, json={"filters": [each]}).json()
        seconds.append(time.perf_counter() - began)
        wanted = len(told.population(filters=[each])) * copies
        if found.get("total_events") != wanted:
            raise BrokenError(f"{each} finds {found.get('total_events', found)} events instead of {wanted}")
    return seconds


def _expect_breadth(client: httpx.Client, job: int, fast: int, most: int, *, others: bool) -> None:
    said = client.get(f"/api/v2/jobs/{job}").json()["document_paths"]
    good = (said["searched_fast"], said["at_most"], said["others_searched_slowly"]) == (fast, most, others)
    if not good or bool(said["note"]) != others:
        raise BrokenError(f"the job should say that {fast} paths are searched fast, others: {others}; it says {said}")


def sent_to_a_server(folder: Path, paths: int, seed: int, limits: Limits) -> tuple[list[Edge], Wide]:
    """Send all edges of a server with these limits, then documents of so many paths, then the edges once more.

    Raises:
        BrokenError: an answer is not the promised one.
    """
    key = trueline("keys", "create", "gate", "--data", str(folder / "data"), folder=folder).strip()
    with (
        served(folder / "data", limits.settings()) as (address, _),
        httpx.Client(base_url=address, headers={"X-Arcanna-Api-Key": key}, timeout=300) as client,
    ):
        sent = list(edges(make_job(client, f"edges {limits}"), limits))
        for edge in sent:
            send(client, edge)
        wide = overflow(client, max(paths, limits.max_job_paths + 300), 1 + paths // 300, seed, limits)
        for edge in edges(make_job(client, f"edges once more {limits}"), limits):  # nothing has broken anything
            if edge.limit != "body":
                send(client, edge)
    return sent, wide


def _run(folder: Path, paths: int, seed: int) -> str:
    sent, wide = sent_to_a_server(folder, paths, seed, DOCUMENTED)
    otherwise, _ = sent_to_a_server(folder, OTHERS.max_job_paths + 300, seed + 1, OTHERS)
    beyond = sum(edge.is_beyond for edge in sent)
    return (
        f"{len(sent) - beyond} requests at {len({edge.limit for edge in sent})} limits taken, {beyond} beyond them"
        f" refused by name; as many as have a setting once more with another one, {len(otherwise)} requests;"
        f" {wide.events:,} events of {wide.paths:,} distinct paths stored, {wide.compared} filters"
        f" equal the oracle's; one takes {wide.fast:.0f} ms on a path with a column and {wide.slow:.0f} ms on others"
    )


GATE: Final = Gate(
    name="limited",
    promise="every limit has its clear answer; beyond a job's fast paths all is stored, counted, found, and said",
    full=6_000,
    unit="distinct paths of a job",
    run=_run,
)
