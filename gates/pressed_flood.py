"""The gate `pressed`, first part: a server that is sent more than there is room for."""

from __future__ import annotations

import itertools
import json
import random
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gate import BrokenError
from pressing import LINES, TEXT, Client, body, make_job, others_beside, random_text
from processes import resident_bytes, served

if TYPE_CHECKING:
    from collections.abc import Callable

SENDERS: Final = 12
"""Clients that send bulk requests where there is little room."""
SENDERS_BY_DEFAULT: Final = 6
"""Where there is as much as by default: they have half as much again under way as fits."""
_JOBS_BY_DEFAULT: Final = 4
"""As many as are written to at once; what waits for one alone may have but half of the room."""
ALONE: Final = 4
"""Clients that send single events meanwhile."""

BULK, SINGLE = "bulk requests", "single events"
_AROUND: Final = 96
"""Bytes of a line around its text, at the most."""
_TEXT_ALONE: Final = 64 * 1024
"""Of one that comes alone: twice what any request counts for, so that it finds no more room than a bulk request."""
_PATIENCE: Final = 5
"""Seconds that a client waits at the most once the flood is over, however long it is told to."""
_REFUSED_SECONDS: Final = 60
"""That a flood goes on for at the most, where the machine is so slow that nothing of a kind was refused yet."""
_DRAINED_SECONDS: Final = 600
"""Until each client of a flood was taken once, at the least."""


@dataclass(frozen=True)
class Room:
    """What there is room for, by the settings of these names."""

    max_waiting_bytes: int
    max_body_bytes: int

    def settings(self) -> dict[str, str]:
        """By the names of the environment; none where all is as by default."""
        if self == BY_DEFAULT:
            return {}
        return {f"TRUELINE_{name.upper()}": str(limit) for name, limit in asdict(self).items()}

    @property
    def most_memory(self) -> int:
        """Bytes that a flood may add to what the server and the processes that read for it have resident."""
        return _BESIDE_BODIES + _COPIES * self.max_waiting_bytes + _READERS * _COPIES_TO_READ * self.max_body_bytes


BY_DEFAULT: Final = Room(128 * 2**20, 32 * 2**20)
LITTLE: Final = Room(8 * 2**20, 2 * 2**20)

_COPIES: Final = 8
"""Of all that is under way, in the server: the bodies, as lines, on their way to a process that reads and back from it,
laid out in columns with the documents as they came, put together with others, and on their way into the engine, which
has them once more. Measured were seven."""
_READERS: Final = 2
"""Processes that read for the server, by default."""
_COPIES_TO_READ: Final = 14
"""Of the largest body, in each of those: as it came, as lines, as values of Python, and as columns, all on their way in
and out. Measured were twelve."""
_BESIDE_BODIES: Final = 576 * 2**20
"""However much there is room for: 176 MiB for the second of those processes, which the flood begins, and 400 for the
engine: two merges of long texts at once, each of 150 or so at the most, and a third of that which it has let go of and
its allocator has not."""


def _alone(seed: int, job: int) -> bytes:
    text = random_text(random.Random(seed), _TEXT_ALONE)  # noqa: S311 - test data
    return json.dumps({"job_id": job, "raw_body": {"full_log": text}}).encode()


