"""Filling a Trueline data folder over HTTP, as a sender of alerts would."""

from __future__ import annotations

import math
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import httpx

from bodies import vote_bodies
from processes import CommandError, resident_bytes, served, trueline
from stream import LABELS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from stream import Grouping, Stream

JOB: Final = "stream"
_SENDERS: Final = 2
"""Requests under way at once: while one is read and checked, the engine writes the other."""
_NDJSON: Final = {"Content-Type": "application/x-ndjson"}


@dataclass(frozen=True, slots=True)
class Loaded:
    """What it took to take in a stream."""

    documents_a_second: float
    """From the first byte sent to the last answer, each durable when answered."""
    votes_a_second: float
    training_seconds: float
    resident_bytes: int
    """Of the server, at its highest."""


def new_client(address: str, key: str) -> httpx.Client:
    """A client with a key, its connections kept alive."""
    return httpx.Client(base_url=address, headers={"X-Arcanna-Api-Key": key}, timeout=300)


def new_key(data: Path) -> str:
    """A key that may do everything; needs no server."""
    return trueline("keys", "create", "bench", "--data", str(data), folder=data.parent).strip()


def load(stream: Stream, grouping: Grouping, bodies: Sequence[Path], data: Path) -> Loaded:
    """Make the job in a new folder and send it everything: events, votes, one training, later votes."""
    data.mkdir(parents=True)
    key = new_key(data)
    with served(data) as (address, process_id), new_client(address, key) as client:
        job = posted(
            client,
            "/api/v2/jobs",
            201,
            json={
                "title": JOB,
                "labels": list(LABELS),
                "grouping": grouping,
                "decision_points": ["rule.name", "host.name"],
            },
        )
        path = f"/api/v2/jobs/{job['job_id']}"
        started = time.perf_counter()
        send(client, f"{path}/events/bulk", bodies)
        rate = len(stream) / (time.perf_counter() - started)
        before, after = stream.votes(grouping)
        first_votes = list(vote_bodies(stream, grouping, before))
        started = time.perf_counter()
        _vote(client, f"{path}/votes/bulk", first_votes)
        voted = time.perf_counter()
        posted(client, f"{path}/models", 201, json={"model_id": "triage-2.1"})
        trained = time.perf_counter()
        _vote(client, f"{path}/votes/bulk", vote_bodies(stream, grouping, after))
        return Loaded(rate, len(before) / (voted - started), trained - voted, resident_bytes(process_id)[1])


def send(
    client: httpx.Client,
    path: str,
    bodies: Sequence[Path],
    lines_a_second: float = math.inf,
    seconds: float = math.inf,
) -> int:
    """Post bodies of events, two at a time; none earlier than its turn, none later than so many seconds.

    Returns:
        How many events were sent.

    Raises:
        CommandError: a line was rejected or a request refused.
    """
    started = time.perf_counter()
    lock, lines, waiting = threading.Lock(), 0, iter(bodies)

    def work() -> None:
        nonlocal lines
        while True:
            with lock:
                body = next(waiting, None)
                if body is None or time.perf_counter() > started + seconds:
                    return
                content = body.read_bytes()
                turn = started + lines / lines_a_second
                lines += content.count(b"\n")
            time.sleep(max(turn - time.perf_counter(), 0))
            _accepted(posted(client, path, 200, content=content, headers=_NDJSON))

    with ThreadPoolExecutor(_SENDERS) as senders:
        for sender in [senders.submit(work) for _ in range(_SENDERS)]:
            sender.result()
    return lines


def posted(client: httpx.Client, path: str, expected: int, **request: Any) -> dict[str, Any]:  # noqa: ANN401 - httpx's
    """Post, and return the answer.

    Raises:
        CommandError: it is not of the expected status.
    """
    response = client.post(path, **request)
    if response.status_code != expected:
        raise CommandError(f"POST {path} answered {response.status_code}: {response.text[:500]}")
    answer: dict[str, Any] = response.json()
    return answer


def _vote(client: httpx.Client, path: str, bodies: Iterable[bytes]) -> None:
    for body in bodies:
        _accepted(posted(client, path, 200, content=body, headers=_NDJSON))


def _accepted(answer: dict[str, Any]) -> None:
    if answer["rejected"]:
        raise CommandError(f"lines were rejected: {answer['rejected'][:3]}")
