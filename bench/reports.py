"""What a report costs beside the metrics of the same events, right after a write: see docs/benchmarks.md.

Both are asked at the service call, in turns. Before each report somebody votes on the largest bucket, or an event, so
that nothing is told again that was told before.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from bodies import vote_line, write_bodies
from loading import JOB, load
from questions import QUESTIONS
from stream import LABELS, Stream
from timing import Timed
from trueline.garbage import look_seldom
from trueline.service.workspace import Workspace
from trueline.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from questions import Question
    from stream import Grouping
    from trueline.catalog.records import Job

TIMES = 3.0
BEYOND = 50.0
"""Milliseconds: a report takes at most so many times the metrics, and this."""


def main(arguments: list[str] | None = None) -> int:
    """Fill a data folder, or take one that is there, and print what each question takes."""
    parser = argparse.ArgumentParser(description="Time reports beside the metrics of the same events")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--grouping", choices=("event", "bucket"), default="bucket")
    parser.add_argument("--data", type=Path, help="a data folder with the job of that stream; used as it is")
    parser.add_argument("--runs", type=int, default=9)
    asked = parser.parse_args(arguments)
    stream = Stream(asked.rows)
    with tempfile.TemporaryDirectory(prefix="trueline-bench-") as folder:
        data = asked.data or Path(folder) / "all" / "data"
        if asked.data is None:
            print(f"loading {asked.rows:,} events", flush=True)
            load(stream, asked.grouping, write_bodies(stream, Path(folder) / "bodies"), data)
        print("| question | metrics, ms | report, ms | at most, ms |\n| --- | ---: | ---: | ---: |")
        for question, metrics, report in timed(data, stream, asked.grouping, asked.runs):
            bound = TIMES * metrics.median + BEYOND
            missed = "" if report.median <= bound else " (missed)"
            print(
                f"| {question.title} | {metrics.median:.1f} | {report.median:.1f} | {bound:.1f}{missed} |", flush=True
            )
    return 0


def timed(data: Path, stream: Stream, grouping: Grouping, runs: int) -> Iterator[tuple[Question, Timed, Timed]]:
    """Ask each question that a report can be asked: once to warm up, and so many times more."""
    look_seldom()
    with Workspace.open(Settings(data=data)) as workspace:
        job = workspace.jobs.get(JOB)
        for question in QUESTIONS:
            if question.after_vote or question.truth != "implicit":
                continue
            _ask(workspace, job, question)
            workspace.wait_for_filters()
            metrics, report = Timed(), Timed()
            for run in range(runs + 1):
                _vote(workspace, job, stream, grouping, LABELS[run % len(LABELS)])
                times = _ask(workspace, job, question)
                if run:
                    metrics.add(times[0])
                    report.add(times[1])
            yield question, metrics, report


def _ask(workspace: Workspace, job: Job, question: Question) -> tuple[float, float]:
    start, end = question.window or (None, None)
    filters = list(question.filters) or None
    began = time.perf_counter()
    workspace.metrics.job(job.id, start, end, filters)
    between = time.perf_counter()
    workspace.reports.of(job, start, end, filters)
    return between - began, time.perf_counter() - between


def _vote(workspace: Workspace, job: Job, stream: Stream, grouping: Grouping, label: str) -> None:
    line = vote_line(stream, grouping, stream.left_out(grouping), "somebody", label)
    workspace.feedback.bulk(job, [line])


if __name__ == "__main__":
    sys.exit(main())
