"""How far an import or a backup has come: a bar on a terminal, else a line now and then."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol, Self

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from trueline.importers.run import Tally, Watcher

_SECONDS_BETWEEN_LINES = 5.0
_SECONDS_BETWEEN_LINES_OF_COPYING = 1.0


class Shown(Protocol):
    """A watcher of an import that is there for the time of a ``with``."""

    def __enter__(self) -> Watcher: ...

    def __exit__(self, *_: object) -> None: ...


def shown_progress(total: int) -> Shown:
    """What suits standard error; ``total`` bytes are to be read."""
    return _Bar(total) if sys.stderr.isatty() else _Lines(total)


class _Bar:
    def __init__(self, total: int) -> None:
        self._started = time.monotonic()
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            DownloadColumn(),
            TextColumn("{task.fields[rate]:,.0f} rows/s"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
        )
        self._task = self._progress.add_task("", total=total, rate=0.0)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def reading(self, file: str, position: int, tally: Tally) -> None:
        rate = tally.read / max(time.monotonic() - self._started, 1e-9)
        self._progress.update(self._task, description=file, completed=position, rate=rate)


class _Lines:
    def __init__(self, total: int) -> None:
        self._total = total
        self._started = self._last = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def reading(self, file: str, position: int, tally: Tally) -> None:
        now = time.monotonic()
        if now - self._last < _SECONDS_BETWEEN_LINES:
            return
        self._last = now
        seconds = now - self._started
        done = position / self._total if self._total else 1.0
        left = f", {seconds * (1 - done) / done:,.0f} s left" if done else ""
        line = f"{file}: {100 * done:.0f} %, {tally.read:,} rows, {tally.read / seconds:,.0f} rows/s{left}"
        typer.echo(line, err=True)


@contextmanager
def shown_copying(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show how far a copy of so many bytes has come; gives what is to be told how many are done."""
    if not sys.stderr.isatty():
        yield _lines_of_copying(what, total)
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(what, total=total)
        yield lambda done: progress.update(task, completed=done)
        progress.update(task, completed=total)


def _lines_of_copying(what: str, total: int) -> Callable[[int], None]:
    started = last = time.monotonic()

    def copied(done: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= _SECONDS_BETWEEN_LINES_OF_COPYING:
            last = now
            rate = done / (now - started)
            line = f"{what}: {100 * done / total:.0f} %, {done / 1e6:,.0f} MB, {rate / 1e6:,.0f} MB/s"
            typer.echo(f"{line}, {(total - done) / rate:,.0f} s left" if done else line, err=True)

    return copied
