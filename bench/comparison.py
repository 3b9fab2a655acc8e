"""Loads every contender, has each sit with Trueline, and tells what came of it."""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import ExitStack, closing
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final, get_args

from bodies import write_bodies
from contenders import AbsentError
from contenders.duckdb import DuckDB
from contenders.floor import Floor
from contenders.notebook import Notebook
from contenders.postgresql import PostgreSQL
from contenders.trueline import faces
from loading import load
from processes import CommandError, highest_resident_bytes
from report import Report
from results import Grouped, Size, figures, http_on_top
from sitting import Turns
from stream import Grouping, Stream
from trueline.ledger.kept_columns import WORTH_KEEPING
from under_load import measure

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from contenders import Contender
    from sitting import Sitting

ALIKE, DIFFERENT, FAILED = 0, 1, 2
GROUPINGS: Final[tuple[Grouping, ...]] = get_args(Grouping)
CONTENDERS: Final[dict[str, Callable[[], Contender]]] = {
    "notebook": Notebook,
    "duckdb-json": lambda: DuckDB(columns=False),
    "duckdb-columns": lambda: DuckDB(columns=True),
    "postgresql": PostgreSQL,
    "floor": Floor,
}
_TOGETHER: Final = 1_000_000
"""With more events than these the contenders do not fit into memory together: each sits with Trueline alone."""
_WORTH_WEIGHING: Final = 1_000_000
"""With fewer events nobody asks how large they are: no minute is waited until what was merged has gone."""
_SEED: Final = 20_251_101
_PACKAGES: Final = ("trueline", "chdb", "duckdb", "pandas", "scikit-learn", "numpy")


@dataclass(frozen=True)
class Plan:
    """How to compare."""

    groupings: Sequence[Grouping] = GROUPINGS
    contenders: Sequence[str] = tuple(CONTENDERS)
    runs: int = 21
    """Of each question in a sitting, at most."""
    seconds: float = 20
    """That one contender may spend on one question in a sitting before it is asked no more."""
    load_seconds: float = 20
    """How long bulk requests come at each pace of who asks, and single events three times as long; with 0 none do."""
    seed: int = _SEED
    apart: bool = False
    """Whether each sits with Trueline alone, however few events there are: then sizes are compared like with like."""
    keep_from: int = WORTH_KEEPING
    """Events of a job from which on the fields that filters ask for are kept in memory."""


def main() -> int:
    """Compare, print, and write the results where asked.

    Returns:
        0, 1 where answers differ, 2 where something did not run at all.
    """
    asked = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that every server is ended too
    sizes = asked.rows or (1_000_000, 10_000_000)
    plan = Plan(
        asked.grouping or GROUPINGS,
        asked.contenders or tuple(CONTENDERS),
        asked.runs,
        asked.seconds,
        asked.load_seconds,
        asked.seed,
        apart=len(sizes) > 1,
    )
    report = Report(_machine())
    try:
        for rows in sizes:
            report.add(Comparison(Stream(rows, plan.seed), plan, report).made())
            if asked.out is not None:
                report.write(asked.out)
    except CommandError as error:
        report.say(str(error))
        return FAILED
    finally:
        report.show()
    return DIFFERENT if report.differences else ALIKE


