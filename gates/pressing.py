"""What the parts of the gate `pressed` have in common: a client, what others are answered meanwhile, and documents."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import random
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, Self

from gate import BrokenError
from timing import Timed

if TYPE_CHECKING:
    from collections.abc import Iterator

LABELS: Final = ("Drop", "Investigate", "Escalate")
LINES: Final = 250
STOPPED: Final = "the query went over its time budget and was stopped"
TEXT: Final = 4_000
"""Characters of one document: so many lines are about a megabyte."""


class Client:
    """A connection of one's own with a key."""

    def __init__(self, address: str, key: str) -> None:
        self._connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=120)
        self._headers = {"X-Arcanna-Api-Key": key, "Content-Type": "application/json"}

    def sent(self, method: str, path: str, body: object = None) -> tuple[int, Any, str]:
        """Status, what was said, and when to try again."""
        raw = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        try:
            self._connection.request(method, path, raw, self._headers)
            answer = self._connection.getresponse()
        except ConnectionError:  # closed, as it was idle for long; sent again, a request changes nothing
            self._connection.close()
            self._connection.request(method, path, raw, self._headers)
            answer = self._connection.getresponse()
        said = answer.read()
        return answer.status, json.loads(said), answer.headers.get("Retry-After", "")

    def well(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - JSON
        """What was said; BrokenError where it did not go well."""
        return self.well_or_stopped(method, path, body, may_be_stopped=False)

    def well_or_stopped(self, method: str, path: str, body: object, *, may_be_stopped: bool) -> Any:  # noqa: ANN401
        """The same; None where it went over the budget, and may."""
        status, said, _ = self.sent(method, path, body)
        if may_be_stopped and (status, said.get("error")) == (HTTPStatus.SERVICE_UNAVAILABLE, STOPPED):
            return None
        if status not in {HTTPStatus.OK, HTTPStatus.CREATED}:
            raise BrokenError(f"{method} {path} answered {status}: {str(said)[:300]}")
        return said

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """End the connection."""
        self._connection.close()


def make_job(client: Client) -> int:
    """A new one."""
    job: int = client.well("POST", "/api/v2/jobs", {"title": f"job {time.monotonic_ns()}", "labels": LABELS})["job_id"]
    return job


@dataclass
class Others:
    """What everybody else is answered meanwhile, and how fast."""

    times: dict[str, Timed] = field(default_factory=dict)
    stopped: Counter[str] = field(default_factory=Counter)
    """How many of them took so long, of their own and for want of a processor, that they went over the budget."""

    def __str__(self) -> str:
        """Medians and the slowest."""
        return ", ".join(
            f"{kind} {times.median:.0f} ms (slowest {times.percentile(100):.0f}"
            f"{f', {self.stopped[kind]} of {len(times.times)} over the budget' if self.stopped[kind] else ''})"
            for kind, times in self.times.items()
        )

    @property
    def median(self) -> dict[str, float]:
        """Milliseconds, by kind."""
        return {kind: times.median for kind, times in self.times.items()}


@contextlib.contextmanager
def others_beside(address: str, key: str, job: int, another: str = "") -> Iterator[Others]:
    """Ask and write what is cheap, as others would, until the block ends; each kind once at least.

    With another key also what has its turn beside long questions. It has a budget too: what goes over that counts as
    long as it took.
    """
    others = Others()
    over = threading.Event()

    def work(mine: str, kind: str, method: str, path: str, body: object) -> None:
        others.times[kind] = Timed()
        with Client(address, mine) as client:
            for number in itertools.count():
                began = time.monotonic()
                numbered = path.replace("{n}", str(number))
                said = client.well_or_stopped(method, numbered, body, may_be_stopped=mine == another)
                others.stopped[kind] += said is None
                others.times[kind].add(time.monotonic() - began)
                if over.wait(0.05):
                    break

    metrics = f"/api/v2/metrics/job?job_id={job}"
    filters = [{"field": "a", "operator": "is", "value": 1}]
    kinds: list[tuple[str, str, str, str, object]] = [
        (key, "metrics", "POST", metrics, {}),
        (key, "health", "GET", "/api/v2/health", None),
        (key, "an event", "POST", "/api/v1/events/other-{n}", {"job_id": job, "raw_body": {"a": 1}}),
        (key, "a vote", "PUT", f"/api/v1/events/{job}/voted/feedback", {"feedback": "Drop"}),
    ]
    if another:
        kinds += [
            (another, "a filtered question", "POST", metrics, {"filters": filters}),
            (another, "a page of events", "POST", "/api/v2/events/query", {"job_ids": job, "size": 10}),
            (another, "a report", "POST", f"/api/v2/jobs/{job}/report", {}),
        ]
    with ThreadPoolExecutor(len(kinds)) as pool:
        asked = [pool.submit(work, *kind) for kind in kinds]
        try:
            yield others
        finally:
            over.set()
        for each in asked:
            each.result()


def slower(beside: str, during: Others, *without: Others, times: float, spare: float) -> list[str]:
    """What takes more than so many times as long beside something, plus so many milliseconds."""
    quiet = {kind: max(each.median[kind] for each in without) for kind in during.median}
    return [
        f"{kind} took {milliseconds:.0f} ms beside {beside}, {quiet[kind]:.0f} ms without"
        for kind, milliseconds in during.median.items()
        if milliseconds > times * quiet[kind] + spare
    ]


def body(seed: int, lines: int = LINES) -> bytes:
    choose = random.Random(seed)  # noqa: S311 - test data
    text = random_text(choose, TEXT)
    return b"\n".join(
        json.dumps(
            {
                "event_id": f"{seed}-{line}",
                "raw_body": {"full_log": f"{line} {text[line % TEXT :]}{text[: line % TEXT]}"},
                "decision": {"label": choose.choice(LABELS)},
            }
        ).encode()
        for line in range(lines)
    )


def random_text(choose: random.Random, characters: int) -> str:
    return f"{choose.getrandbits(4 * characters):0{characters}x}"
