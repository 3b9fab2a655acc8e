"""Trueline itself, on one data folder in one process: over HTTP, and at the service call in that process."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
import time
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from unittest.mock import patch

from bodies import vote_line
from calling import Caller
from contenders.scores import answer
from loading import JOB
from processes import CommandError
from trueline.api.server import serve
from trueline.ledger import kept_columns
from trueline.service.keys import KNOWN_SCOPES
from trueline.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection

    from questions import Answer, Question
    from stream import Grouping, Stream
    from trueline.service.workspace import Workspace

OVER_HTTP: Final = "Trueline, HTTP"
AT_SERVICE: Final = "Trueline, service call"
FIRST_TIME: Final = "Trueline, HTTP, the first time"
"""When the server has just been started and nobody has asked it that before."""
_START_SECONDS: Final = 120
_STOP_SECONDS: Final = 60
_MERGED_SECONDS: Final = 600


class Wait(Enum):
    """What is waited for."""

    READ = auto()
    """All that was asked for the first time is read."""
    MERGED_IS_GONE = auto()
    """No parts are on disk that were merged, or ten minutes are over."""


class OverHTTP:
    """As a client has it: from sending to the parsed answer, one connection kept alive."""

    title: str = OVER_HTTP

    def __init__(self, client: Caller, subject: Subject) -> None:
        self._client = client
        self._subject = subject

    def ask(self, question: Question) -> tuple[Answer, float]:
        parameters = {"job_id": JOB, "truth": question.truth}
        if question.window is not None:
            parameters["start_datetime"], parameters["end_datetime"] = question.window
        body = {"filters": list(question.filters)} if question.filters else {}
        started = time.perf_counter()
        told = self._client.post("/api/v2/metrics/job", body, query=parameters)
        return _answer(told), time.perf_counter() - started

    def vote(self, label: str) -> float:
        line = self._subject.line(label)
        started = time.perf_counter()
        told = self._client.post(f"/api/v2/jobs/{JOB}/votes/bulk", line)
        seconds = time.perf_counter() - started
        _check(told["accepted"])
        return seconds


class AtService:
    """As code in the server's process has it; timed there, so that asking that process is no part of it."""

    title: str = AT_SERVICE

    def __init__(self, connection: Connection, subject: Subject) -> None:
        self._connection = connection
        self._subject = subject

    def ask(self, question: Question) -> tuple[Answer, float]:
        told, seconds = self._told(question)
        return _answer(told), seconds

    def vote(self, label: str) -> float:
        accepted, seconds = self._told(self._subject.line(label))
        _check(accepted)
        return seconds

    def settle(self) -> list[str]:
        """Wait until the server has read what it was asked for the first time; the fields that it keeps."""
        kept: list[str] = self._told(Wait.READ)[0]
        return kept

    def let_merged_go(self) -> None:
        """Wait until what was merged is gone from the disk, which it is for a minute beside what it was merged into."""
        self._told(Wait.MERGED_IS_GONE)

    def _told(self, asked: Question | bytes | Wait) -> tuple[Any, float]:
        self._connection.send(asked)
        told = self._connection.recv()
        if isinstance(told, Exception):
            raise told
        found, seconds = told
        return found, seconds


@dataclass(frozen=True, slots=True)
class Subject:
    """What the votes between questions are about."""

    stream: Stream
    grouping: Grouping

    def line(self, label: str) -> bytes:
        return vote_line(self.stream, self.grouping, self.stream.left_out(self.grouping), "bench", label)


@contextlib.contextmanager
def faces(
    data: Path, stream: Stream, grouping: Grouping, keep_from: int = kept_columns.WORTH_KEEPING
) -> Iterator[tuple[OverHTTP, AtService, int]]:
    """Serve a loaded folder; gives both ways to ask and the process id.

    What filters ask for of jobs with `keep_from` events and more is kept in memory.

    The server is the one of ``trueline serve``, with a thread beside it that calls the service when told to.

    Raises:
        CommandError: it did not start.
    """
    spawning = multiprocessing.get_context("spawn")  # the engine hangs in a forked process
    ours, theirs = spawning.Pipe()
    process = spawning.Process(target=_serve, args=(data, theirs, keep_from))
    with patch.dict(os.environ, MALLOC_ARENA_MAX="1"):  # as `trueline serve` has it
        process.start()
    theirs.close()
    try:
        if not ours.poll(_START_SECONDS):
            raise CommandError("the server did not start")
        try:
            address, key = ours.recv()
        except EOFError:
            raise CommandError("the server did not start: see above") from None
        subject = Subject(stream, grouping)
        with Caller(address, key) as client:
            yield OverHTTP(client, subject), AtService(ours, subject), process.pid or 0
    finally:
        process.terminate()
        process.join(_STOP_SECONDS)
        if process.is_alive():
            process.kill()
            process.join(_STOP_SECONDS)
        ours.close()


def _serve(data: Path, connection: Connection, keep_from: int) -> None:
    kept_columns.WORTH_KEEPING = keep_from  # type: ignore[misc]
    for name in [name for name in os.environ if name.startswith("TRUELINE_")]:
        del os.environ[name]
    sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - what it says to people

    def begin(workspace: Workspace, address: str) -> None:
        connection.send((address, workspace.access.create("bench", sorted(KNOWN_SCOPES))))
        threading.Thread(target=_take_turns, args=(workspace, connection), daemon=True).start()

    serve(Settings(data=data, port=0), ready=begin, log_requests=False)


def _take_turns(workspace: Workspace, connection: Connection) -> None:
    while True:
        try:
            asked = connection.recv()
        except EOFError:  # whoever asked is gone
            os.kill(os.getpid(), signal.SIGTERM)
            return
        try:
            connection.send(_called(workspace, asked))
        except Exception as error:  # noqa: BLE001 - raised again by who asked
            connection.send(error)


def _called(workspace: Workspace, asked: Question | bytes | Wait) -> tuple[Any, float]:
    started = time.perf_counter()
    found: Any = None
    if asked is Wait.MERGED_IS_GONE:
        while _merged_parts(workspace) and time.perf_counter() - started < _MERGED_SECONDS:
            time.sleep(1)
    elif asked is Wait.READ:
        workspace.wait_for_filters()
        # it shows itself by nothing but its speed
        of_job = workspace._ledger.kept.columns._kept.get(workspace.jobs.get(JOB).id)  # noqa: SLF001
        found = [] if of_job is None else sorted(of_job.paths)
    elif isinstance(asked, bytes):
        found = workspace.feedback.bulk(workspace.jobs.get(JOB), [asked]).accepted
    else:
        first, last = asked.window or (None, None)
        found = workspace.metrics.job(JOB, first, last, list(asked.filters) or None, asked.truth)
    return found, time.perf_counter() - started


def _merged_parts(workspace: Workspace) -> int:
    ((parts,),) = workspace._ledger.engine.rows("SELECT count() FROM system.parts WHERE NOT active")  # noqa: SLF001
    return int(parts)


def _answer(told: dict[str, Any]) -> Answer:
    overall = [told[f"overall_{score}"] for score in ("accuracy", "precision", "recall", "f1_score")]
    return answer(told["confusion_matrix"], told["total_events"], told["total_events_with_consensus"], overall)


def _check(accepted: int) -> None:
    if accepted != 1:
        raise CommandError("a vote was rejected")
