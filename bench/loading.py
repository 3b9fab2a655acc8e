"""Filling a Trueline data folder over HTTP, as a sender of alerts would."""

from __future__ import annotations

import math
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from bodies import vote_bodies
from calling import Caller
from processes import CommandError, highest_resident_bytes, served, trueline
from stream import LABELS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from stream import Grouping, Stream

JOB: Final = "stream"
_SENDERS: Final = 2
"""Requests under way at once: while one is read and checked, the engine writes the other."""
_NDJSON: Final = "application/x-ndjson"


@dataclass(frozen=True, slots=True)
class Loaded:
    """What it took to take in a stream."""

    documents_a_second: float
    """From the first byte sent to the last answer, each durable when answered."""
    votes_a_second: float
    training_seconds: float
    resident_bytes: int
    """Of the server, at its highest."""


def new_key(data: Path) -> str:
    """A key that may do everything; needs no server."""
    return trueline("keys", "create", "bench", "--data", str(data), folder=data.parent).strip()


def load(stream: Stream, grouping: Grouping, bodies: Sequence[Path], data: Path) -> Loaded:
    """Make the job in a new folder and send it everything: events, votes, one training, later votes."""
    data.mkdir(parents=True)
    key = new_key(data)
    with served(data) as (address, process_id), Caller(address, key) as client:
        job = client.post(
            "/api/v2/jobs",
            {
                "title": JOB,
                "labels": list(LABELS),
                "grouping": grouping,
                "decision_points": ["rule.name", "host.name"],
            },
            expected=HTTPStatus.CREATED,
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
        client.post(f"{path}/models", {"model_id": "triage-2.1"}, expected=HTTPStatus.CREATED)
        trained = time.perf_counter()
        _vote(client, f"{path}/votes/bulk", vote_bodies(stream, grouping, after))
        return Loaded(rate, len(before) / (voted - started), trained - voted, highest_resident_bytes(process_id))


def send(
    client: Caller,
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
            _accepted(client.post(path, content, kind=_NDJSON))

    with ThreadPoolExecutor(_SENDERS) as senders:
        for sender in [senders.submit(work) for _ in range(_SENDERS)]:
            sender.result()
    return lines


def _vote(client: Caller, path: str, bodies: Iterable[bytes]) -> None:
    for body in bodies:
        _accepted(client.post(path, body, kind=_NDJSON))


def _accepted(answer: dict[str, Any]) -> None:
    if answer["rejected"]:
        raise CommandError(f"lines were rejected: {answer['rejected'][:3]}")
