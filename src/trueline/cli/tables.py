"""Tables on the terminal."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_WIDTH = 160
"""Of output that goes to no terminal, and so is cut to no window."""


def console() -> Console:
    """Standard output; into a file or a pipe it is wide and without colours."""
    if sys.stdout.isatty():
        return Console()
    return Console(width=_WIDTH, color_system=None)


def table(headings: Sequence[str], texts: int = 1) -> Table:
    """An empty table; its first ``texts`` columns hold text, the others numbers."""
    made = Table(box=box.SIMPLE_HEAD)
    for place, heading in enumerate(headings):
        made.add_column(heading, justify="left" if place < texts else "right", overflow="fold")
    return made


def print_table(console: Console, title: str, rows: Table) -> None:
    """Print a table under its title, which a narrow table would fold."""
    console.print(title, markup=False, highlight=False)
    console.print(rows)


def shown(figure: Mapping[str, Any], form: str) -> str:
    """A figure of the report and its interval, as a format has them; a dash where there is none."""
    value = "-" if figure["value"] is None else form.format(figure["value"])
    interval = figure["interval"]
    if interval is None:
        return value
    return f"{value} [{form.format(interval['low'])} to {form.format(interval['high'])}]"
