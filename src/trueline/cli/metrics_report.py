"""The answer of the metrics route as tables for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.markup import escape

from trueline.cli.tables import print_table, table
from trueline.metrics.counts import TruthPolicy

if TYPE_CHECKING:
    from rich.console import Console

_POLICIES = {
    TruthPolicy.IMPLICIT: "a decision that nobody contradicts counts as right",
    TruthPolicy.EXPLICIT: "only events with a consensus count",
}


def print_metrics(console: Console, body: dict[str, Any], policy: TruthPolicy) -> None:
    """Print what the route answered: the matrix, scores by decision, overall scores, totals."""
    labels = list(body["metrics_per_decision"])
    matrix = table(["", *map(escape, labels)])
    for label, row in zip(labels, body["confusion_matrix"], strict=True):
        matrix.add_row(escape(label), *(f"{events:,}" for events in row))
    print_table(console, "Confusion matrix: rows are the truth, columns the decision", matrix)

    names = ["precision", "recall", "F1", "true pos.", "false pos.", "false neg.", "true neg."]
    scores = table(["decision", *names])
    for label, each in body["metrics_per_decision"].items():
        fractions = (each[name] for name in ("precision", "recall", "f1_score"))
        counts = (each[f"{right}_{sign}"] for right, sign in _SIDES)
        scores.add_row(escape(label), *map(_fraction, fractions), *(f"{events:,}" for events in counts))
    print_table(console, "Scores by decision", scores)

    overall = table(["accuracy", "precision", "recall", "F1"], texts=0)
    overall.add_row(*(_fraction(body[f"overall_{name}"]) for name in ("accuracy", "precision", "recall", "f1_score")))
    print_table(console, "Overall", overall)
    for line in _totals(body, policy):
        console.print(line, markup=False, highlight=False)


_SIDES = (("true", "positives"), ("false", "positives"), ("false", "negatives"), ("true", "negatives"))


def _totals(body: dict[str, Any], policy: TruthPolicy) -> list[str]:
    events, reviewed = body["total_events"], body["total_events_with_consensus"]
    share = f" ({100 * reviewed / events:.1f} %)" if events else ""
    in_matrix = sum(map(sum, body["confusion_matrix"]))
    lines = [
        f"Truth: {policy.value} ({_POLICIES[policy]})",
        f"Reviewed: {reviewed:,} of {events:,} events{share} have a consensus",
    ]
    if policy is TruthPolicy.IMPLICIT and events > in_matrix:
        lines.append(f"Undecided, so not in the matrix: {events - in_matrix:,}")
    lines += [
        f"Window: {body['start_time'] or '-'} to {body['end_time'] or '-'}",
        f"Time saved: {body['time_saved_minutes']:,.0f} minutes",
        f"Active model: {body['active_model_id'] or 'none'} (of {len(body['all_model_ids'])})",
        f"In its knowledge base: {body['total_events_in_knowledge_base']:,} events",
        f"Changed after training: {body['changed_consensus_after_training']['total_events']:,} events",
    ]
    return lines


def _fraction(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
