"""A gate: a promise, and what runs to show that it is kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class BrokenError(AssertionError):
    """A promise was broken; the message says which, and what shows it."""


@dataclass(frozen=True)
class Gate:
    """What is promised, and how much is run to show it."""

    name: str
    promise: str
    full: int
    """How much `make gates` runs; the tests run less."""
    unit: str
    """What is counted: rounds, payloads, seconds."""
    run: Callable[[Path, int, int], str]
    """Run so much of it, in an empty folder, from a seed; the figures, as a sentence.

    Raises:
        BrokenError: the promise is broken.
    """
