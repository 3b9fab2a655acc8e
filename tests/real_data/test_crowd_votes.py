"""Crowd votes: the majority of real workers is as often right as published, and ties stay Undecided.

In ZenCrowd_all a worker's vote on an item may occur more than once: 1,380 pairs of worker and item do, 247 of
them with different votes. The published figures count every row as a vote (of the latest row of each pair
alone, 0.8297 with 149 ties would come out), so a worker's second row on an item is given by an analyst of its
own; of one analyst only the latest vote would count. The other three sets have no such pair.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections import Counter, defaultdict
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from trueline.service.workspace import Workspace

MOMENT = "2024-01-01T00:00:00Z"


@dataclass(frozen=True)
class Published:
    votes: int
    items: int
    ties: int
    right: float
    """Of the items, with 1/k for a tie among k labels with the gold one among them; four digits."""


SETS = {
    "CF": Published(1_720, 300, 27, 0.8822),
    "MS": Published(2_945, 700, 188, 0.7042),
    "SP": Published(27_746, 4_999, 181, 0.8859),
    "ZenCrowd_all": Published(21_855, 2_040, 146, 0.8319),
}


@dataclass
class Crowd:
    """The votes on each item, in the order of the file, and what each item really is."""

    votes: dict[str, list[tuple[str, str]]]
    gold: dict[str, str]

    @property
    def labels(self) -> list[str]:
        named = {label for given in self.votes.values() for _, label in given} | set(self.gold.values())
        return sorted(named, key=int)

    def tied(self, item: str) -> set[str]:
        """The labels with the most votes."""
        counted = Counter(label for _, label in self.votes[item])
        return {label for label, count in counted.items() if count == max(counted.values())}


def crowd_of(file: Path) -> Crowd:
    """Read a set; the n-th row of a worker on an item is by the analyst "worker, n"."""
    crowd = Crowd(defaultdict(list), {})
    seen: Counter[tuple[str, str]] = Counter()
    for worker, item, vote, gold, *_ in csv.reader(io.StringIO(gzip.decompress(file.read_bytes()).decode())):
        seen[worker, item] += 1
        crowd.votes[item].append((f"{worker}, {seen[worker, item]}", vote))
        assert crowd.gold.setdefault(item, gold) == gold
    return crowd


def bulk_lines(crowd: Crowd) -> list[bytes]:
    """An event an item, its gold label the decision."""
    return [
        json.dumps(
            {
                "event_id": item,
                "timestamp": MOMENT,
                "raw_body": {"item": item},
                "decision": {"label": crowd.gold[item], "decided_at": MOMENT},
                "votes": [{"analyst": analyst, "label": label, "at": MOMENT} for analyst, label in given],
            }
        ).encode()
        for item, given in crowd.votes.items()
    ]


@pytest.mark.parametrize("name", SETS)
def test_the_majority_is_as_often_right_as_published(
    name: str, workspace: Workspace, shared_data: Path, fresh_title: Callable[[], str]
) -> None:
    published = SETS[name]
    crowd = crowd_of(shared_data / "crowd-votes" / f"{name}.csv.gz")
    assert sum(map(len, crowd.votes.values())) == published.votes
    job = workspace.jobs.create(title=fresh_title(), labels=crowd.labels)
    assert workspace.ingest.bulk(job, bulk_lines(crowd)).accepted == published.items

    body = workspace.metrics.job(job.id, truth="explicit")
    undecided = workspace.metrics.job(
        job.id, filters=[{"field": "arcanna.consensus", "operator": "is", "value": "Undecided"}]
    )

    assert body["total_events"] == published.items
    assert undecided["total_events"] == published.ties
    assert body["total_events_with_consensus"] == published.items - published.ties
    right_by_consensus = sum(body["confusion_matrix"][place][place] for place in range(len(crowd.labels)))
    right_by_chance = sum(
        (Fraction(1, len(crowd.tied(item))) for item, gold in crowd.gold.items() if {gold} < crowd.tied(item)),
        Fraction(0),
    )
    assert round(float((right_by_consensus + right_by_chance) / published.items), 4) == published.right


@pytest.mark.parametrize("name", SETS)
def test_every_cell_is_the_one_counted_from_the_votes(
    name: str, workspace: Workspace, shared_data: Path, fresh_title: Callable[[], str]
) -> None:
    """The same through a job whose votes arrive after its events."""
    crowd = crowd_of(shared_data / "crowd-votes" / f"{name}.csv.gz")
    job = workspace.jobs.create(title=fresh_title(), labels=crowd.labels)
    lines = [json.loads(line) for line in bulk_lines(crowd)]
    votes = [{"event_id": line["event_id"], **vote} for line in lines for vote in line.pop("votes")]
    workspace.ingest.bulk(job, [json.dumps(line).encode() for line in lines])
    for first in range(0, len(votes), 10_000):
        batch = [json.dumps(vote).encode() for vote in votes[first : first + 10_000]]
        assert workspace.feedback.bulk(job, batch).accepted == len(batch)

    cells = Counter((*tied, crowd.gold[item]) for item in crowd.votes if len(tied := crowd.tied(item)) == 1)
    body = workspace.metrics.job(job.id, truth="explicit")

    assert body["confusion_matrix"] == [[cells[truth, decision] for decision in crowd.labels] for truth in crowd.labels]
