"""Tells what a comparison found: while it runs, at its end, and in files."""

from __future__ import annotations

import itertools
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.table import Table

from contenders.trueline import AT_SERVICE
from results import growth, table
from singles import CLIENTS
from targets import ROWS, targets
from under_load import PACES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from results import Size
    from stream import Grouping
    from under_load import UnderLoad

_TIMES: Final = f"milliseconds, median / p95 by nearest rank (median as a multiple of {AT_SERVICE})"
_MEDIANS: Final = "milliseconds, median (as a multiple of quiet)"
_WIDTH: Final = 200


class Report:
    """The results of every size, in the order of their making."""

    def __init__(self, machine: Mapping[str, str]) -> None:
        """``machine``: what it all ran on, for people."""
        self.differences: list[str] = []
        self._console = Console(highlight=False, width=_WIDTH)
        self._machine = machine
        self._sizes: list[Size] = []
        self.say(self._ran_on())

    def say(self, what: str) -> None:
        """Print a line at once."""
        self._console.print(what, markup=False, soft_wrap=True)

    def differs(self, what: str) -> None:
        """Take in, and print, answers that are not the same."""
        self.differences.append(what)
        self.say(f"DIFFERENT: {what}")

    def add(self, size: Size) -> None:
        """Take in a size that is done."""
        self._sizes.append(size)

    def show(self) -> None:
        """Print every table."""
        for title, rows in self._tables():
            head, *body = rows
            shown = Table(title=title, title_justify="left")
            for place, heading in enumerate(head):
                shown.add_column(heading, justify="right" if place else "left")
            for row in body:
                shown.add_row(*row)
            self._console.print(shown)
        self.say(self._verdict())

    def write(self, path: Path) -> None:
        """Write the figures as JSON, and the tables as Markdown beside it."""
        found = {
            "machine": self._machine,
            "sizes": [asdict(size) for size in self._sizes],
            "differences": self.differences,
        }
        path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        parts = [f"{self._ran_on()}. {self._verdict()}\n"]
        parts.extend(f"{title}:\n\n{_markdown(rows)}" for title, rows in self._tables())
        path.with_suffix(".md").write_text("\n".join(parts), encoding="utf-8")

    def _tables(self) -> Iterator[tuple[str, list[list[str]]]]:
        for size in self._sizes:
            for grouping in size.groupings:
                title = f"{size.rows:,} events, votes on {grouping}s, {_runs(size, grouping)}; {_TIMES}"
                yield title, list(table(size, grouping))
            yield f"{size.rows:,} events, taken in", list(_taken_in(size))
            if any(of.under_load is not None for of in size.groupings.values()):
                yield (
                    f"{size.rows:,} events, over HTTP while more is taken in; {_MEDIANS}",
                    list(_asked_meanwhile(size)),
                )
        if not self._sizes:
            return
        large, small = self._sizes[-1], self._sizes[0] if len(self._sizes) > 1 else None
        for grouping in large.groupings:
            votes = f"votes on {grouping}s"
            if small is not None:
                title = f"Cost at the service call, {large.rows:,} events over {small.rows:,}, {votes}"
                grown = [[question, f"{times:.2f}"] for question, times in growth(small, large, grouping)]
                yield title, [["question", "times"], *grown]
            title = f"The floor to reach at {ROWS:,} events, measured at {large.rows:,}, {votes}"
            cells = [target.cells for target in targets(large, small, grouping)]
            yield title, [["figure", "measured", "floor", ""], *cells]

    def _verdict(self) -> str:
        if self.differences:
            return f"{len(self.differences)} answers differed."
        return "All answers of all contenders were equal." if self._sizes else "Nothing was compared."

    def _ran_on(self) -> str:
        return ", ".join(f"{name} {value}" for name, value in self._machine.items())


