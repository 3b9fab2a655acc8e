"""The count in parts: the count table told apart by interval, model and what was learned."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from trueline.filters.request import parse_filters
from trueline.instants import parse_micros
from trueline.ledger.conditions import JobShape
from trueline.ledger.population import Population
from trueline.metrics.counts import Count
from trueline.metrics.parts import CONFIDENCE_UNITS, Confidence
from trueline.metrics.tiles import WIDTHS

if TYPE_CHECKING:
    from collections.abc import Callable

    from trueline.catalog.records import Job
    from trueline.ledger.store import Ledger
    from trueline.metrics.parts import Part
    from trueline.service.workspace import Workspace

LABELS = ["Drop", "Escalate"]


@pytest.fixture
def job(workspace: Workspace, fresh_title: Callable[[], str]) -> Job:
    return workspace.jobs.create(title=fresh_title(), labels=LABELS)


def send(workspace: Workspace, job: Job, *events: tuple[str, str, str | None, float | None]) -> None:
    lines = []
    for name, ts, model, confidence in events:
        decision: dict[str, object] = {"label": "Drop"}
        if model is not None:
            decision["model_id"] = model
        if confidence is not None:
            decision["confidence"] = confidence
        lines.append({"event_id": name, "timestamp": ts, "raw_body": {"name": name}, "decision": decision})
    assert workspace.ingest.bulk(job, [json.dumps(line).encode() for line in lines]).rejected == []


def everything(job: Job, training: int | None = None, filters: object = None) -> Population:
    shape = JobShape(job.labels, job.grouping == "bucket", 60.0)
    return Population(job.id, shape, training, None, None, parse_filters(filters))


def test_an_event_is_in_the_interval_that_holds_it_also_before_1970(
    workspace: Workspace, ledger: Ledger, job: Job
) -> None:
    times = [
        "1969-12-31T23:59:59.999999Z",
        "1970-01-01T00:00:00Z",
        "1970-01-01T23:59:59.999999Z",
        "1970-01-02T00:00:00Z",
    ]
    send(workspace, job, *((f"e{number}", ts, None, None) for number, ts in enumerate(times)))
    parts = ledger.count.parts(everything(job), WIDTHS["1d"])
    found = {part.interval: part.count.events for part in parts}
    assert found == {parse_micros("1969-12-31"): 1, 0: 2, parse_micros("1970-01-02"): 1}
    (only,) = ledger.count.parts(everything(job))
    assert (only.interval, only.count.events) == (None, 4)


def test_confidences_are_summed_exactly_whatever_was_taken_back(workspace: Workspace, ledger: Ledger, job: Job) -> None:
    day = "2025-01-01"
    send(workspace, job, ("a", day, "m", 0.1), ("b", day, "m", 99.9), ("c", day, "m", None), ("d", day, "m", 0.2))
    send(workspace, job, ("b", day, "m", 59.9))
    (part,) = ledger.count.parts(everything(job))
    assert part.confidence == Confidence(events=3, low=3, total=602 * CONFIDENCE_UNITS // 10)
    assert part.confidence.mean == 60.2 / 3


def test_parts_say_which_model_decided_and_what_was_learned(workspace: Workspace, ledger: Ledger, job: Job) -> None:
    day = "2025-01-01"
    send(workspace, job, ("a", day, "m", None), ("b", day, "n", None), ("c", day, None, None))
    model = workspace.training.register(job, training_set=[{"event_id": "b", "label": "Escalate"}])
    parts = ledger.count.parts(everything(job, model.training))

    def of(part: Part) -> tuple[str | None, str | None, Count]:
        return part.model_id, part.learned_label, part.count

    assert sorted(map(of, parts), key=str) == sorted(
        [
            ("m", None, Count("Drop", None, False, False, 1)),
            ("n", "Escalate", Count("Drop", None, True, False, 1)),
            (None, None, Count("Drop", None, False, False, 1)),
        ],
        key=str,
    )


@pytest.mark.parametrize(
    "filters",
    [
        [],
        [{"field": "name", "operator": "is not", "value": "a"}],
        [{"field": "arcanna.knowledge_base_state", "operator": "is one of", "value": ["new", "retrain"]}],
        [{"field": "arcanna.last_compute_consensus_timestamp", "operator": "exists"}],
    ],
)
def test_parts_add_up_to_the_count_table_however_it_is_asked(
    filters: list[dict[str, object]], workspace: Workspace, ledger: Ledger, job: Job
) -> None:
    send(workspace, job, *((name, f"2025-01-0{day}", "m", 50.0) for day, name in enumerate("abcdef", 1)))
    votes = [{"event_id": name, "analyst": "ana", "label": "Escalate"} for name in "abc"]
    workspace.feedback.bulk(job, [json.dumps(vote).encode() for vote in votes])
    model = workspace.training.register(job)
    withdrawn = {"event_id": "a", "analyst": "ana", "label": None}
    workspace.feedback.bulk(job, [json.dumps(withdrawn).encode()])
    population = everything(job, model.training, filters)
    added: Counter[tuple[str, str | None, bool, bool]] = Counter()
    for part in ledger.count.parts(population, WIDTHS["1d"]):
        count = part.count
        alike = (count.decision, count.consensus, count.in_knowledge_base, count.changed_after_training)
        added[alike] += count.events
    table = ledger.count.counts(population)
    assert {Count(*alike, events) for alike, events in added.items()} == set(table.counts)
    assert table.counts
