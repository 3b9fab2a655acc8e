"""Import the AIT Alert Data Set as a user would, ask for metrics over HTTP, and print what it took.

Nothing is asserted of the times: the table shows them beside their targets. The counts must be exact, else
the exit code is 1. See docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table

from alerts import PAGES, PUBLISHED, QUESTIONS, Columns, Counts, PageQuestion, Question, read_columns, write_part
from processes import CommandError, import_alerts, resident_bytes, served, trueline
from timing import Timed

PROJECT = Path(__file__).resolve().parent.parent
ARCHIVE = PROJECT.parent / "shared" / "data" / "ait-ads" / "alerts_csv.zip"
MAPPING = PROJECT / "examples" / "ait-ads.toml"
JOB = "AIT alerts"

WARM_UPS, RUNS = 3, 31
EVENTS_PER_SECOND = 60_000
RESIDENT_BYTES = 1.5e9
PAGE_SIZE = 50
PAGE_MILLISECONDS = 300.0
FIELDS = "POST /api/v2/filters/fields"
SCORES = ("true_positives", "false_positives", "false_negatives", "true_negatives")
PASSED, INEXACT, NO_DATA = 0, 1, 2

console = Console(highlight=False, soft_wrap=True)


def main() -> int:
    """Run the benchmark.

    Returns:
        0, 1 where a count is wrong, 2 where the data is absent.
    """
    asked = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that the server is ended too
    if not ARCHIVE.is_file():
        console.print(f"The real alerts are not there: no {os.path.relpath(ARCHIVE, PROJECT)} beside the project")
        return NO_DATA
    with tempfile.TemporaryDirectory(prefix="trueline-bench-") as temporary:
        folder = Path(temporary) if asked.keep is None else asked.keep.resolve()
        folder.mkdir(parents=True, exist_ok=True)
        return _measure(folder, asked.rows)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Benchmark on the AIT Alert Data Set.")
    parser.add_argument(
        "--rows", type=int, metavar="N", help="about so many rows only, spread over all, for a quick run"
    )
    parser.add_argument(
        "--keep", type=Path, metavar="DIR", help="import into this folder, or use what was imported there before"
    )
    return parser.parse_args()


def _measure(folder: Path, rows: int | None) -> int:
    console.print(f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    archive = ARCHIVE
    if rows is not None:
        archive = folder / "alerts_csv.zip"
        write_part(ARCHIVE, archive, rows)
    columns = read_columns(archive)
    console.print(f"{len(columns):,} alerts")
    rate = _import(archive, folder, len(columns))

    key = trueline("keys", "create", "bench", "--data", str(folder / "data"), folder=folder).strip()
    with (
        served(folder / "data") as (address, process_id),
        httpx.Client(base_url=address, headers={"X-Arcanna-Api-Key": key}, timeout=60) as client,
    ):
        before = resident_bytes(process_id)
        exact = _exact(client, columns, whole=rows is None) and _pages_exact(client, columns)
        timed = _time(client, columns)
        paged = _time_pages(client)
        after = resident_bytes(process_id)
    _print_times(timed)
    _print_page_times(paged)
    _print_targets(rate, timed, paged, after[1])
    console.print(
        f"Resident memory of the server: {_megabytes(before[0])} at the start, {_megabytes(after[0])} after the"
        f" questions, {_megabytes(after[1])} at its highest"
    )
    return PASSED if exact else INEXACT


def _import(archive: Path, folder: Path, rows: int) -> float | None:
    """Import, unless it was done before; gives rows a second of the whole command, its start included."""
    data = folder / "data"
    if data.exists():
        console.print(f"Using what was imported into {data} before")
        return None
    started = time.perf_counter()
    summary = import_alerts(archive, MAPPING, JOB, data)
    seconds = time.perf_counter() - started
    highest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    size = sum(path.stat().st_size for path in data.rglob("*") if path.is_file())
    console.print(f"trueline import: {summary.strip()}")
    console.print(
        f"The whole command: {seconds:.1f} s, {rows / seconds:,.0f} rows/s; {_megabytes(highest)} resident at its"
        f" highest; {_megabytes(size)} on disk"
    )
    return rows / seconds


def _ask(client: httpx.Client, question: Question) -> Counts:
    answer = client.post("/api/v2/metrics/job", params={"job_id": JOB, **question.parameters}, json=question.body)
    answer.raise_for_status()
    attack = answer.json()["metrics_per_decision"]["attack"]
    true_positives, false_positives, false_negatives, true_negatives = (int(attack[name]) for name in SCORES)
    return true_positives, false_positives, false_negatives, true_negatives


def _exact(client: httpx.Client, columns: Columns, *, whole: bool) -> bool:
    """Compare the four counts of every question with those of the rows themselves, and with the published."""
    exact = True
    for question in QUESTIONS:
        found, expected = _ask(client, question), columns.counts(question)
        if found != expected:
            console.print(f"WRONG: {question.title}: {found}, but the rows give {expected}")
            exact = False
    if whole and _ask(client, QUESTIONS[0]) != PUBLISHED:
        console.print(f"WRONG: the whole set must give {PUBLISHED}")
        exact = False
    if exact:
        console.print(f"All counts are exact; of the whole: {', '.join(f'{n:,}' for n in _ask(client, QUESTIONS[0]))}")
    return exact


def _time(client: httpx.Client, columns: Columns) -> list[tuple[Timed, Timed]]:
    """Time every question, over HTTP and on the columns in memory, taking turns."""
    timed = [(Timed(), Timed()) for _ in QUESTIONS]
    for turn in range(WARM_UPS + RUNS):
        for question, (over_http, in_memory) in zip(QUESTIONS, timed, strict=True):
            started = time.perf_counter()
            _ask(client, question)
            answered = time.perf_counter()
            columns.counts(question)
            counted = time.perf_counter()
            if turn >= WARM_UPS:
                over_http.add(answered - started)
                in_memory.add(counted - answered)
    return timed


def _page(client: httpx.Client, question: PageQuestion) -> dict[str, Any]:
    answer = client.post("/api/v2/events/query", json={"job_titles": JOB, "size": PAGE_SIZE, **question.body})
    answer.raise_for_status()
    page: dict[str, Any] = answer.json()
    return page


def _pages_exact(client: httpx.Client, columns: Columns) -> bool:
    """Compare how many events each page is of, and their times, with the rows themselves."""
    exact = True
    for question in PAGES:
        found = _page(client, question)
        times = [event["arcanna"]["@timestamp"] for event in found["events"]]
        expected = columns.page(question, PAGE_SIZE)
        if (found["total_count"], times) != expected:
            console.print(f"WRONG: {question.title}: {found['total_count']}, but the rows give {expected[0]}")
            exact = False
    return exact


def _time_pages(client: httpx.Client) -> list[Timed]:
    """Time every page, and the fields of the job as the last, taking turns."""
    timed = [Timed() for _ in (*PAGES, "fields")]
    for turn in range(WARM_UPS + RUNS):
        for place, times in enumerate(timed):
            started = time.perf_counter()
            if place < len(PAGES):
                _page(client, PAGES[place])
            else:
                client.post("/api/v2/filters/fields", json={"job_titles": JOB}).raise_for_status()
            if turn >= WARM_UPS:
                times.add(time.perf_counter() - started)
    return timed


def _print_page_times(paged: list[Timed]) -> None:
    table = Table(title=f"POST /api/v2/events/query, {PAGE_SIZE} events: milliseconds, {RUNS} runs each")
    for heading in ("question", "median", "p95"):
        table.add_column(heading, justify="left" if heading == "question" else "right")
    for title, times in zip([*(question.title for question in PAGES), FIELDS], paged, strict=True):
        table.add_row(title, f"{times.median:.1f}", f"{times.p95:.1f}")
    console.print(table)


def _print_times(timed: list[tuple[Timed, Timed]]) -> None:
    table = Table(title=f"POST /api/v2/metrics/job: milliseconds, {RUNS} runs each after {WARM_UPS} to warm up")
    for heading in ("question", "median", "p95", "floor: numpy, median"):
        table.add_column(heading, justify="left" if heading == "question" else "right")
    for question, (over_http, in_memory) in zip(QUESTIONS, timed, strict=True):
        table.add_row(question.title, f"{over_http.median:.1f}", f"{over_http.p95:.1f}", f"{in_memory.median:.1f}")
    console.print(table)


def _print_targets(rate: float | None, timed: list[tuple[Timed, Timed]], paged: list[Timed], resident: int) -> None:
    """Print each figure as a multiple of its target: of the rate 1 or more is met, of all else below 1."""
    if rate is not None:
        _print_target("import, rows/s", rate, EVENTS_PER_SECOND, met=rate >= EVENTS_PER_SECOND)
    for question, (over_http, _) in zip(QUESTIONS, timed, strict=True):
        target = question.target_milliseconds
        _print_target(f"{question.title}, median ms", over_http.median, target, met=over_http.median < target)
    for page, times in zip(PAGES, paged, strict=False):
        met = times.median < PAGE_MILLISECONDS
        _print_target(f"page: {page.title}, median ms", times.median, PAGE_MILLISECONDS, met=met)
    _print_target(
        "server, MB resident at its highest", resident / 1e6, RESIDENT_BYTES / 1e6, met=resident < RESIDENT_BYTES
    )


def _print_target(title: str, figure: float, target: float, *, met: bool) -> None:
    ratio = f"{figure / target:.2f} of the target {target:,.0f}"
    console.print(f"{title}: {figure:,.1f}, {ratio}: {'met' if met else 'MISSED'}")


def _megabytes(size: float) -> str:
    return f"{size / 1e6:,.0f} MB"


if __name__ == "__main__":
    try:
        sys.exit(main())
    except CommandError as error:
        sys.exit(str(error))
