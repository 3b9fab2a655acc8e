"""Davidson et al.: the consensus of about 80,000 real votes is the published majority, row by row."""

from __future__ import annotations

import csv
import gzip
import io
import itertools
import json
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from trueline.service.workspace import Workspace

LABELS = ["hate_speech", "offensive_language", "neither"]
ROWS = 24_783
LINES_AT_ONCE = 10_000
MOMENT = "2024-01-01T00:00:00Z"

Row = dict[str, str]


def rows_of(file: Path) -> list[Row]:
    text = gzip.decompress(file.read_bytes()).decode()
    return [{**row, "index": row[""]} for row in csv.DictReader(io.StringIO(text))]


def majority(row: Row) -> str:
    """What was published as the majority of the row's votes."""
    return LABELS[int(row["class"])]


def votes_on(row: Row) -> list[dict[str, str]]:
    """As many votes for each class as the row counts, each by an analyst of its own."""
    given = [label for label in LABELS for _ in range(int(row[label]))]
    assert len(given) == int(row["count"])
    return [{"analyst": f"coder {number}", "label": label, "at": MOMENT} for number, label in enumerate(given)]


def event_line(row: Row, *, with_votes: bool) -> dict[str, object]:
    line: dict[str, object] = {
        "event_id": row["index"],
        "timestamp": MOMENT,
        "raw_body": {"coders": int(row["count"])},
        "decision": {"label": majority(row), "decided_at": MOMENT},
    }
    return {**line, "votes": votes_on(row)} if with_votes else line


def bulks(lines: Iterable[dict[str, object]]) -> Iterator[list[bytes]]:
    left = iter(lines)
    while batch := [json.dumps(line).encode() for line in itertools.islice(left, LINES_AT_ONCE)]:
        yield batch


def test_the_majority_of_real_votes_is_the_consensus(
    workspace: Workspace, shared_data: Path, fresh_title: Callable[[], str]
) -> None:
    rows = rows_of(shared_data / "davidson" / "labels.csv.gz")
    assert len(rows) == ROWS
    halves = rows[: ROWS // 2], rows[ROWS // 2 :]
    job = workspace.jobs.create(title=fresh_title(), labels=LABELS)

    for half, with_votes in zip(halves, (True, False), strict=True):
        for batch in bulks(event_line(row, with_votes=with_votes) for row in half):
            assert workspace.ingest.bulk(job, batch).accepted == len(batch)
    voted_with_their_events = workspace.metrics.job(job.id)["total_events_with_consensus"]
    for batch in bulks({"event_id": row["index"], **vote} for row in halves[1] for vote in votes_on(row)):
        assert workspace.feedback.bulk(job, batch).accepted == len(batch)

    assert voted_with_their_events == len(halves[0])
    published = Counter(majority(row) for row in rows)
    body = workspace.metrics.job(job.id, truth="explicit")
    # each decision is the published class: nothing beside the diagonal means that every consensus is it too
    assert body["confusion_matrix"] == [
        [published[truth] if truth == decision else 0 for decision in LABELS] for truth in LABELS
    ]
    assert body["total_events"] == body["total_events_with_consensus"] == ROWS
    for label in [*LABELS, "Undecided"]:
        asked = [{"field": "arcanna.consensus", "operator": "is", "value": label}]
        assert workspace.metrics.job(job.id, filters=asked)["total_events"] == published[label], label


def test_fewer_votes_than_the_job_asks_for_leave_a_row_undecided(
    workspace: Workspace, shared_data: Path, fresh_title: Callable[[], str]
) -> None:
    rows = rows_of(shared_data / "davidson" / "labels.csv.gz")[:2_000]
    job = workspace.jobs.create(title=fresh_title(), labels=LABELS, min_votes=4)
    for batch in bulks(event_line(row, with_votes=True) for row in rows):
        assert workspace.ingest.bulk(job, batch).accepted == len(batch)

    enough = Counter(majority(row) for row in rows if int(row["count"]) >= 4)
    body = workspace.metrics.job(job.id, truth="explicit")

    assert 0 < enough.total() < len(rows)
    assert [body["confusion_matrix"][place][place] for place in range(3)] == [enough[label] for label in LABELS]
    assert body["total_events_with_consensus"] == enough.total()