def _runs(size: Size, grouping: Grouping) -> str:
    """How often each of the others was asked each question."""
    others = size.contenders()[3:] or [AT_SERVICE]
    runs = [
        of_row[title].runs
        for of_row in size.groupings[grouping].figures.values()
        for title in others
        if title in of_row
    ]
    return f"{min(runs)} to {max(runs)} runs each"


def _taken_in(size: Size) -> Iterator[list[str]]:
    """Head, then a row for each figure about the server as a whole, a column for each grouping."""
    yield ["", *size.groupings]
    each = list(size.groupings.values())
    yield ["bulk over HTTP, documents/s", *(f"{of.loaded.documents_a_second:,.0f}" for of in each)]
    yield ["votes over HTTP, in bulk, votes/s", *(f"{of.loaded.votes_a_second:,.0f}" for of in each)]
    yield ["a training, s", *(f"{of.loaded.training_seconds:.1f}" for of in each)]
    yield ["on disk, bytes an event", *(f"{of.disk_bytes / size.rows:.0f}" for of in each)]
    yield ["resident at its highest, while loaded, MB", *(f"{of.loaded.resident_bytes / 1e6:,.0f}" for of in each)]
    yield ["resident at its highest, while asked, MB", *(f"{of.resident_bytes / 1e6:,.0f}" for of in each)]
    loads = [of.under_load for of in each if of.under_load is not None]
    if len(loads) == len(each):
        yield from _under_load(loads)
    for title, seconds in size.load_seconds.items():
        yield [f"{title}, loaded in, s", f"{seconds:.1f}", *("" for _ in each[1:])]


def _under_load(loads: list[UnderLoad]) -> Iterator[list[str]]:
    yield ["resident at its highest, under load, MB", *(f"{of.resident_bytes / 1e6:,.0f}" for of in loads)]
    yield ["start until ready, s", *(f"{of.ready_seconds:.2f}" for of in loads)]
    yield ["start until the first answer, s", *(f"{of.first_answer_seconds:.2f}" for of in loads)]
    yield ["bulk into a job that was asked, documents/s", *(f"{of.bulk_alone:,.0f}" for of in loads)]
    for pace in PACES:
        yield [f"bulk while asked {pace}, documents/s", *(f"{of.bulk[pace].a_second:,.0f}" for of in loads)]
    for title, name in (
        ("events/s", "events_a_second"),
        ("p50, ms", "p50_milliseconds"),
        ("p99, ms", "p99_milliseconds"),
    ):
        cells = (f"{getattr(of.singles_alone, name):,.1f}" for of in loads)
        yield [f"one by one, {CLIENTS} clients, {title}", *cells]
    for pace in PACES:
        rates = (f"{of.singles[pace].a_second:,.1f}" for of in loads)
        yield [f"one by one while asked {pace}, events/s", *rates]


def _asked_meanwhile(size: Size) -> Iterator[list[str]]:
    """Head, then a row for each question asked over HTTP of a server that takes in events."""
    loads = {grouping: of.under_load for grouping, of in size.groupings.items() if of.under_load is not None}
    ways = (f"{what}, asked {pace}" for pace in PACES for what in ("quiet", "bulk", "one by one"))
    yield ["question", *(f"{grouping}: {way}" for grouping, way in itertools.product(loads, ways))]
    for row in next(iter(next(iter(loads.values())).quiet.values())):
        cells = [cell for load in loads.values() for pace in PACES for cell in _ways(load, pace, row)]
        yield [row, *cells]


def _ways(load: UnderLoad, pace: str, row: str) -> Iterator[str]:
    quiet = load.quiet[pace][row]
    yield f"{quiet:,.1f}"
    for meanwhile in (load.bulk[pace], load.singles[pace]):
        yield f"{meanwhile.asked[row]:,.1f} ({meanwhile.asked[row] / quiet:.1f} x)"


def _markdown(rows: list[list[str]]) -> str:
    head, *body = rows
    lines = [head, ["---", *("---:" for _ in head[1:])], *body]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
