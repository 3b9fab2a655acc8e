"""Merging comes after those who wait for an answer: the embedded engine's threads for it yield to all others.

They make mutations too, such as what a deleted job leaves behind, or a rebuild. Threads that they start yield as well.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Final

MERGING: Final = "MergeMutate"
"""The name that the engine gives these threads; it makes them with its first table and keeps them."""

_NICER: Final = 10
"""Than this process; so are the processes that read bulk requests, which merging shares the processor with."""
_NICEST: Final = 19


def merging_priority() -> int:
    """The nice value that threads that merge are given."""
    return min(_NICEST, os.getpriority(os.PRIO_PROCESS, os.getpid()) + _NICER)


def merge_behind_others() -> None:
    """Have the threads of this process that merge yield. Where it may not, all goes on as before.

    The engine can do so itself, but only with a right that a server should not run with.
    """
    for thread in Path("/proc/self/task").iterdir():
        # it has ended meanwhile, or a sandbox has its own mind about priorities
        with contextlib.suppress(FileNotFoundError, ProcessLookupError, PermissionError):
            if (thread / "comm").read_text("utf-8").strip() == MERGING:
                os.setpriority(os.PRIO_PROCESS, int(thread.name), merging_priority())
