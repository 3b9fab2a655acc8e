"""Events sent one by one by many clients at once, from a process of their own."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import math
import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from processes import CommandError
from stream import Stream
from timing import Timed

if TYPE_CHECKING:
    from collections.abc import Iterator

PATH: Final = "/api/v1/events"
CLIENTS: Final = 32
_DOCUMENTS: Final = 10_000
"""Different ones, sent over and over: each time an event of its own."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What it took to send them, each acknowledged before its client's next."""

    events_a_second: float
    p50_milliseconds: float
    p99_milliseconds: float


def send_singles(address: str, key: str, job_id: int, seconds: float, rate: float = math.inf) -> Sent:
    """Send for so long, as fast as they are answered or at no more than a rate, events a second.

    Raises:
        CommandError: one was not answered with 201.
    """
    # apart, so that clients that wait for their turn of one interpreter do not slow down who asks meanwhile
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_send, address, key, job_id, seconds, rate).result()


def _send(address: str, key: str, job_id: int, seconds: float, rate: float) -> Sent:
    bodies = [
        json.dumps({"job_id": job_id, "raw_body": json.loads(document)}).encode()
        for block in Stream(_DOCUMENTS, seed=1).blocks()
        for document in block.document
    ]
    headers = {"X-Arcanna-Api-Key": key, "Content-Type": "application/json"}
    times, waiting = Timed(), itertools.cycle(bodies)
    started = time.perf_counter()

    def work(turns: Iterator[float]) -> None:
        connection = http.client.HTTPConnection(address, timeout=60)
        with contextlib.closing(connection):
            for turn in turns:
                now = time.perf_counter()
                if max(turn, now) > started + seconds:
                    return
                time.sleep(max(turn - now, 0))
                times.add(_answered(connection, next(waiting), headers))

    with ThreadPoolExecutor(CLIENTS) as clients:
        for each in [clients.submit(work, _turns(started, number, rate)) for number in range(CLIENTS)]:
            each.result()
    return Sent(len(times.times) / (time.perf_counter() - started), times.median, times.percentile(99))


def _turns(started: float, number: int, rate: float) -> Iterator[float]:
    """When a client sends its next, its first one and all others shared out evenly among the clients."""
    return (started + place / rate for place in itertools.count(number, CLIENTS))


def _answered(connection: http.client.HTTPConnection, body: bytes, headers: dict[str, str]) -> float:
    started = time.perf_counter()
    connection.request("POST", PATH, body, headers)
    answer = connection.getresponse()
    said = answer.read()
    seconds = time.perf_counter() - started
    if answer.status != HTTPStatus.CREATED:
        raise CommandError(f"POST {PATH} answered {answer.status}: {said[:500]!r}")
    return seconds