class Comparison:
    """One size: Trueline and each contender with so many events."""

    def __init__(self, stream: Stream, plan: Plan, report: Report) -> None:
        self._stream = stream
        self._plan = plan
        self.report = report
        self._size = Size(len(stream))
        self._sittings: dict[Grouping, list[Sitting]] = defaultdict(list)

    def made(self) -> Size:
        """Load Trueline, have the others sit with it, and put it under load at the end, which adds events."""
        with tempfile.TemporaryDirectory(prefix="trueline-compare-") as temporary:
            folder = Path(temporary)
            self._load_trueline(folder)
            together = (len(self._stream) <= _TOGETHER and not self._plan.apart) or not self._plan.contenders
            for names in [self._plan.contenders] if together else [[name] for name in self._plan.contenders]:
                self._have_sit(names, folder)
            for grouping, grouped in self._size.groupings.items():
                grouped.figures = figures(self._sittings[grouping])
                grouped.http_on_top = http_on_top(self._sittings[grouping])
                grouped.disk_bytes = _bytes_below(folder / grouping)
                if self._plan.load_seconds:
                    self._say(f"{grouping}: under load")
                    grouped.under_load = measure(
                        folder / grouping / "data", self._stream, grouping, self._plan.load_seconds
                    )
        return self._size

    def _load_trueline(self, folder: Path) -> None:
        self._say("being written as the bodies of requests")
        bodies = write_bodies(self._stream, folder / "bodies")
        os.sync()  # or the disk would still be writing them when the clock runs
        for grouping in self._plan.groupings:
            (folder / grouping).mkdir()
            self._say(f"Trueline, {grouping}: being loaded")
            loaded = load(self._stream, grouping, bodies, folder / grouping / "data")
            self._size.groupings[grouping] = Grouped(loaded)
            self._say(
                f"Trueline, {grouping}: {loaded.documents_a_second:,.0f} documents/s and"
                f" {loaded.votes_a_second:,.0f} votes/s over HTTP, training in {loaded.training_seconds:.1f} s,"
                f" {_bytes_below(folder / grouping) / len(self._stream):.0f} bytes an event on disk,"
                f" {loaded.resident_bytes / 1e6:,.0f} MB resident at its highest"
            )
        shutil.rmtree(folder / "bodies")

    def _have_sit(self, names: Sequence[str], folder: Path) -> None:
        with ExitStack() as opened:
            contenders = []
            for name in names:
                contender = opened.enter_context(closing(CONTENDERS[name]()))
                if self._is_loaded(name, contender):
                    contenders.append(contender)
            for grouping in self._plan.groupings:
                for contender in contenders:
                    contender.weigh(self._stream, grouping)
                self._sit(grouping, folder, contenders)

    def _is_loaded(self, name: str, contender: Contender) -> bool:
        started = time.perf_counter()
        try:
            contender.load(self._stream)
        except AbsentError as absent:
            self._size.absent[name] = str(absent)
            self.report.say(f"Without {name}: {absent}")
            return False
        seconds = time.perf_counter() - started
        self._size.load_seconds[contender.title] = seconds
        self._say(f"{contender.title}: loaded in {seconds:.1f} s")
        return True

    def _sit(self, grouping: Grouping, folder: Path, others: Sequence[Contender]) -> None:
        data = folder / grouping / "data"
        with faces(data, self._stream, grouping, self._plan.keep_from) as (over_http, at_service, process_id):
            turns = Turns((over_http, at_service), others, self._plan.runs, self._plan.seconds)
            turns.settle = at_service.settle
            sitting = turns.take()
            highest = highest_resident_bytes(process_id)
            if len(self._stream) >= _WORTH_WEIGHING:
                at_service.let_merged_go()
        self._sittings[grouping].append(sitting)
        grouped = self._size.groupings[grouping]
        grouped.resident_bytes = max(grouped.resident_bytes, highest)
        grouped.kept = sitting.kept
        for difference in sitting.differences:
            self.report.differs(f"{len(self._stream):,} events, {grouping}, {difference}")

    def _say(self, what: str) -> None:
        self.report.say(f"{len(self._stream):,} events, {what}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Trueline beside what people would use instead.")
    parser.add_argument("--rows", type=int, action="append", metavar="N", help="events; may be given more than once")
    parser.add_argument("--grouping", action="append", choices=GROUPINGS, help="both where not given")
    parser.add_argument("--contenders", nargs="+", choices=CONTENDERS, help="all where not given")
    parser.add_argument("--runs", type=int, default=Plan.runs, metavar="N", help="of each question, at most")
    parser.add_argument(
        "--seconds", type=float, default=Plan.seconds, metavar="S", help="for one contender and question, about"
    )
    parser.add_argument(
        "--load-seconds",
        type=float,
        default=Plan.load_seconds,
        metavar="S",
        help="that bulk requests come at each pace, single ones three times as long; 0: none",
    )
    parser.add_argument("--seed", type=int, default=_SEED, help="of the events")
    parser.add_argument("--out", type=Path, metavar="FILE.json", help="results as JSON, and as FILE.md beside it")
    return parser.parse_args()


def _machine() -> dict[str, str]:
    with Path("/proc/meminfo").open(encoding="ascii") as lines:
        kilobytes = int(next(lines).split()[1])
    return {
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "system": platform.platform(aliased=True, terse=True),
        "version": _version(),
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "memory": f"{kilobytes / 2**20:.0f} GiB",
        "Python": platform.python_version(),
        **{package: version(package) for package in _PACKAGES},
    }


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def _version() -> str:
    """Which version of the project is measured, where it is known."""
    try:
        told = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=10"],  # noqa: S607 - whichever git there is
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return told.stdout.strip()


def _bytes_below(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
