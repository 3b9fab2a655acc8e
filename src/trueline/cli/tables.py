"""Tables on the terminal."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, TypeVar

from rich import box
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_Column = TypeVar("_Column")

_WIDTH = 160
"""Of output that goes to no terminal, and so is cut to no window."""


def console(widest: int = _WIDTH) -> Console:
    """Standard output, at most so wide; into a file or a pipe it is just that wide and without colours."""
    if sys.stdout.isatty():
        return Console(width=min(Console().width, widest))
    return Console(width=widest, color_system=None)


def table(headings: Sequence[str], texts: int = 1, widest: int | None = None) -> Table:
    """An empty table; its first ``texts`` columns hold text, at most so wide, the others numbers."""
    made = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, collapse_padding=True)
    for place, heading in enumerate(headings):
        if place < texts:
            made.add_column(heading, overflow="fold", max_width=widest)
        else:
            made.add_column(heading, justify="right", overflow="fold")
    return made


def print_table(console: Console, title: str, rows: Table, *, gap: bool = True) -> None:
    """Print a table under its title, which a narrow table would fold, and an empty line after it."""
    console.print(title, markup=False, highlight=False)
    console.print(rows)
    if gap:
        console.print()


def side_by_side(columns: Sequence[_Column], most: int) -> list[Sequence[_Column]]:
    """Columns in as many tables as it takes, so many beside each other."""
    return [columns[start : start + most] for start in range(0, len(columns), most)]


def shown(figure: Mapping[str, Any], form: str) -> str:
    """A figure of the report, as a format has it, and its interval in brackets.

    Without a value the interval is not one of confidence: it is all that is possible, and stands without brackets.
    A dash where there is neither.
    """
    value, interval = figure["value"], figure["interval"]
    if interval is None:
        return "-" if value is None else form.format(value)
    ends = f"{form.format(interval['low'])} to {form.format(interval['high'])}"
    return ends if value is None else f"{form.format(value)} [{ends}]"
