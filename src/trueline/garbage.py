"""How often the interpreter looks for cycles of garbage."""

from __future__ import annotations

import gc

_ALLOCATIONS = 10_000
"""Ten times as many made a server, which had 500 requests a second, stop for 150 ms at each look."""


def look_seldom() -> None:
    """Look for cycles after many more allocations than by default.

    Batches of tens of thousands of events make few cycles, and looking through all that is alive after every
    700 allocations took a third of an import's time.
    """
    gc.freeze()
    gc.set_threshold(_ALLOCATIONS, 20, 50)


def look_when_told() -> None:
    """Look for cycles only where `look` is called: what is read in one go is looked through again and again otherwise.

    Of what reading a bulk request takes, it was a seventh.
    """
    gc.freeze()
    gc.disable()


def look() -> None:
    """Look for cycles now."""
    gc.collect()
