"""A server that is sent more than it can write, asked more than it can answer, and kept waiting by slow clients.

Flood: a dozen clients send bulk requests without a pause, more of them than there is room for. Each is taken or
answered 429 with Retry-After; what was taken is there, once; memory stays within a bound; others are answered.
Slow questions: four clients ask what takes longer than the budget. Each is answered 503, and the processor of the
server is idle at once when they stop asking: the engine has let go of them. Others, who ask and write, share the
processors with them, but wait for none of them to end.
Slow clients: connections that are idle, and others that send a head or a body a byte a second. Others are answered as
before, and those that never come to an end are answered 408.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import itertools
import json
import os
import random
import resource
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from gate import BrokenError, Gate
from processes import resident_bytes, served, trueline
from timing import Timed

if TYPE_CHECKING:
    from collections.abc import Iterator

FLOODING: Final = 12
ASKING: Final = 4
LABELS: Final = ("Drop", "Investigate", "Escalate")
ROOM: Final = 8 * 2**20
MOST_MEMORY: Final = 512 * 2**20
"""Bytes that the flood may add to what is resident: the room many times over, and what the engine writes with."""
REQUEST_SECONDS: Final = 6.0
_LINES: Final = 250
_TEXT: Final = 4_000
"""Characters of one document: a bulk request is about a megabyte."""
_IDLE_SHARE: Final = 0.35
"""Of one core, that a server which nobody asks may use."""


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
        status, said, _ = self.sent(method, path, body)
        if status not in {HTTPStatus.OK, HTTPStatus.CREATED}:
            raise BrokenError(f"{method} {path} answered {status}: {str(said)[:300]}")
        return said

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """End the connection."""
        self._connection.close()


@dataclass
class Others:
    """What everybody else is answered meanwhile, and how fast."""

    times: dict[str, Timed] = field(default_factory=dict)

    def __str__(self) -> str:
        """Medians and the slowest."""
        return ", ".join(
            f"{kind} {times.median:.0f} ms (slowest {times.percentile(100):.0f})" for kind, times in self.times.items()
        )

    @property
    def median(self) -> dict[str, float]:
        """Milliseconds, by kind."""
        return {kind: times.median for kind, times in self.times.items()}


@contextlib.contextmanager
def _others(address: str, key: str, job: int) -> Iterator[Others]:
    """Ask and write what is cheap, as others would, until the block ends; each kind once at least."""
    others = Others()
    over = threading.Event()

    def work(kind: str, method: str, path: str, body: object) -> None:
        others.times[kind] = Timed()
        with Client(address, key) as client:
            for number in itertools.count():
                began = time.monotonic()
                client.well(method, path.replace("{n}", str(number)), body)
                others.times[kind].add(time.monotonic() - began)
                if over.wait(0.05):
                    break

    kinds: list[tuple[str, str, str, object]] = [
        ("metrics", "POST", f"/api/v2/metrics/job?job_id={job}", {}),
        ("health", "GET", "/api/v2/health", None),
        ("an event", "POST", "/api/v1/events/other-{n}", {"job_id": job, "raw_body": {"a": 1}}),
        ("a vote", "PUT", f"/api/v1/events/{job}/voted/feedback", {"feedback": "Drop"}),
    ]
    with ThreadPoolExecutor(len(kinds)) as pool:
        asked = [pool.submit(work, *kind) for kind in kinds]
        try:
            yield others
        finally:
            over.set()
        for each in asked:
            each.result()


def _body(seed: int) -> bytes:
    choose = random.Random(seed)  # noqa: S311 - test data
    text = f"{choose.getrandbits(4 * _TEXT):x}"
    return b"\n".join(
        json.dumps(
            {
                "event_id": f"{seed}-{line}",
                "raw_body": {"full_log": text[line:] + text[:line]},
                "decision": {"label": choose.choice(LABELS)},
            }
        ).encode()
        for line in range(_LINES)
    )


def flood(folder: Path, seconds: float, key: str) -> str:
    """Send more than can be written for so long.

    Raises:
        BrokenError: a promise is broken.
    """
    settings = {"TRUELINE_MAX_WAITING_BYTES": str(ROOM), "TRUELINE_MAX_BODY_BYTES": str(2 * 2**20)}
    with served(folder / "data", settings) as (address, process_id), Client(address, key) as client:
        job, other = _job(client), _job(client)
        client.well("POST", "/api/v1/events/voted", {"job_id": other, "raw_body": {}})
        client.well("POST", f"/api/v2/jobs/{job}/events/bulk", _body(0))
        before = resident_bytes(process_id)[0]
        answered: Counter[int] = Counter()
        seeds = itertools.count(1)
        until = time.monotonic() + seconds

        def press() -> int:
            taken = 0
            body = _body(next(seeds))
            with Client(address, key) as mine:
                while time.monotonic() < until or not taken:
                    status, said, waiting = mine.sent("POST", f"/api/v2/jobs/{job}/events/bulk", body)
                    answered[status] += 1
                    if status == HTTPStatus.OK:
                        taken += said["accepted"]
                        body = _body(next(seeds))
                    elif status != HTTPStatus.TOO_MANY_REQUESTS or not waiting.isdigit() or int(waiting) < 1:
                        raise BrokenError(f"a flood was answered {status}, Retry-After {waiting!r}: {str(said)[:300]}")
                    elif time.monotonic() >= until:
                        time.sleep(int(waiting))
            return taken

        with _others(address, key, other) as others, ThreadPoolExecutor(FLOODING) as pool:
            taken = sum(each.result() for each in [pool.submit(press) for _ in range(FLOODING)])
        grown = resident_bytes(process_id)[1] - before
        if grown > MOST_MEMORY:
            raise BrokenError(f"the flood took {grown / 2**20:.0f} MiB")
        if not answered[HTTPStatus.TOO_MANY_REQUESTS]:
            raise BrokenError(f"nothing was refused: {dict(answered)}")
        found = client.well("POST", f"/api/v2/metrics/job?job_id={job}", {})["total_events"]
        if found != taken + _LINES:
            raise BrokenError(f"{taken + _LINES} events were acknowledged and there are {found}")
    return (
        f"flood: {answered[200]} bulk requests taken, {answered[429]} answered 429, {taken} events all there; "
        f"{grown / 2**20:.0f} MiB more resident at the highest; meanwhile {others}"
    )


def slow_questions(folder: Path, documents: int, budget: float, key: str, tries: int = 3) -> str:
    """Ask what takes longer than the budget, and look at the processor once it is answered.

    Others are measured beside it and before, up to so many times: see `slow_clients`. They may take several times as
    long, since the processors are shared, but not half of the budget longer: whoever had to wait for a question to end
    would wait for half of it at the least, on average, and for several where they queue.

    Raises:
        BrokenError: a promise is broken.
    """
    settings = {"TRUELINE_QUERY_SECONDS": str(budget)}
    with served(folder / "data", settings) as (address, process_id), Client(address, key) as client:
        job, other = _job(client), _job(client)
        client.well("POST", "/api/v1/events/voted", {"job_id": other, "raw_body": {}})
        for seed in range(documents // _LINES):
            client.well("POST", f"/api/v2/jobs/{job}/events/bulk", _body(seed))
        filters = [{"field": "full_log", "operator": "not contains", "value": f"{n:x}nowhere"} for n in range(64)]
        _wait_until_idle(process_id)
        path = f"/api/v2/metrics/job?job_id={job}"
        slowest, asked = 0.0, 0
        slower: list[str] = []

        def ask() -> list[float]:
            times = []
            with Client(address, key) as mine:
                for _ in range(5):
                    began = time.monotonic()
                    status, said, waiting = mine.sent("POST", path, {"filters": filters})
                    times.append(time.monotonic() - began)
                    if status != HTTPStatus.SERVICE_UNAVAILABLE or not waiting.isdigit():
                        raise BrokenError(
                            f"a question of more than {budget} s was answered {status} after {times[-1]:.2f} s, "
                            f"Retry-After {waiting!r}: {str(said)[:300]}"
                        )
            return times

        for _ in range(tries):
            with _others(address, key, other) as before:
                time.sleep(1.0)
            with _others(address, key, other) as during, ThreadPoolExecutor(ASKING) as pool:
                for times in [pool.submit(ask) for _ in range(ASKING)]:
                    slowest, asked = max(slowest, *times.result()), asked + len(times.result())
            used = _processor(process_id, 1.0)
            slower = _slower("slow questions", during, before, times=1, spare=1_000 * budget / 2)
            if used > _IDLE_SHARE:
                slower.append(f"after the last 503 the server still used {used:.0%} of a core: questions go on")
            if not slower:
                break
    if slower:
        raise BrokenError("; ".join(slower))
    return (
        f"slow questions: {asked} stopped after {budget} s, the slowest answered 503 after {slowest:.2f} s, and right "
        f"after the last the server used {used:.0%} of a core; meanwhile {during}; without them {before}"
    )


def _processor(process_id: int, seconds: float) -> float:
    """The share of one core that a process uses for so long."""

    def ticks() -> int:
        after_name = Path(f"/proc/{process_id}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return int(after_name[11]) + int(after_name[12])  # user and system

    before, began = ticks(), time.monotonic()
    time.sleep(seconds)
    return (ticks() - before) / os.sysconf("SC_CLK_TCK") / (time.monotonic() - began)


def _wait_until_idle(process_id: int) -> None:
    """Until what was taken in is merged."""
    until = time.monotonic() + 120
    while _processor(process_id, 1.0) > _IDLE_SHARE / 2:
        if time.monotonic() > until:
            raise BrokenError("a server that nobody asks does not come to rest")


def slow_clients(folder: Path, connections: int, seconds: float, key: str, tries: int = 3) -> str:
    """Keep so many connections open on which nothing is asked, and two thirds as many that send a byte a second.

    Others are measured beside them and without, up to so many times: on a machine that is shared, a single time may be
    somebody else's doing.

    Raises:
        BrokenError: a promise is broken, and what is about times is so each time.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 2 * connections + 1_000)), hard))
    settings = {"TRUELINE_REQUEST_SECONDS": str(REQUEST_SECONDS)}
    slower: list[str] = []
    with served(folder / "data", settings) as (address, _), Client(address, key) as client:
        job = _job(client)
        client.well("POST", "/api/v1/events/voted", {"job_id": job, "raw_body": {}})
        with _others(address, key, job):
            time.sleep(min(seconds, 1.0))  # warm
        for _ in range(tries):
            with _others(address, key, job) as before:
                time.sleep(seconds)
            slow = SlowClients(address, key, connections)
            with slow.connected():
                with _others(address, key, job) as during:
                    time.sleep(seconds)
                late = slow.answers(REQUEST_SECONDS + 30)
            with _others(address, key, job) as after:
                time.sleep(seconds)
            if late != {HTTPStatus.REQUEST_TIMEOUT: slow.sending}:
                raise BrokenError(f"{slow.sending} connections that send a byte a second were answered {late}, not 408")
            slower = _slower("slow clients", during, before, after, times=1.5, spare=20)
            if not slower:
                break
    if slower:
        raise BrokenError("; ".join(slower))
    return (
        f"slow clients: {connections} idle connections and {slow.sending} that send a byte a second until they were "
        f"answered 408; meanwhile {during}; without them {before}"
    )


