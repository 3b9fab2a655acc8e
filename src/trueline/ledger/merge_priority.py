"""Merging comes after those who wait for an answer: the embedded engine's threads for it yield to all others."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Final

MERGING: Final = "MergeMutate"
"""The name that the engine gives these threads; it makes them with its first table and keeps them."""

NICE: Final = 10
"""As that of the processes that read bulk requests, which merging shares the processor with."""


def merge_behind_others() -> int:
    """Have the threads of this process that merge yield, and tell how many there are.

    The engine can do so itself, but only with a right that a server should not run with.
    """
    found = 0
    for thread in Path("/proc/self/task").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
            if (thread / "comm").read_text("utf-8").strip() == MERGING:
                os.setpriority(os.PRIO_PROCESS, int(thread.name), NICE)
                found += 1
    return found
