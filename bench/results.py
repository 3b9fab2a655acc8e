"""What a comparison found, in figures, and as tables."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from contenders.trueline import AT_SERVICE, FIRST_TIME, OVER_HTTP
from questions import QUESTIONS
from timing import Timed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loading import Loaded
    from sitting import Sitting
    from stream import Grouping
    from under_load import UnderLoad

VOTE: Final = "a vote acknowledged"
"""The title of that row, beside those of the questions."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One contender's times of one question, in milliseconds."""

    median: float
    p95: float
    runs: int
    ratio: float
    """Its median as a multiple of that of Trueline's service call in the same sitting."""


@dataclass(slots=True)
class Grouped:
    """A job of one grouping."""

    loaded: Loaded
    disk_bytes: int = 0
    """Of the data folder, after all sittings."""
    resident_bytes: int = 0
    """Of the server, at its highest in any sitting."""
    kept: list[str] = field(default_factory=list)
    """The fields that filters are told on from memory, in the last sitting."""
    figures: dict[str, dict[str, Figure]] = field(default_factory=dict)
    """By row, then by contender. Trueline's times are those of all sittings."""
    http_on_top: float = 0.0
    """Milliseconds of HTTP on top of the service call."""
    under_load: UnderLoad | None = None


@dataclass(slots=True)
class Size:
    """So many events."""

    rows: int
    load_seconds: dict[str, float] = field(default_factory=dict)
    """Of each contender but Trueline, to have all events in and indexed."""
    absent: dict[str, str] = field(default_factory=dict)
    """Why a contender is not here."""
    groupings: dict[Grouping, Grouped] = field(default_factory=dict)

    def contenders(self) -> list[str]:
        """Trueline's, then the others in the order of their sittings."""
        return [FIRST_TIME, OVER_HTTP, AT_SERVICE, *self.load_seconds]


ROWS: Final = (*(question.title for question in QUESTIONS), VOTE)


def figures(sittings: list[Sitting]) -> dict[str, dict[str, Figure]]:
    """Bring together what the sittings of one job found."""
    found: dict[str, dict[str, Figure]] = {}
    for row in ROWS:
        pooled: dict[str, Timed] = {}
        ratios: dict[str, float] = {}
        for sitting in sittings:
            timed = sitting.voted if row == VOTE else sitting.asked[row]
            if row in sitting.first:
                first = pooled.setdefault(FIRST_TIME, Timed())
                first.add(sitting.first[row])
                ratios[FIRST_TIME] = first.median / timed[AT_SERVICE].median
            for title, times in timed.items():
                pooled.setdefault(title, Timed()).times.extend(times.times)
                ratios[title] = times.median / timed[AT_SERVICE].median
        if len(sittings) > 1:  # of the two that sat in all of them
            ratios |= {title: pooled[title].median / pooled[AT_SERVICE].median for title in (OVER_HTTP, AT_SERVICE)}
        found[row] = {
            title: Figure(times.median, times.p95, len(times.times), ratios[title]) for title, times in pooled.items()
        }
    return found


def http_on_top(sittings: list[Sitting]) -> float:
    """How many milliseconds longer HTTP took than the service call in the same turn, the median of all turns."""
    return statistics.median(
        over_http - at_service
        for sitting in sittings
        for timed in sitting.asked.values()
        for over_http, at_service in zip(timed[OVER_HTTP].times, timed[AT_SERVICE].times, strict=True)
    )


def table(size: Size, grouping: Grouping) -> Iterator[list[str]]:
    """Head, then a row each; cells: median / p95 and, of others than the service call, the ratio to it."""
    contenders = size.contenders()
    yield ["question", *contenders]
    for row, figures_of in size.groupings[grouping].figures.items():
        yield [row, *(_cell(figures_of.get(title), title) for title in contenders)]


def growth(small: Size, large: Size, grouping: Grouping) -> Iterator[tuple[str, float]]:
    """What each row costs at the service call in the larger, as a multiple of what it does in the smaller."""
    before, after = small.groupings[grouping].figures, large.groupings[grouping].figures
    for row in ROWS:
        yield row, after[row][AT_SERVICE].median / before[row][AT_SERVICE].median


def _cell(figure: Figure | None, title: str) -> str:
    if figure is None:
        return ""
    times = f"{figure.median:,.1f} / {figure.p95:,.1f}"
    return times if title == AT_SERVICE else f"{times} ({figure.ratio:,.{1 if figure.ratio < 100 else 0}f} x)"  # noqa: PLR2004
