"""The floor to reach at ten million events, and what of it was reached."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from contenders.trueline import AT_SERVICE, OVER_HTTP
from results import VOTE
from singles import CLIENTS
from under_load import LINES_A_SECOND, SINGLES_A_SECOND

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from results import Figure, Grouped, Size
    from stream import Grouping
    from under_load import Meanwhile

ROWS: Final = 10_000_000
_WHOLE_HOURS: Final = ("all time", "one day", "one month", "explicit policy")
_AFTER_VOTE: Final = "all time, after a vote"
_FILTERED: Final = (
    "path is a text",
    "path above a number",
    "path above a number, another each time",
    "path of many numbers",
    "path contains a text",
    "sparse path exists",
    "path of mixed type",
    "two filters, one month",
)
_NOTEBOOK, _JSON, _COLUMNS, _POSTGRES = "pandas + scikit-learn", "DuckDB, JSON", "DuckDB, columns", "PostgreSQL"


@dataclass(frozen=True, slots=True)
class Target:
    """One figure beside its bound."""

    title: str
    figure: float
    bound: float
    at_least: bool = False
    """Whether the bound is the least the figure may be; else the most."""

    @property
    def met(self) -> bool:
        return self.figure >= self.bound if self.at_least else self.figure <= self.bound

    @property
    def cells(self) -> list[str]:
        """Title, figure, bound, and whether it is met."""
        sign = "at least" if self.at_least else "at most"
        return [self.title, f"{self.figure:,.2f}", f"{sign} {self.bound:,.10g}", "met" if self.met else "MISSED"]


def targets(size: Size, small: Size | None, grouping: Grouping) -> Iterator[Target]:
    """Every target that was measured; against the smaller size where there is one."""
    grouped = size.groupings[grouping]
    rows = grouped.figures
    for row in _WHOLE_HOURS:
        yield Target(f"{row}, ms", rows[row][AT_SERVICE].median, 10)
        if small is not None:
            yield _growth(row, grouped, small, grouping)
        if row == "one day":
            yield from _faster(row, rows[row], {_COLUMNS: 1})
        else:
            yield from _faster(row, rows[row], {_NOTEBOOK: 50, _JSON: 10, _COLUMNS: 10})
    for row in _FILTERED:
        yield Target(f"{row}, ms", rows[row][AT_SERVICE].median, 250)
        yield from _faster(row, rows[row], {_JSON: 10, _POSTGRES: 10, _COLUMNS: 0.5})
    for title in (OVER_HTTP, AT_SERVICE):
        yield Target(f"{VOTE}, {title}, ms", rows[VOTE][title].median, 50)
    after = rows[_AFTER_VOTE][AT_SERVICE].median / rows["all time"][AT_SERVICE].median
    yield Target("all time after a vote, times the usual", after, 1.3)
    if small is not None:
        yield _growth(_AFTER_VOTE, grouped, small, grouping)
    yield Target("HTTP on top of the service call in the same turn, median, ms", grouped.http_on_top, 3)
    yield from _taking_in(size.rows, grouped)


def _growth(row: str, grouped: Grouped, small: Size, grouping: Grouping) -> Target:
    before = small.groupings[grouping].figures[row][AT_SERVICE].median
    title = f"{row}, times its cost at {small.rows:,}"
    return Target(title, grouped.figures[row][AT_SERVICE].median / before, 1.5)


def _faster(row: str, figures: Mapping[str, Figure], bounds: Mapping[str, float]) -> Iterator[Target]:
    for title, bound in bounds.items():
        if title in figures:
            yield Target(f"{row}, times as fast as {title}", figures[title].ratio, bound, at_least=True)


def _taking_in(events: int, grouped: Grouped) -> Iterator[Target]:
    resident = [grouped.loaded.resident_bytes, grouped.resident_bytes]
    yield Target("bulk, documents a second", grouped.loaded.documents_a_second, LINES_A_SECOND, at_least=True)
    if (load := grouped.under_load) is not None:
        resident.append(load.resident_bytes)
        title = "bulk of a job that was asked, documents a second"
        yield Target(title, load.bulk_alone, LINES_A_SECOND, at_least=True)
        yield from _asked("bulk", LINES_A_SECOND, load.bulk, load.quiet)
        of = f"one by one, {CLIENTS} clients"
        yield Target(f"{of}, events a second", load.singles_alone.events_a_second, SINGLES_A_SECOND, at_least=True)
        yield Target(f"{of}, p99 ms", load.singles_alone.p99_milliseconds, 150)
        yield from _asked(of, SINGLES_A_SECOND, load.singles, load.quiet)
        yield Target("seconds from start until ready", load.ready_seconds, 5)
        yield Target("seconds from start to the first answer", load.first_answer_seconds, 5)
    yield Target("resident memory at its highest, MB", max(resident) / 1e6, 2_000)
    yield Target("on disk, bytes an event", grouped.disk_bytes / events, 200)


def _asked(
    what: str, rate: float, meanwhile: Mapping[str, Meanwhile], quiet: Mapping[str, Mapping[str, float]]
) -> Iterator[Target]:
    """What is taken in while somebody asks, and how much slower they are answered."""
    for pace, load in meanwhile.items():
        yield Target(f"{what} while asked {pace}, events a second", load.a_second, rate, at_least=True)
        slower = {row: load.asked[row] / quiet[pace][row] for row in load.asked}
        row = max(slower, key=slower.__getitem__)
        title = f"the question that suffers most ({row}), times its quiet median at that pace"
        yield Target(f"{what} while asked {pace}, at {load.a_second:,.0f} a second {title}", slower[row], 3)
