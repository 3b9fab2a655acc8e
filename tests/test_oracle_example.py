"""The worked example of the definitions, sentence by sentence: for the oracle, and for the product."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from oracle import JobTerms, Oracle, differences

if TYPE_CHECKING:
    from collections.abc import Callable

    from trueline.service.workspace import Workspace

LABELS = ["Drop", "Investigate", "Escalate"]
DECISIONS = {"a": "Drop", "b": "Drop", "c": "Escalate", "d": "Investigate", "e": "Drop"}
LATER_VOTES = [("b", "ana", "Escalate"), ("d", "ana", "Drop"), ("d", "ben", "Escalate")]
HAPPENED = "2025-01-01T10:00:00Z"
FIRST_VOTE, TRAINED, OTHER_VOTES, WITHDRAWN = (f"2025-01-0{day}T00:00:00Z" for day in (2, 3, 4, 5))
NOW = 1_800_000_000_000_000


def check_before_the_withdrawal(metrics: Callable[[str], dict[str, object]]) -> None:
    implicit = metrics("implicit")
    assert not differences(
        implicit,
        {
            "confusion_matrix": [[2, 0, 0], [0, 0, 0], [1, 0, 1]],
            "overall_accuracy": 3 / 4,
            "overall_f1_score": 11 / 15,
            "overall_recall": 3 / 4,
            "overall_precision": 5 / 6,
            "metrics_per_decision": {
                "Drop": scores(precision=2 / 3, recall=1.0, f1_score=0.8, counts=(2, 1, 1, 0)),
                "Investigate": scores(precision=0.0, recall=0.0, f1_score=0.0, counts=(0, 4, 0, 0)),
                "Escalate": scores(precision=1.0, recall=1 / 2, f1_score=2 / 3, counts=(1, 2, 0, 1)),
            },
            "start_time": HAPPENED,
            "end_time": HAPPENED,
            "time_saved_minutes": 30.0,
            "active_model_id": "first",
            "all_model_ids": ["first"],
            "total_events": 5,
            "total_events_in_knowledge_base": 1,
            "total_events_with_consensus": 2,
            "changed_consensus_after_training": {
                "total_events": 0,
                "top_events_ids": [],
                "top_buckets_ids": [],
            },
        },
    )
    explicit = metrics("explicit")
    assert explicit["confusion_matrix"] == [[0, 0, 0], [0, 0, 0], [1, 0, 1]]
    assert explicit["overall_accuracy"] == 1 / 2
    assert explicit["total_events"] == 5


def check_after_the_withdrawal(metrics: Callable[[str], dict[str, object]]) -> None:
    body = metrics("implicit")
    assert body["confusion_matrix"] == [[2, 0, 0], [0, 0, 0], [1, 0, 1]]  # c counts by its decision
    assert body["total_events_with_consensus"] == 1
    assert body["total_events_in_knowledge_base"] == 1
    assert body["changed_consensus_after_training"] == {
        "total_events": 1,
        "top_events_ids": ["c"],
        "top_buckets_ids": [],
    }


def scores(*, precision: float, recall: float, f1_score: float, counts: tuple[int, int, int, int]) -> dict[str, float]:
    names = ["true_positives", "true_negatives", "false_positives", "false_negatives"]
    return {
        "precision": precision,
        "recall": recall,
        "f1_score": f1_score,
        **dict(zip(names, counts, strict=True)),
    }


def test_oracle_gives_the_worked_example() -> None:
    oracle = Oracle(JobTerms(LABELS))
    for event_id, label in DECISIONS.items():
        assert oracle.event(event_id, {}, timestamp=HAPPENED, arrived_at=NOW)
        oracle.decide(event_id, label, decided_at=HAPPENED, arrived_at=NOW)
    oracle.vote("ana", "Escalate", event_id="c", at=FIRST_VOTE, arrived_at=NOW)
    oracle.train("first", trained_at=TRAINED, arrived_at=NOW)
    for event_id, analyst, label in LATER_VOTES:
        oracle.vote(analyst, label, event_id=event_id, at=OTHER_VOTES, arrived_at=NOW)
    check_before_the_withdrawal(lambda truth: oracle.metrics(truth=truth))
    oracle.vote("ana", None, event_id="c", at=WITHDRAWN, arrived_at=NOW)
    check_after_the_withdrawal(lambda truth: oracle.metrics(truth=truth))


def test_product_gives_the_worked_example(workspace: Workspace, fresh_title: Callable[[], str]) -> None:
    job = workspace.jobs.create(title=fresh_title(), labels=LABELS)

    def vote(event_id: str, analyst: str, label: str | None, at: str) -> None:
        line = {"event_id": event_id, "analyst": analyst, "label": label, "at": at}
        assert workspace.feedback.bulk(job, [json.dumps(line).encode()]).accepted == 1

    events = [
        {
            "event_id": event_id,
            "timestamp": HAPPENED,
            "raw_body": {},
            "decision": {"label": label, "decided_at": HAPPENED},
        }
        for event_id, label in DECISIONS.items()
    ]
    assert workspace.ingest.bulk(job, [json.dumps(event).encode() for event in events]).accepted == 5
    vote("c", "ana", "Escalate", FIRST_VOTE)
    workspace.training.register(job, model_id="first", trained_at=TRAINED)
    for event_id, analyst, label in LATER_VOTES:
        vote(event_id, analyst, label, OTHER_VOTES)
    check_before_the_withdrawal(lambda truth: workspace.metrics.job(job.id, truth=truth))
    vote("c", "ana", None, WITHDRAWN)
    check_after_the_withdrawal(lambda truth: workspace.metrics.job(job.id, truth=truth))
