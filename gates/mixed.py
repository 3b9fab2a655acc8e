"""Hours of mixed load on a store that does not grow: neither does the server's memory, its open files or its times.

Events come one by one and in bulk, votes and trainings are given, every kind of question is asked, each by a client of
its own at a modest pace, or as fast as it is answered where that is slower; how fast that was is told. So that a
growing store is not taken for a leak, jobs come and go: each is written to for a while, asked about a while longer,
and deleted. Every second the resident memory and the open files of the server are noted; the run is cut into windows
of a minute (a twelfth of a short run), each with its medians and the 99th percentile of each kind of request. The
first sixth is warm-up; of the rest the first third is held against the last, by the medians over their windows, and
what these differ by is taken for two thirds of what all of it changed by. What the engine keeps decompressed is kept
until there is more of it than is allowed, also of jobs that are gone, which takes hours of this load with what is
allowed by default: here so little is that it is full before the warm-up is over. The machine may be shared: beside the
load a fixed piece of work (a hash of 2 MiB) is timed, and times may drift by as much as that one's do, and a fifth
more.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import os
import random
import statistics
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from gate import BrokenError, Gate, NotRunError
from processes import resident_bytes, served, trueline
from timing import Timed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

LABELS: Final = ("Drop", "Investigate", "Escalate")
REFERENCE: Final = "reference"
WARM_UP: Final = 1 / 6
MOST_GROWTH: Final = 0.05
MOST_DRIFT: Final = 0.20
SHORTEST: Final = 600
"""Seconds of load from which on growth and drift are judged: before, caches and pools still fill."""

_WINDOW: Final = 60.0
_TURN: Final = 60.0
"""Seconds that a job is written to."""
_ALIVE: Final = 3
"""Jobs there are at once; the oldest is neither written to nor asked about, and is deleted next."""
_BULK: Final = 200
"""Events at once; seldom and many would be a dozen requests a minute, whose 99th percentile is the slowest."""
_WHOLE: Final = 3 / 2
"""How much more changes from the begin to the end than from the middle of the first third to that of the last."""
_SETTINGS: Final = {"TRUELINE_ENGINE_CACHE_BYTES": str(4 * 1024 * 1024)}
"""A minute of the load adds one or two MiB to what the engine keeps decompressed."""


@dataclass
class Window:
    """What was measured in a minute."""

    memory: list[int] = field(default_factory=list)
    """Bytes resident, a figure a second."""
    files: list[int] = field(default_factory=list)
    """Open files, likewise; see `_open_files`."""
    times: dict[str, Timed] = field(default_factory=dict)
    """By kind of request, and of the reference."""

    @property
    def resident(self) -> float:
        """The median of its bytes."""
        return statistics.median(self.memory)

    def __str__(self) -> str:
        """How it went, for whoever waits for the end."""
        slowest = max((times.percentile(99), kind) for kind, times in self.times.items() if kind != REFERENCE)
        return f"{self.resident / 2**20:.0f} MiB, {self.fewest_files} files, p99 {slowest[0]:.0f} ms ({slowest[1]})"

    @property
    def fewest_files(self) -> int:
        """The least: what is open all the time, whatever is merged or read now and then."""
        return min(self.files)


@dataclass
class Judged:
    """The first third after warm-up against the last."""

    growth: float
    """Of the memory after warm-up, as a share of what it was."""
    files: tuple[float, float]
    drift: dict[str, float]
    """Of each kind's 99th percentile after warm-up, as a share of what it was, beyond the reference's."""
    first: dict[str, float]
    """Milliseconds."""
    last: dict[str, float]

    @classmethod
    def of(cls, windows: Sequence[Window]) -> Judged:
        """Hold the thirds against each other."""
        warm = windows[round(len(windows) * WARM_UP) :]
        third = max(1, len(warm) // 3)
        first, last = warm[:third], warm[-third:]
        kinds = sorted(
            {kind for window in first for kind in window.times} & {kind for window in last for kind in window.times}
        )
        was = {kind: _p99(first, kind) for kind in kinds}
        now = {kind: _p99(last, kind) for kind in kinds}
        reference = max(1.0, now[REFERENCE] / was[REFERENCE])
        return cls(
            _WHOLE
            * (
                statistics.median(each.resident for each in last) / statistics.median(each.resident for each in first)
                - 1
            ),
            (
                statistics.median(each.fewest_files for each in first),
                statistics.median(each.fewest_files for each in last),
            ),
            {kind: _WHOLE * (now[kind] / was[kind] / reference - 1) for kind in kinds if kind != REFERENCE},
            was,
            now,
        )

    def wrong(self) -> list[str]:
        """What grew that must not."""
        found = []
        if self.growth >= MOST_GROWTH:
            found.append(f"resident memory grew by {self.growth:.1%}")
        if self.files[1] > self.files[0]:
            found.append(f"open files went from {self.files[0]:.0f} to {self.files[1]:.0f}")
        found += [f"p99 of {kind} drifted by {drift:.0%}" for kind, drift in self.drift.items() if drift >= MOST_DRIFT]
        return found

    def __str__(self) -> str:
        """The figures."""
        times = ", ".join(
            f"{kind} {self.first[kind]:.0f} to {self.last[kind]:.0f} ms" for kind in self.first if kind != REFERENCE
        )
        return (
            f"resident memory {self.growth:+.1%}; open files {self.files[0]:.0f} to {self.files[1]:.0f}; "
            f"p99 {times}; reference {self.first[REFERENCE]:.0f} to {self.last[REFERENCE]:.0f} ms; "
            f"largest drift beyond it {max(self.drift.values(), default=0):+.0%}"
        )


def _p99(windows: Sequence[Window], kind: str) -> float:
    return statistics.median(each.times[kind].percentile(99) for each in windows if kind in each.times)


class Load:
    """The jobs that come and go, and what is sent to them."""

    def __init__(self, address: str, key: str, seed: int) -> None:
        self._place = address.removeprefix("http://")
        self._headers = {"X-Arcanna-Api-Key": key, "Content-Type": "application/json"}
        self._seed = seed
        self.jobs: list[tuple[int, list[str]]] = []
        """Job and ids of events that are in it, the oldest first; the last is written to."""
        self._used: Counter[int] = Counter()
        """Requests under way about a job, which is not deleted before."""

    @contextlib.contextmanager
    def _use(self, choose: random.Random | None = None) -> Iterator[tuple[int, list[str]]]:
        """The job that is written to, or one that is asked about."""
        job, known = self.jobs[-1] if choose is None else choose.choice(self.jobs[-2:])
        self._used[job] += 1
        try:
            yield job, known
        finally:
            self._used[job] -= 1

    def connection(self) -> http.client.HTTPConnection:
        """One of a client's own."""
        return http.client.HTTPConnection(self._place, timeout=60)

    def asked(self, connection: http.client.HTTPConnection, method: str, path: str, body: object) -> Any:  # noqa: ANN401
        """Send a request and read its answer.

        Raises:
            BrokenError: it did not go well.
        """
        raw = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        connection.request(method, path, raw, self._headers)
        answer = connection.getresponse()
        said = answer.read()
        if answer.status not in {HTTPStatus.OK, HTTPStatus.CREATED}:
            raise BrokenError(f"{method} {path} answered {answer.status}: {said[:300]!r}")
        return json.loads(said)

    def turn(self, connection: http.client.HTTPConnection, _: random.Random, number: int) -> None:
        """A new job to write to, with something in it; the oldest goes."""
        body = {"title": f"mixed {number}", "labels": LABELS}
        job = self.asked(connection, "POST", "/api/v2/jobs", body)["job_id"]
        known: list[str] = []
        self._bulk_into(connection, job, known, random.Random(number), -1)  # noqa: S311 - test data
        self.jobs.append((job, known))
        if len(self.jobs) > _ALIVE:
            oldest, _known = self.jobs.pop(0)
            while self._used[oldest]:
                time.sleep(0.05)
            self.asked(connection, "DELETE", f"/api/v2/resources?resource_type=job&id={oldest}", None)

    def single(self, connection: http.client.HTTPConnection, choose: random.Random, number: int) -> None:
        """An event sent alone."""
        name = f"single-{number}"
        with self._use() as (job, known):
            self.asked(connection, "POST", f"/api/v1/events/{name}", {"job_id": job, "raw_body": _document(choose)})
            known.append(name)

    def bulk(self, connection: http.client.HTTPConnection, choose: random.Random, number: int) -> None:
        """Decided events."""
        with self._use() as (job, known):
            self._bulk_into(connection, job, known, choose, number)

    def _bulk_into(
        self, connection: http.client.HTTPConnection, job: int, known: list[str], choose: random.Random, number: int
    ) -> None:
        names = [f"bulk-{number}-{place}" for place in range(_BULK)]
        lines = [
            {
                "event_id": name,
                "raw_body": _document(choose),
                "decision": {"label": choose.choice(LABELS), "confidence": choose.randrange(100)},
            }
            for name in names
        ]
        body = "\n".join(map(json.dumps, lines)).encode()
        if self.asked(connection, "POST", f"/api/v2/jobs/{job}/events/bulk", body)["accepted"] != _BULK:
            raise BrokenError("a bulk request was not taken as a whole")
        known.extend(names)

    def votes(self, connection: http.client.HTTPConnection, choose: random.Random, number: int) -> None:
        """Votes of one analyst; now and then a training on what there is."""
        with self._use() as (job, known):
            if number % 100 == 99:  # noqa: PLR2004
                self.asked(connection, "POST", f"/api/v2/jobs/{job}/models", {})
                return
            votes = [
                {"event_id": choose.choice(known), "analyst": f"a{choose.randrange(9)}", "label": choose.choice(LABELS)}
                for _ in range(5)
            ]
            body = "\n".join(map(json.dumps, votes)).encode()
            self.asked(connection, "POST", f"/api/v2/jobs/{job}/votes/bulk", body)

    def metrics(self, connection: http.client.HTTPConnection, choose: random.Random, _: int) -> None:
        """The metrics of a job."""
        with self._use(choose) as (job, _known):
            self.asked(connection, "POST", f"/api/v2/metrics/job?job_id={job}", {})

    def filtered(self, connection: http.client.HTTPConnection, choose: random.Random, _: int) -> None:
        """The metrics of some of its events."""
        filters = [{"field": "host.name", "operator": "is", "value": choose.choice(_HOSTS)}]
        with self._use(choose) as (job, _known):
            self.asked(connection, "POST", f"/api/v2/metrics/job?job_id={job}", {"filters": filters})

    def events(self, connection: http.client.HTTPConnection, choose: random.Random, _: int) -> None:
        """A page of events."""
        with self._use(choose) as (job, _known):
            self.asked(connection, "POST", "/api/v2/events/query", {"job_ids": job, "size": 20})

    def event(self, connection: http.client.HTTPConnection, choose: random.Random, _: int) -> None:
        """One event."""
        with self._use(choose) as (job, known):
            self.asked(connection, "GET", f"/api/v1/events/{job}/{choose.choice(known)}", None)

    def report(self, connection: http.client.HTTPConnection, choose: random.Random, _: int) -> None:
        """The report on a job."""
        with self._use(choose) as (job, _known):
            self.asked(connection, "POST", f"/api/v2/jobs/{job}/report?group_by=host.name&top=3", {})