def _job(client: Client) -> int:
    """A new one."""
    job: int = client.well("POST", "/api/v2/jobs", {"title": f"job {time.monotonic_ns()}", "labels": LABELS})["job_id"]
    return job


def _slower(beside: str, during: Others, *without: Others, times: float, spare: float) -> list[str]:
    """What takes more than so many times as long beside something, plus so many milliseconds."""
    quiet = {kind: max(each.median[kind] for each in without) for kind in during.median}
    return [
        f"{kind} took {milliseconds:.0f} ms beside {beside}, {quiet[kind]:.0f} ms without"
        for kind, milliseconds in during.median.items()
        if milliseconds > times * quiet[kind] + spare
    ]


class SlowClients:
    """Connections from a thread of their own: so many idle ones, and a third as many each that send head and body."""

    def __init__(self, address: str, key: str, connections: int) -> None:
        host, _, port = address.removeprefix("http://").partition(":")
        self._to = (host, int(port))
        head = f"POST /api/v1/events HTTP/1.1\r\nHost: {host}\r\nX-Arcanna-Api-Key: {key}\r\n"
        sending = [
            (b"", head.encode()),
            (f"{head}Content-Length: 5000\r\n\r\n".encode(), b'{"job_id": 1' + b" " * 1_000),
        ] * (connections // 3)
        self.sending = len(sending)
        self._sent: list[tuple[bytes, bytes]] = [(b"", b"")] * connections + sending
        """By each: what at once, and what a byte a second."""
        self._statuses: Counter[int] = Counter()
        self._open, self._over = threading.Event(), threading.Event()

    @contextlib.contextmanager
    def connected(self) -> Iterator[None]:
        """All of them are connected in the block."""
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(lambda: asyncio.run(self._run()))
            try:
                if not self._open.wait(60):
                    raise BrokenError("not all connections were taken within a minute")
                yield
            finally:
                self._over.set()
            running.result()

    def answers(self, seconds: float) -> dict[int, int]:
        """Statuses that those which send were answered with, how many of each; waits so long for all."""
        until = time.monotonic() + seconds
        while self._statuses.total() < self.sending and time.monotonic() < until:
            time.sleep(0.1)
        return dict(self._statuses)

    async def _run(self) -> None:
        connected = [await asyncio.open_connection(*self._to) for _ in self._sent]
        tasks = [
            asyncio.create_task(self._one(reader, writer, *sent))
            for (reader, writer), sent in zip(connected, self._sent, strict=True)
        ]
        self._open.set()
        await asyncio.to_thread(self._over.wait)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for _, writer in connected:
            writer.close()

    async def _one(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, at_once: bytes, slowly: bytes
    ) -> None:
        writer.write(at_once)
        if not slowly:
            return
        answered = asyncio.ensure_future(reader.read(64))
        for byte in slowly:
            with contextlib.suppress(OSError):
                writer.write(bytes([byte]))
            if (await asyncio.wait([answered], timeout=1.0))[0]:
                break
        said = await answered
        self._statuses[int(said.split()[1]) if said.startswith(b"HTTP/1.1 ") else 0] += 1


def _run(folder: Path, count: int, seed: int) -> str:  # noqa: ARG001 - nothing here is by chance
    is_full = count >= 500  # noqa: PLR2004
    seconds = min(20.0, max(2.0, count / 50))
    key = trueline("keys", "create", "gate", "--data", str(folder / "data"), folder=folder).strip()
    return "; ".join(
        (
            flood(folder, seconds, key),
            slow_questions(folder, 20_000 if is_full else 10_000, 1.0 if is_full else 0.5, key),
            slow_clients(folder, count, min(seconds, REQUEST_SECONDS - 1), key),
        )
    )


GATE: Final = Gate(
    name="pressed",
    promise="more than can be written gets 429, long questions are stopped in the engine, slow clients change nothing",
    full=1_000,
    unit="idle connections",
    run=_run,
)
