"""The gate `pressed`, second part: a server that is asked what takes longer than the budget of a question."""

from __future__ import annotations

import json
import math
import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from gate import BrokenError, NotRunError
from pressing import LABELS, LINES, STOPPED, Client, body, make_job, others_beside, slower
from processes import served

ASKING: Final = 4
"""Clients that ask at once, fewer than may be answered at once to one key: none waits for its turn."""
CROWDING: Final = 8
"""Clients that do, two more than may be answered at once to one key."""
LONG: Final = 3
"""How many times the budget a long question takes alone where it may: one that was merely abandoned goes on for so long
that it cannot be missed, and one that was not stopped is answered long after the others."""
OVERRUN_SECONDS: Final = 3.0
"""Over the budget, at the most, until the answer. The engine looks at the clock between blocks, and a block is as much
of a part as is read at once: one of 2,750 documents of 4,000 characters was one block, looked through for all filters.
Each question has as many threads as there are cores, so that a block takes the longer the more are asked at once. What
is before the first query is little; a thread whose last question was stopped needs a new client of the engine, which
counts in the budget. On two cores with as much else to do as ten would have, answers came 0.1 to 0.4 s late from
a store asked directly by four, up to 1 s by six, up to 1.3 s from a server; up to 3.4 s late with nothing else to do,
where it took 1,024 filters to make a question long enough: see `_ENOUGH_FILTERS`.
What is not stopped takes longer: see `LONG`."""
TIMES: Final = {ASKING: 3, CROWDING: 2}
"""How often each client asks, by how many do."""
QUIET_SECONDS: Final = 2.0
"""That others are asked while nobody asks what takes long."""
WAITED: Final = "Too many requests are waiting: try again later"

_TURNS: Final = 6
"""Questions that may take long which are answered at once to one key; two more to others."""
_FILTERS: Final = 64
_ENOUGH_FILTERS: Final = 256
"""Beyond these, further documents make a question longer as long as there may be more: the engine takes 2.5 ms to make
ready for each filter, and stops nothing meanwhile. Six questions of 1,024 filters had each other wait 10 s for that."""
_MOST_FILTERS: Final = 1_024
MOST_TIMES: Final = 8
"""So many times the documents there are to be, at the most, where a machine is quick."""
_MANY_FILTERS: Final = {"TRUELINE_MAX_FILTERS": str(_MOST_FILTERS)}
_UNSTOPPED_SECONDS: Final = 600
_IDLE_SHARE: Final = 0.35
"""Of one core, that a server which nobody asks may use."""


@dataclass(frozen=True)
class LongQuestion:
    """What is asked that takes much longer than the budget."""

    path: str
    filters: list[dict[str, str]]
    seconds: float
    """That it takes alone where it may."""
    documents: int
    other: int
    """A job that others ask about."""