class Flood:
    """Clients that send without a pause, and how they were answered."""

    def __init__(self, address: str, key: str, seconds: float, kinds: tuple[str, ...] = (BULK, SINGLE)) -> None:
        """For so many seconds, and until each was taken once, and something of each of these kinds was refused."""
        self._kinds = kinds
        self._address = address
        self._key = key
        self._until = time.monotonic() + seconds
        self._seeds = itertools.count(1)
        self._lock = threading.Lock()
        self.answered: Counter[tuple[str, int]] = Counter()
        """How often, by who sends and status."""
        self.taken: Counter[str] = Counter()
        """Events, by who sends."""

    def press(self, kind: str, path: str, made: Callable[[int], bytes]) -> None:
        """Send as one client; what is refused is sent again.

        Raises:
            BrokenError: an answer is none of those promised.
        """
        raw, is_taken = made(next(self._seeds)), False
        with Client(self._address, self._key) as client:
            while time.monotonic() < self._until or not is_taken or self._goes_on():
                status, said, waiting = client.sent("POST", path, raw)
                is_taken_now = status in {HTTPStatus.OK, HTTPStatus.CREATED}
                with self._lock:
                    self.answered[kind, status] += 1
                    self.taken[kind] += said.get("accepted", 1) if is_taken_now else 0
                if is_taken_now:
                    raw, is_taken = made(next(self._seeds)), True
                elif status != HTTPStatus.TOO_MANY_REQUESTS or not waiting.isdigit() or int(waiting) < 1:
                    raise BrokenError(f"a flood was answered {status}, Retry-After {waiting!r}: {str(said)[:300]}")
                elif time.monotonic() >= self._until:
                    if time.monotonic() >= self._until + _DRAINED_SECONDS:
                        raise BrokenError(f"who sends {kind} was refused for {_DRAINED_SECONDS} s after the flood")
                    time.sleep(min(int(waiting), _PATIENCE))

    def _goes_on(self) -> bool:
        is_late = time.monotonic() >= self._until + _REFUSED_SECONDS
        return not is_late and not all(self.refused(kind) for kind in self._kinds)

    def refused(self, kind: str) -> int:
        """How often who sends so was told to try again."""
        return self.answered[kind, HTTPStatus.TOO_MANY_REQUESTS]

    def check(self, client: Client, jobs: list[int], before: int) -> None:
        """Hold what the jobs have against what was acknowledged; something of each kind must be refused.

        Raises:
            BrokenError: they differ, or nothing was refused.
        """
        if never := [kind for kind in self._kinds if not self.refused(kind)]:
            raise BrokenError(f"nothing was refused of {' and '.join(never)}: {dict(self.answered)}")
        paths = [f"/api/v2/metrics/job?job_id={job}" for job in jobs]
        decided = sum(client.well("POST", path, {})["total_events"] for path in paths)
        counted = {"job_ids": jobs, "count_results_only": True}
        found = client.well("POST", "/api/v2/events/query", counted)["total_count"]
        acknowledged = before + self.taken[BULK], before + self.taken.total()
        if (decided, found) != acknowledged:
            raise BrokenError(
                f"{acknowledged[1]} events were acknowledged, {acknowledged[0]} of them decided; there are {found}, "
                f"{decided} of them decided"
            )


def flood(folder: Path, seconds: float, key: str, room: Room = LITTLE) -> str:
    """Send more than can be written for so long; where there is as much room as by default, in bodies of 30 MiB.

    Raises:
        BrokenError: a promise is broken.
    """
    senders, into, lines = SENDERS, 1, LINES
    if room == BY_DEFAULT:
        senders, into, lines = SENDERS_BY_DEFAULT, _JOBS_BY_DEFAULT, room.max_body_bytes * 15 // 16 // (TEXT + _AROUND)
    with served(folder / "data", room.settings()) as (address, process_id), Client(address, key) as client:
        jobs, other = [make_job(client) for _ in range(into)], make_job(client)
        client.well("POST", "/api/v1/events/voted", {"job_id": other, "raw_body": {}})
        client.well("POST", f"/api/v2/jobs/{jobs[0]}/events/bulk", body(0))
        before = _resident(process_id)[0]
        # beside bodies of which four fit and leave 8 MiB of room, single events find theirs
        sent = Flood(address, key, seconds, (BULK,) if room == BY_DEFAULT else (BULK, SINGLE))
        many = [
            partial(sent.press, BULK, f"/api/v2/jobs/{job}/events/bulk", partial(body, lines=lines))
            for job in itertools.islice(itertools.cycle(jobs), senders)
        ]
        alone = partial(sent.press, SINGLE, "/api/v1/events", partial(_alone, job=jobs[0]))
        with others_beside(address, key, other) as others, ThreadPoolExecutor(senders + ALONE) as pool:
            for each in [pool.submit(press) for press in [*many, *[alone] * ALONE]]:
                each.result()
        grown = _resident(process_id)[1] - before
        if grown > room.most_memory:
            raise BrokenError(
                f"the flood took {grown / 2**20:.0f} MiB, and {room.most_memory / 2**20:.0f} are the most for its room"
            )
        sent.check(client, jobs, LINES)
    return (
        f"flood with room for {room.max_waiting_bytes / 2**20:.0f} MiB: "
        f"{sent.answered[BULK, HTTPStatus.OK]} bulk requests of {lines} events taken, {sent.refused(BULK)} answered "
        f"429, {sent.taken[SINGLE]} single events taken, {sent.refused(SINGLE)} answered 429, all there; "
        f"{grown / 2**20:.0f} MiB more resident at the highest, {room.most_memory / 2**20:.0f} allowed; "
        f"meanwhile {others}"
    )


def _resident(process_id: int) -> tuple[int, int]:
    """Resident bytes of a server and of the processes it has begun, now and each at its highest."""
    begun = [
        int(child)
        for task in Path(f"/proc/{process_id}/task").iterdir()
        for child in (task / "children").read_text(encoding="ascii").split()
    ]
    now, highest = zip(*(resident_bytes(each) for each in (process_id, *begun)), strict=True)
    return sum(now), sum(highest)
