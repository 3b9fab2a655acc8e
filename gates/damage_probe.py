"""Opens the data folders it is told on standard input, one a line, and says what each of them answers, as JSON a line.

Asked are the numbers, and what they do not tell: documents, models, who voted how, fields. No answer depends on when it
is asked for, and what has an order is asked for in one that is defined.

A process of its own, which forks for each folder: loading takes longer than opening, and an engine that breaks takes
nobody with it.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import traceback
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
import scipy.special  # noqa: F401 - or each process that asks for a report would load it

from trueline.catalog.errors import CatalogError
from trueline.ledger.errors import LedgerError
from trueline.log import log_to_stderr
from trueline.service.errors import TruelineError
from trueline.service.search import MAX_SIZE, Paging, Wanted
from trueline.service.telling import Further, Telling
from trueline.service.workspace import Workspace
from trueline.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from trueline.catalog.records import Job

QUESTIONS: Final[tuple[dict[str, Any], ...]] = (
    {},
    {"truth": "explicit"},
    {"start": "2025-01-02", "end": "2025-01-04"},
    {"filters": [{"field": "n", "operator": "gt", "value": 50}]},
    {"filters": [{"field": "host.name", "operator": "contains", "value": "7"}]},
    {"filters": [{"field": "arcanna.consensus", "operator": "exists"}]},
    {"filters": [{"field": "arcanna.knowledge_base_state", "operator": "is one of", "value": ["new", "retrain"]}]},
)
"""About the numbers of a job."""

ALONE: Final = ("e0-0", "e3-99")
"""Events that are asked for one by one, which finds them by another index than a page does."""

_PAGE: Final = Paging(size=MAX_SIZE, descending=False)
"""All events of a job, by time and then by their key."""
_REPORT: Final = Telling(also=(Further.AGREEMENT, Further.CONFIDENCE))


def answers(folder: Path, key: str) -> dict[str, Any]:
    """What a data folder answers, question by question: what it has, or why it cannot say."""
    said: dict[str, Any] = {}
    try:
        opened = Workspace.open(Settings(data=folder, bulk_readers=0))
    except TruelineError as error:
        return {"refused": str(error)}
    with opened:
        said["key"] = opened.access.authenticate(key) is not None
        said["jobs"] = [f"{job!r}" for job in opened.jobs.all()]
        for job in opened.jobs.all():
            for name, ask in _questions(opened, job):
                try:
                    said[f"{job.id} {name}"] = ask()
                except (LedgerError, CatalogError) as error:
                    said[f"{job.id} {name}"] = {"refused": str(error)}
    return said


def _questions(opened: Workspace, job: Job) -> Iterator[tuple[str, Callable[[], Any]]]:
    for number, question in enumerate(QUESTIONS):
        yield f"{number}", partial(opened.metrics.job, job.id, **question)
    yield "events", lambda: _page(opened, job)
    yield "events alone", lambda: [_to_the_byte(opened.events.export(job, each)) for each in ALONE]
    yield "fields", lambda: _as_sent(opened.fields.available([job]))
    yield "models", lambda: [f"{model!r}" for model in opened.training.models(job)]
    yield "report", lambda: _as_sent(opened.reports.of(job, telling=_REPORT))
    yield "votes", lambda: f"{opened.activity.of(job)!r}"


def _page(opened: Workspace, job: Job) -> list[str]:
    """How many events a job has, and all of them whole: own fields, which tell knowledge bases too, and documents."""
    found = opened.search.query([job], Wanted(), _PAGE)
    return [f"{found['total_count']}", *map(_to_the_byte, found["events"])]


def _as_sent(body: object) -> Any:  # noqa: ANN401 - JSON
    """What a client reads of what a route would send."""
    return json.loads(msgspec.json.encode(body))


def _to_the_byte(body: object) -> str:
    """What a route would send: a document with each of its bytes, also where they are no JSON any more."""
    return msgspec.json.encode(body).decode(errors="backslashreplace")


def main() -> None:
    """Answer until the input ends."""
    log_to_stderr(logging.WARNING)  # answers alone are read from standard output
    key = sys.argv[1]
    for line in sys.stdin:
        read, write = os.pipe()
        process = os.fork()
        if process == 0:
            os.close(read)
            try:
                said: dict[str, Any] = answers(Path(line.rstrip("\n")), key)
            except BaseException:  # noqa: BLE001 - told, as what it is
                said = {"raised": traceback.format_exc()}
            with os.fdopen(write, "w") as stream:
                json.dump(said, stream, sort_keys=True)
            os._exit(0)
        os.close(write)
        with os.fdopen(read) as stream:
            text = stream.read()
        _, status = os.waitpid(process, 0)
        sys.stdout.write((text or json.dumps({"raised": f"the process ended with {status}"})) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
