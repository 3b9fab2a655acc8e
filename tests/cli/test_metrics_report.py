"""The tables that ``trueline metrics`` prints."""

from __future__ import annotations

import io
from typing import Any

from rich.console import Console

from trueline.cli.metrics_report import print_metrics
from trueline.metrics.counts import TruthPolicy

BODY: dict[str, Any] = {
    "confusion_matrix": [[4490, 1], [0, 749]],
    "overall_accuracy": 0.99981,
    "overall_f1_score": 0.99961,
    "overall_recall": 0.99989,
    "overall_precision": None,
    "metrics_per_decision": {
        "Drop": {
            "precision": 1.0, "recall": 0.99978, "f1_score": 0.99989, "true_positives": 4490,
            "true_negatives": 749, "false_positives": 0, "false_negatives": 1,
        },
        "[red]": {
            "precision": 0.99867, "recall": 1.0, "f1_score": 0.99933, "true_positives": 749,
            "true_negatives": 4490, "false_positives": 1, "false_negatives": 0,
        },
    },
    "start_time": "2025-01-01T00:00:00Z",
    "end_time": None,
    "time_saved_minutes": 52390.0,
    "active_model_id": "m1",
    "all_model_ids": ["m0", "m1"],
    "total_events": 5242,
    "total_events_in_knowledge_base": 2516,
    "total_events_with_consensus": 5,
    "changed_consensus_after_training": {"total_events": 3, "top_events_ids": [], "top_buckets_ids": []},
}  # fmt: skip

EXPECTED = """\
Confusion matrix: rows are the truth, columns the decision
        Drop  [red]
───────────────────
Drop   4,490      1
[red]      0    749

Scores by decision
decision  precision  recall      F1  true pos.  false pos.  false neg.  true neg.
─────────────────────────────────────────────────────────────────────────────────
Drop         1.0000  0.9998  0.9999      4,490           0           1        749
[red]        0.9987  1.0000  0.9993        749           1           0      4,490

Overall
accuracy  precision  recall      F1
───────────────────────────────────
  0.9998          -  0.9999  0.9996

Truth: implicit (a decision that nobody contradicts counts as right)
Reviewed: 5 of 5,242 events (0.1 %) have a consensus
Undecided, so not in the matrix: 2
Window: 2025-01-01T00:00:00Z to -
Time saved: 52,390 minutes
Active model: m1 (of 2)
In its knowledge base: 2,516 events
Changed after training: 3 events
"""


def printed(body: dict[str, Any], policy: TruthPolicy) -> str:
    out = io.StringIO()
    print_metrics(Console(file=out, width=120, color_system=None), body, policy)
    return "".join(f"{line.rstrip()}\n" for line in out.getvalue().splitlines())


def test_the_whole_report() -> None:
    assert printed(BODY, TruthPolicy.IMPLICIT) == EXPECTED


def test_explicit_truth_says_so_and_has_no_undecided() -> None:
    text = printed(BODY, TruthPolicy.EXPLICIT)
    assert "Truth: explicit (only events with a consensus count)" in text
    assert "Undecided" not in text


def test_an_empty_job() -> None:
    empty = BODY | {
        "confusion_matrix": [[0, 0], [0, 0]], "total_events": 0, "total_events_with_consensus": 0,
        "start_time": None, "active_model_id": None, "all_model_ids": [],
    }  # fmt: skip
    text = printed(empty, TruthPolicy.IMPLICIT)
    assert "Reviewed: 0 of 0 events have a consensus" in text
    assert "Active model: none (of 0)" in text
