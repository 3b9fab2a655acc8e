"""Opens the data folders it is told on standard input, one a line, and says what each of them answers, as JSON a line.

A process of its own, which forks for each folder: loading takes longer than opening, and an engine that breaks takes
nobody with it.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any, Final

from trueline.catalog.errors import CatalogError
from trueline.ledger.errors import LedgerError
from trueline.service.errors import TruelineError
from trueline.service.workspace import Workspace
from trueline.settings import Settings

QUESTIONS: Final[tuple[dict[str, Any], ...]] = (
    {},
    {"truth": "explicit"},
    {"start": "2025-01-02", "end": "2025-01-04"},
    {"filters": [{"field": "n", "operator": "gt", "value": 50}]},
    {"filters": [{"field": "host.name", "operator": "contains", "value": "7"}]},
    {"filters": [{"field": "arcanna.consensus", "operator": "exists"}]},
    {"filters": [{"field": "arcanna.knowledge_base_state", "operator": "is one of", "value": ["new", "retrain"]}]},
)


def answers(folder: Path, key: str) -> dict[str, Any]:
    """What a data folder answers, question by question: numbers, or why there are none."""
    said: dict[str, Any] = {}
    try:
        opened = Workspace.open(Settings(data=folder, bulk_readers=0))
    except TruelineError as error:
        return {"refused": str(error)}
    with opened:
        said["key"] = opened.access.authenticate(key) is not None
        said["jobs"] = [f"{job!r}" for job in opened.jobs.all()]
        for job in opened.jobs.all():
            for number, question in enumerate(QUESTIONS):
                try:
                    said[f"{job.id} {number}"] = opened.metrics.job(job.id, **question)
                except (LedgerError, CatalogError) as error:
                    said[f"{job.id} {number}"] = {"refused": str(error)}
    return said


def main() -> None:
    """Answer until the input ends."""
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
