"""A gate: a promise, and what runs to show that it is kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_WORTH_TELLING = 20


class BrokenError(AssertionError):
    """A promise was broken; the message says which, and what shows it."""


class NotRunError(RuntimeError):
    """A gate cannot run here; the message says why."""


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
        NotRunError: this machine does not let it be shown.
    """


def counted(rounds: int, of: str = "") -> Iterator[int]:
    """The numbers of so many rounds; where these are many it says after each tenth how far it has come."""
    for number in range(rounds):
        if rounds >= _WORTH_TELLING and number and number * 10 // rounds > (number - 1) * 10 // rounds:
            print(f"  {number:,} of {rounds:,}{of}", flush=True)
        yield number
