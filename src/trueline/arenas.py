"""Where the C library allocates for a process of many threads."""

from __future__ import annotations

import contextlib
import ctypes
import os
from typing import Final

_M_ARENA_MAX: Final = -8
"""Of `mallopt`, from malloc.h of the GNU C library."""


def allocate_from_one() -> None:
    """Have all threads of this process allocate from one arena; to be called before NumPy begins a thread of its own.

    By default there are up to eight arenas for each core, and what was freed in one is of no use to the others: a
    server that takes in bulk beside ten million events had 330 MB of such, and has 110. Threads of which all but one
    wait for the interpreter hardly wait for each other here.
    """
    if "MALLOC_ARENA_MAX" in os.environ:  # somebody knows better
        return
    with contextlib.suppress(AttributeError):  # a C library of another kind knows no arenas, and no word for them
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)