def long_question(folder: Path, documents: int, budget: float, key: str) -> LongQuestion:
    """Make a question that takes `LONG` times the budget on this machine, alone: filters on so many documents, or more.

    Raises:
        BrokenError: it is not answered well.
        NotRunError: this machine is too quick.
    """
    settings = {"TRUELINE_QUERY_SECONDS": str(_UNSTOPPED_SECONDS)} | _MANY_FILTERS
    with served(folder / "data", settings) as (address, process_id), Client(address, key) as client:
        job, other = make_job(client), make_job(client)
        few = [
            {"event_id": str(line), "raw_body": {"a": line % 10}, "decision": {"label": LABELS[line % len(LABELS)]}}
            for line in range(LINES)
        ]
        few.append({"event_id": "voted", "raw_body": {}})
        client.well("POST", f"/api/v2/jobs/{other}/events/bulk", "\n".join(map(json.dumps, few)).encode())
        batches = 0

        def fill(up_to: int) -> None:
            nonlocal batches
            for seed in range(batches, up_to):
                client.well("POST", f"/api/v2/jobs/{job}/events/bulk", body(seed))
            batches = up_to
            _wait_until_idle(process_id)

        fill(documents // LINES)
        path = f"/api/v2/metrics/job?job_id={job}"

        def ask(filters: list[dict[str, str]]) -> float:
            began = time.monotonic()
            found = client.well("POST", path, {"filters": filters})["total_events"]
            if found != batches * LINES:
                raise BrokenError(f"{found} of {batches * LINES} documents pass filters that all of them pass")
            return time.monotonic() - began

        ask(_filters(2))  # what is read for it, all others find read
        filters = _filters(_FILTERS)
        while (seconds := ask(filters)) < LONG * budget:
            if len(filters) >= _ENOUGH_FILTERS and batches < MOST_TIMES * documents // LINES:
                fill(2 * batches)
                continue
            if len(filters) == _MOST_FILTERS:
                raise NotRunError(
                    f"{_MOST_FILTERS} filters on {batches * LINES} documents take {seconds:.1f} s here, and would have "
                    f"to take {LONG} times the budget of {budget:g} s"
                )
            most = _MOST_FILTERS if len(filters) >= _ENOUGH_FILTERS else _ENOUGH_FILTERS
            filters = _filters(min(most, 1 + math.ceil(1.2 * len(filters) * LONG * budget / seconds)))
    return LongQuestion(path, filters, seconds, batches * LINES, other)


def _filters(count: int) -> list[dict[str, str]]:
    """So many that every document passes, and that each is looked through for.

    For the first, on a moment, the engine is asked three times and not once: it stops nothing while it makes ready.
    """
    moment = {"field": "arcanna.last_compute_consensus_timestamp", "operator": "not exists"}
    searched = [{"field": "full_log", "operator": "not contains", "value": f"{n:03x}nowhere"} for n in range(1, count)]
    return [moment, *searched]


@dataclass
class Asked:
    """Long questions that were asked at once, by so many clients with one key, and how they were answered."""

    question: LongQuestion
    budget: float
    clients: int
    stopped: list[float] = field(default_factory=list)
    """Seconds until each was answered that it had gone over the budget."""
    in_vain: list[float] = field(default_factory=list)
    """Until each was answered that its turn had not come."""

    @property
    def most_seconds(self) -> float:
        """Until an answer, at the most; where there are more than turns they may wait as long as the budget before."""
        waited = self.budget if self.clients > _TURNS else 0.0
        return waited + self.budget + OVERRUN_SECONDS

    def take(self, status: int, said: dict[str, Any], waiting: str, seconds: float) -> None:
        """An answer, its body and its Retry-After.

        Raises:
            BrokenError: it is another one than there may be.
        """
        expected = {(HTTPStatus.SERVICE_UNAVAILABLE, STOPPED): self.stopped}
        if self.clients > _TURNS:
            expected[HTTPStatus.TOO_MANY_REQUESTS, WAITED] = self.in_vain
        found = next((times for answer, times in expected.items() if answer == (status, said.get("error"))), None)
        if found is None or not waiting.isdigit():
            raise BrokenError(
                f"a question that takes {self.question.seconds:.1f} s was answered {status} after {seconds:.2f} s with "
                f"a budget of {self.budget:g} s, Retry-After {waiting!r}: {str(said)[:300]}"
            )
        found.append(seconds)

    def late(self) -> list[str]:
        """That an answer came too late for a question that is stopped when its time is over."""
        slowest = max(self.stopped + self.in_vain)
        if slowest <= self.most_seconds:
            return []
        most = f"{self.most_seconds:.2f} s are the most with a budget of {self.budget:g} s"
        return [f"of {self.clients} that asked at once one was answered after {slowest:.2f} s, and {most}"]

    def __str__(self) -> str:
        """How it went."""
        told = f"{self.clients} at once: {len(self.stopped)} stopped"
        if self.clients > _TURNS:
            told += f", {len(self.in_vain)} answered 429 as their turn had not come"
        return f"{told}, the slowest after {max(self.stopped + self.in_vain):.2f} s of {self.most_seconds:.2f} allowed"


def slow_questions(  # noqa: PLR0913, PLR0917 - a gate's parts
    folder: Path, question: LongQuestion, budget: float, key: str, another: str, tries: int = 3
) -> str:
    """Ask what takes longer than the budget, and look at the processor once it is answered.

    First with fewer clients than one key has turns, then with more. Others are measured beside it and before, up to so
    many times: see `slow_clients`. They may take several times as long, since the processors are shared, but not half
    of the budget longer: whoever had to wait for a question to end would wait for half of it at the least, on average,
    and for several where they queue.

    Raises:
        BrokenError: a promise is broken.
    """
    settings = {"TRUELINE_QUERY_SECONDS": str(budget)} | _MANY_FILTERS
    wrong: list[str] = []
    told: list[str] = []
    with served(folder / "data", settings) as (address, process_id):
        with others_beside(address, key, question.other, another):
            time.sleep(QUIET_SECONDS)  # warm
        with Client(address, key) as client:  # after which the path is read, to be kept, while others ask
            client.sent("POST", question.path, {"filters": question.filters})
        _wait_until_idle(process_id)
        for tried in range(1, tries + 1):
            with others_beside(address, key, question.other, another) as before:
                time.sleep(QUIET_SECONDS)
            wrong, told = [], [f"tries: {tried}"]
            for clients, each in TIMES.items():
                asked = Asked(question, budget, clients)
                with others_beside(address, key, question.other, another) as during:
                    _ask(address, key, asked, each)
                used = _processor(process_id, 1.0)
                beside = f"{clients} that ask long questions"
                wrong += asked.late() + slower(beside, during, before, times=1, spare=1_000 * budget / 2)
                if used > _IDLE_SHARE:
                    wrong.append(f"after the last answer the server still used {used:.0%} of a core: questions go on")
                told.append(f"{asked}; right after the last the server used {used:.0%} of a core; meanwhile {during}")
            if not wrong:
                break
    if wrong:
        raise BrokenError("; ".join(wrong))
    return (
        f"slow questions: {len(question.filters)} filters on {question.documents} documents take "
        f"{question.seconds:.2f} s and had {budget:g} s; {'; '.join(told)}; without them {before}"
    )


def _ask(address: str, key: str, asked: Asked, each: int) -> None:
    """Ask as often by each client, one question after the other."""

    def ask() -> None:
        with Client(address, key) as mine:
            for _ in range(each):
                began = time.monotonic()
                answer = mine.sent("POST", asked.question.path, {"filters": asked.question.filters})
                asked.take(*answer, time.monotonic() - began)

    with ThreadPoolExecutor(asked.clients) as pool:
        for asking in [pool.submit(ask) for _ in range(asked.clients)]:
            asking.result()


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
