"""The parsers of dates, filters, lines and whole bodies of lines, each held for so many seconds against its contract.

What is made up for each, and what it is held against, `parsers` and `fuzzed_bodies` say.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from hypothesis import HealthCheck, Phase, given, seed, settings

from fuzzed_bodies import BODIES, check_body
from gate import Gate
from parsers import DATES, FILTERS, LINES, check_date, check_filters, check_line

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hypothesis.strategies import SearchStrategy

_CASES_AT_ONCE: Final = 500

PARSERS: Final[dict[str, tuple[SearchStrategy[Any], Callable[[Any], bool]]]] = {
    "dates": (DATES, check_date),
    "filters": (FILTERS, check_filters),
    "lines": (LINES, check_line),
    "bodies": (BODIES, check_body),
}


def fuzz(name: str, seconds: float, first_seed: int) -> tuple[int, int]:
    """Make inputs up for a parser for so many seconds; how many there were, and how many of them it took.

    Raises:
        BrokenError: it breaks its contract, with the smallest input that shows it.
    """
    strategy, check = PARSERS[name]
    cases = taken = 0
    until = time.monotonic() + seconds
    number = first_seed

    def one(value: Any) -> None:  # noqa: ANN401 - any input
        nonlocal cases, taken
        cases += 1
        taken += check(value)

    while time.monotonic() < until:
        limits = settings(
            max_examples=min(_CASES_AT_ONCE, max(50, int(seconds * 50))),
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
            phases=(Phase.generate, Phase.shrink),
        )
        seed(number)(limits(given(strategy)(one)))()
        number += 1
    return cases, taken


def _run(_: Path, seconds: int, seed_: int) -> str:
    figures = []
    for name in PARSERS:
        cases, taken = fuzz(name, seconds, seed_ * 1_000_000)
        figures.append(f"{cases:,} {name} ({taken:,} taken)")
    return f"{', '.join(figures)}; nothing unexpected"


GATE: Final = Gate(
    name="fuzzed",
    promise=(
        "the parsers of dates, filters, lines and whole bodies of lines read what they document, as others read it, and"
        " refuse the rest"
    ),
    full=600,
    unit="seconds a parser",
    run=_run,
)
