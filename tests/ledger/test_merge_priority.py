"""The engine's threads that merge yield to all others."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from trueline.ledger.merge_priority import MERGING, merging_priority

if TYPE_CHECKING:
    from trueline.ledger.engine import Engine

OPENED_AS_NICE = """
import contextlib, os, sys
os.nice(int(sys.argv[1]))
from pathlib import Path
from trueline.service.workspace import Workspace
from trueline.settings import Settings
with Workspace.open(Settings(data=Path(sys.argv[2]))):
    for thread in Path("/proc/self/task").iterdir():
        with contextlib.suppress(OSError):
            if (thread / "comm").read_text("utf-8").strip() == "MergeMutate":
                print(os.getpriority(os.PRIO_PROCESS, int(thread.name)))
"""
OWN = os.getpriority(os.PRIO_PROCESS, os.getpid())


def merging() -> set[int]:
    """The priorities of the threads that merge."""
    found = set()
    for thread in Path("/proc/self/task").iterdir():
        with contextlib.suppress(OSError):  # it has ended meanwhile
            if (thread / "comm").read_text("utf-8").strip() == MERGING:
                found.add(os.getpriority(os.PRIO_PROCESS, int(thread.name)))
    return found


def test_merging_yields_from_the_first_table_on(engine: Engine) -> None:
    assert merging() == {merging_priority()} == {min(19, OWN + 10)}
    engine.command("CREATE TABLE merged (a UInt64) ENGINE = MergeTree ORDER BY a")
    for _ in range(3):
        engine.command("INSERT INTO merged SELECT number FROM numbers(1000)")
    engine.command("ALTER TABLE merged DELETE WHERE a = 1 SETTINGS mutations_sync = 2")  # by one of these threads
    engine.command("DROP TABLE merged SYNC")
    assert merging() == {merging_priority()}


@pytest.mark.parametrize("nice", [5, 15, 19])
def test_of_a_process_that_yields_itself(tmp_path: Path, nice: int) -> None:
    code = [sys.executable, "-c", OPENED_AS_NICE, str(nice), str(tmp_path / "data")]
    done = subprocess.run(code, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, set(done.stdout.split())) == (0, {str(min(19, OWN + nice + 10))}), done.stderr
