"""The engine's threads that merge yield to all others."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from trueline.ledger.merge_priority import MERGING, NICE, merge_behind_others

if TYPE_CHECKING:
    from trueline.ledger.engine import Engine


def priorities() -> dict[str, set[int]]:
    """By the name of threads."""
    found: dict[str, set[int]] = {}
    for thread in Path("/proc/self/task").iterdir():
        name = (thread / "comm").read_text("utf-8").strip()
        found.setdefault(name, set()).add(os.getpriority(os.PRIO_PROCESS, int(thread.name)))
    return found


def test_merging_yields_from_the_first_table_on_and_who_asks_does_not(engine: Engine) -> None:
    assert merge_behind_others() > 0
    assert NICE in priorities()[MERGING]
    engine.command("CREATE TABLE merged (a UInt64) ENGINE = MergeTree ORDER BY a")
    for _ in range(3):
        engine.command("INSERT INTO merged SELECT number FROM numbers(1000)")
    engine.command("OPTIMIZE TABLE merged FINAL")
    engine.command("DROP TABLE merged SYNC")
    told = priorities()
    assert told[MERGING] == {NICE}
    assert told[(Path("/proc/self/task") / str(os.getpid()) / "comm").read_text("utf-8").strip()] == {
        os.getpriority(os.PRIO_PROCESS, os.getpid())
    }