_HOSTS: Final = tuple(f"host-{number}" for number in range(50))


def _document(choose: random.Random) -> dict[str, Any]:
    return {
        "host": {"name": choose.choice(_HOSTS), "ip": f"10.0.0.{choose.randrange(250)}"},
        "rule": {"id": choose.randrange(500), "level": choose.randrange(15), "groups": ["a", "b"]},
        "full_log": f"{choose.getrandbits(512):x}",
        "score": choose.random(),
    }


def _open_files(process_id: int) -> int:
    """Open files of a process but for three in /proc that the engine has for each thread it keeps at hand."""
    found = 0
    for each in Path(f"/proc/{process_id}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            found += not os.readlink(each).startswith("/proc/")  # noqa: PTH115 - a socket's is no path
    return found


def _reference(_: http.client.HTTPConnection, __: random.Random, ___: int) -> None:
    hashlib.sha256(_BLOCK).digest()


_BLOCK: Final = bytes(2 * 1024 * 1024)


def loaded(folder: Path, seconds: float, seed: int) -> list[Window]:
    """Put a server under load for so long; what was measured, window by window.

    Raises:
        BrokenError: a request was not answered well.
    """
    key = trueline("keys", "create", "gate", "--data", str(folder / "data"), folder=folder).strip()
    length = _WINDOW if seconds >= SHORTEST else seconds / 12
    with served(folder / "data", _SETTINGS) as (address, process_id):
        load = Load(address, key, seed)
        with closing(load.connection()) as connection:
            for number in range(2):
                load.turn(connection, random.Random(number), -1 - number)  # noqa: S311 - test data
        # what, how often a second
        kinds: dict[str, tuple[Callable[[http.client.HTTPConnection, random.Random, int], None], float]] = {
            "events sent alone": (load.single, 50),
            "more events sent alone": (load.single, 50),
            "bulk": (load.bulk, 0.5),
            "votes": (load.votes, 5),
            "metrics": (load.metrics, 5),
            "metrics with a filter": (load.filtered, 2),
            "events looked for": (load.events, 2),
            "one event": (load.event, 5),
            "report": (load.report, 0.5),
            "jobs that come and go": (load.turn, 1 / min(_TURN, seconds / 4)),
            REFERENCE: (_reference, 5),
        }
        windows = [Window() for _ in range(round(seconds / length))]
        began = time.monotonic()
        stop = threading.Event()

        def at() -> Window | None:
            place = int((time.monotonic() - began) / length)
            return windows[place] if place < len(windows) else None

        def work(kind: str) -> None:
            send, rate = kinds[kind]
            choose = random.Random(f"{seed} {kind}")  # noqa: S311 - test data
            due = began + choose.random() / rate
            number = 0 if kind != "more events sent alone" else 10**9
            try:
                with closing(load.connection()) as connection:
                    while not stop.wait(max(0.0, due - time.monotonic())):
                        window = at()
                        if window is None:
                            return
                        sent = time.monotonic()
                        send(connection, choose, number)
                        took = time.monotonic() - sent
                        window.times.setdefault(kind.removeprefix("more "), Timed()).add(took)
                        number += 1
                        due = max(due + 1 / rate, time.monotonic() - 1)  # what was missed is not made up for
            finally:
                stop.set() if at() is not None else None

        with ThreadPoolExecutor(len(kinds) + 1) as pool:
            running = [pool.submit(_watch, process_id, at, length, stop), *(pool.submit(work, kind) for kind in kinds)]
            for each in running:
                each.result()
    return windows


def _watch(process_id: int, at: Callable[[], Window | None], length: float, stop: threading.Event) -> None:
    """Note memory and open files of a server in the window of the moment, and print each minute that is over."""
    before, minutes = at(), 0
    while not stop.wait(min(1.0, length / 4)):
        window = at()
        if window is not before and length == _WINDOW:
            minutes += 1
            print(f"  minute {minutes}: {before}", flush=True)
        if window is None:
            return
        before = window
        window.memory.append(resident_bytes(process_id)[0])
        window.files.append(_open_files(process_id))


def _run(folder: Path, count: int, seed: int) -> str:
    windows = loaded(folder, count, seed)
    judged = Judged.of(windows)
    sent: Counter[str] = Counter()
    for window in windows:
        sent.update({kind: len(times.times) for kind, times in window.times.items() if kind != REFERENCE})
    rates = ", ".join(f"{kind} {number / count:.1f}" for kind, number in sent.items())
    resident = windows[-1].resident / 2**20
    figures = f"{sent.total()} requests (a second: {rates}), {resident:.0f} MiB resident in the end; {judged}"
    if count < SHORTEST:
        raise NotRunError(f"it is too short to be judged: {figures}")
    if wrong := judged.wrong():
        raise BrokenError(f"{'; '.join(wrong)}: {figures}")
    return figures


GATE: Final = Gate(
    name="mixed",
    promise="hours of mixed load: memory grows under 5 % after warm-up, open files do not grow, p99 drifts under 20 %",
    full=7_200,
    unit="seconds",
    run=_run,
)
