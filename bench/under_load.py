"""A loaded server started anew, and asked while it takes in events."""

from __future__ import annotations

import contextlib
import itertools
import json
import math
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bodies import MOST_LINES, write_bodies
from calling import Caller
from contenders.trueline import OverHTTP, Subject
from loading import JOB, new_key, send
from processes import highest_resident_bytes, served
from questions import QUESTIONS
from singles import send_singles
from stream import Stream
from timing import Timed
from trueline.ledger.kept_columns import WORTH_KEEPING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from singles import Sent
    from stream import Grouping

LINES_A_SECOND: Final = 30_000
SINGLES_A_SECOND: Final = 500
_AT_MOST: Final = 1.05
"""Times those rates is sent while somebody asks: who sends no more than a rate is always a little below it."""
_QUIET_ROUNDS: Final = 5
_MOST_ROUNDS: Final = 20
_SETTLED: Final = 0.6
_AS_BEFORE: Final = 0.8
_BETWEEN_SECONDS: Final = 5.0
_SINGLES_LONGER: Final = 3
"""Times as long as in bulk, events come one by one: few come of it, and each question is asked more often meanwhile."""
_PATIENCE: Final = 3
"""A server that is slower than the rate is sent to for so many times as long, and no longer."""
PACES: Final = {"up to ten times a second": 0.1, "without a pause": 0.0}
"""How somebody asks meanwhile, and the seconds they let pass between two questions."""
_ASKED: Final = tuple(question for question in QUESTIONS if not question.after_vote)


@dataclass(frozen=True, slots=True)
class Meanwhile:
    """What was taken in while somebody asked, and how they were answered."""

    a_second: float
    """Events, sent at no more than a rate."""
    asked: dict[str, float]
    """By question: its median then, in milliseconds over HTTP."""


@dataclass(frozen=True, slots=True)
class UnderLoad:
    """What a loaded server does once it is started anew."""

    ready_seconds: float
    """From its start to the first 200 of ``/readyz``."""
    first_answer_seconds: float
    """From its start to the first answer about all time."""
    bulk_alone: float
    """Events a second that come in bulk, as fast as they are answered, while nobody asks: all that is kept in memory of
    what is asked is told of them."""
    quiet: dict[str, dict[str, float]]
    """By pace of who asks and by question: its median in milliseconds over HTTP while nothing is sent."""
    bulk: dict[str, Meanwhile]
    """By pace of who asks, while bulk requests come at a little more than `LINES_A_SECOND` at most."""
    singles_alone: Sent
    """Events sent one by one by many clients at once, as fast as they are answered, while nobody asks."""
    singles: dict[str, Meanwhile]
    """By pace, while those come at a little more than `SINGLES_A_SECOND` at most."""
    resident_bytes: int
    """Of the server, at its highest."""


def measure(data: Path, stream: Stream, grouping: Grouping, seconds: float) -> UnderLoad:
    """Start a server on a loaded folder and send it more, in bulk for so long each and pace, one by one for longer."""
    parts = 1 + len(PACES)
    bodies_a_part = math.ceil(LINES_A_SECOND * _AT_MOST * seconds / MOST_LINES)
    more = Stream(bodies_a_part * MOST_LINES * parts, stream.seed + 1)
    key = new_key(data)
    with tempfile.TemporaryDirectory(prefix="trueline-bodies-") as folder:
        bodies = write_bodies(more, Path(folder) / "bodies")
        started = time.perf_counter()
        with (
            served(data) as (address, process_id),
            Caller(address, key) as client,
            Caller(address, key) as sender,
        ):
            while client.get("/readyz")[0] != HTTPStatus.OK:
                time.sleep(0.01)
            ready = time.perf_counter() - started
            asking = OverHTTP(client, Subject(stream, grouping))
            asking.ask(QUESTIONS[0])
            answered = time.perf_counter() - started
            if len(stream) >= WORTH_KEEPING:
                _settle(asking)
            quiet = {pace: _quiet(asking, pause) for pace, pause in PACES.items()}
            alone_in_bulk = _bulk(sender, bodies[::parts], seconds, math.inf)
            time.sleep(_BETWEEN_SECONDS)
            bulk = _at_each_pace(
                asking, lambda place: _bulk(sender, bodies[1 + place :: parts], seconds, LINES_A_SECOND * _AT_MOST)
            )
            job_id = json.loads(client.get(f"/api/v2/jobs/{JOB}")[1])["job_id"]
            longer = _SINGLES_LONGER * seconds
            alone = send_singles(client.netloc, key, job_id, longer)
            singles = _at_each_pace(
                asking,
                lambda _: send_singles(client.netloc, key, job_id, longer, SINGLES_A_SECOND * _AT_MOST).events_a_second,
            )
            return UnderLoad(
                ready, answered, alone_in_bulk, quiet, bulk, alone, singles, highest_resident_bytes(process_id)
            )


def _at_each_pace(asking: OverHTTP, take_in: Callable[[int], float]) -> dict[str, Meanwhile]:
    """What is taken in while somebody asks; `take_in` is given a pace's place, sends, and tells how many a second."""
    found = {}
    for place, (pace, pause) in enumerate(PACES.items()):
        with _asked_meanwhile(asking, pause) as busy:
            rate = take_in(place)
        found[pace] = Meanwhile(rate, _medians(busy))
        time.sleep(_BETWEEN_SECONDS)  # in which the engine merges what is left
    return found


def _bulk(sender: Caller, bodies: list[Path], seconds: float, lines_a_second: float) -> float:
    started = time.perf_counter()
    sent = send(sender, f"/api/v2/jobs/{JOB}/events/bulk", bodies, lines_a_second, _PATIENCE * seconds)
    return sent / (time.perf_counter() - started)


def _quiet(asking: OverHTTP, pause: float) -> dict[str, float]:
    times = {question.title: Timed() for question in _ASKED}
    for number in range(1 + _QUIET_ROUNDS):
        for question in _ASKED:
            _, seconds = asking.ask(question.anew())
            time.sleep(pause)
            if number:  # the first is to warm up
                times[question.title].add(seconds)
    return _medians(times)


def _settle(asking: OverHTTP) -> None:
    """Ask until it is much faster, and stays so: the server reads what it is asked for the first time."""
    took: list[float] = []
    for _ in range(_MOST_ROUNDS):
        took.append(sum(asking.ask(question.anew())[1] for question in _ASKED))
        if took[-1] < took[0] * _SETTLED and took[-1] > took[-2] * _AS_BEFORE:
            return
        time.sleep(_BETWEEN_SECONDS)


@contextlib.contextmanager
def _asked_meanwhile(asking: OverHTTP, pause: float) -> Iterator[dict[str, Timed]]:
    """Ask one question after the other until the block ends, each once at least, so many seconds after the last one."""
    times = {question.title: Timed() for question in _ASKED}
    ended = threading.Event()

    def ask() -> None:
        for number, question in enumerate(itertools.cycle(_ASKED)):
            if ended.is_set() and number >= len(_ASKED):
                return
            times[question.title].add(asking.ask(question.anew())[1])
            ended.wait(pause)

    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(ask)
        try:
            yield times
        finally:
            ended.set()
        asked.result()


def _medians(asked: dict[str, Timed]) -> dict[str, float]:
    return {title: times.median for title, times in asked.items()}
