"""What stands at decision points: different values, and nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from trueline.filters.request import parse_filters
from trueline.ledger import document_columns
from trueline.ledger.conditions import JobShape
from trueline.ledger.decision_points import ValueStatistics
from trueline.ledger.population import Population

if TYPE_CHECKING:
    from collections.abc import Callable

    from trueline.catalog.records import Job
    from trueline.ledger.store import Ledger
    from trueline.service.workspace import Workspace

LABELS = ["Drop", "Escalate"]


@pytest.fixture
def job(workspace: Workspace, fresh_title: Callable[[], str]) -> Job:
    return workspace.jobs.create(title=fresh_title(), labels=LABELS)


def send(workspace: Workspace, job: Job, *documents: dict[str, Any], model: str | None = None, first: int = 0) -> None:
    decision = {"label": "Drop"} | ({} if model is None else {"model_id": model})
    lines = [
        {"event_id": f"e{number}", "raw_body": document, "decision": decision}
        for number, document in enumerate(documents, first)
    ]
    assert workspace.ingest.bulk(job, [json.dumps(line).encode() for line in lines]).rejected == []


def asked(
    ledger: Ledger,
    job: Job,
    path: str,
    training: int | None = None,
    **more: Any,  # noqa: ANN401 - a test
) -> dict[tuple[bool, str | None], ValueStatistics]:
    filters = parse_filters(more.get("filters"))
    population = Population(job.id, JobShape(job.labels, False, 60.0), training, None, None, filters)
    return ledger.decision_points.statistics(population, path, by_model=more.get("by_model", False))


@pytest.mark.parametrize(
    ("values", "distinct"),
    [
        (["a", "a", "b"], 2),
        ([5, "5", 5.0, 5.5], 3),
        ([True, "true", 1], 3),
        ([["a", "b"], ["b", "a"], ["a", "b"], "a"], 3),
        ([2**70, 2**70 + 1, 2**70], 2),
        ([{"in": 1}, {"in": 2}, "a"], 2),  # an object is there, and has no value of its own
        (["", "a"], 2),
    ],
)
def test_values_are_told_apart_as_they_were_sent(
    values: list[object], distinct: int, workspace: Workspace, ledger: Ledger, job: Job
) -> None:
    send(workspace, job, *({"a.b": value} for value in values))
    assert asked(ledger, job, "a.b") == {(False, None): ValueStatistics(distinct, len(values), 0)}


def test_a_number_is_one_value_also_where_doubles_came_to_its_path_later(
    workspace: Workspace, ledger: Ledger, job: Job
) -> None:
    send(workspace, job, {"a": 5}, {"a": 2**53}, {"a": 2**53 + 1}, {"a": [5]})
    send(workspace, job, {"a": 5.5}, {"a": 5}, {"a": 5.0}, {"a": 2**53 + 1}, first=4)
    assert asked(ledger, job, "a") == {(False, None): ValueStatistics(4, 8, 0)}


def test_a_long_text_is_one_value_also_where_it_stood_among_the_short_ones_before(
    workspace: Workspace, ledger: Ledger, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = "x" * (document_columns.LONGEST_TEXT + 1)
    with monkeypatch.context() as before:
        before.setattr(document_columns, "LONGEST_TEXT", 10 * len(long))
        send(workspace, job, {"a": long}, {"a": long}, {"a": f"{long}y"}, {"a": "x"})
    send(workspace, job, {"a": long}, {"a": f"{long}z"}, {"a": "x"}, {}, first=1)  # the second and two others again
    assert asked(ledger, job, "a") == {(False, None): ValueStatistics(3, 5, 1)}
    for operator, value, found in (
        ("is", long, 2),
        ("starts with", "xx", 3),
        ("contains", "z", 1),
        ("exists", None, 4),
    ):
        raw = {"field": "a", "operator": operator} | ({} if value is None else {"value": value})
        assert workspace.metrics.job(job.id, filters=[raw])["total_events"] == found, operator


def test_nothing_null_and_an_empty_list_are_missing(workspace: Workspace, ledger: Ledger, job: Job) -> None:
    send(workspace, job, {"a": None}, {"a": []}, {}, {"a": "x"})
    assert asked(ledger, job, "a") == {(False, None): ValueStatistics(1, 4, 3)}
    assert asked(ledger, job, "no document has it") == {(False, None): ValueStatistics(0, 4, 4)}
    assert asked(ledger, job, "x" * 2_000) == {(False, None): ValueStatistics(0, 4, 4)}


def test_an_event_sent_again_counts_once_with_what_it_has_now(workspace: Workspace, ledger: Ledger, job: Job) -> None:
    send(workspace, job, {"a": "old"}, {"a": "kept"})
    send(workspace, job, {"a": "new"})
    assert asked(ledger, job, "a") == {(False, None): ValueStatistics(2, 2, 0)}


def test_new_data_and_the_knowledge_base_and_the_models_are_told_apart(
    workspace: Workspace, ledger: Ledger, job: Job
) -> None:
    send(workspace, job, {"a": 1}, {"a": 2}, model="m")
    send(workspace, job, {"a": 2}, {}, model="n", first=2)
    model = workspace.training.register(
        job, training_set=[{"event_id": "e0", "label": "Drop"}, {"event_id": "e3", "label": "Drop"}]
    )
    assert asked(ledger, job, "a", training=model.training) == {
        (True, None): ValueStatistics(1, 2, 1),
        (False, None): ValueStatistics(1, 2, 0),
    }
    assert asked(ledger, job, "a", training=model.training, by_model=True) == {
        (True, "m"): ValueStatistics(1, 1, 0),
        (False, "m"): ValueStatistics(1, 1, 0),
        (True, "n"): ValueStatistics(0, 1, 1),
        (False, "n"): ValueStatistics(1, 1, 0),
    }
    state = {"field": "arcanna.knowledge_base_state", "operator": "is", "value": "new"}
    assert asked(ledger, job, "a", training=model.training, filters=[state]) == {
        (False, None): ValueStatistics(1, 2, 0)
    }


def test_paths_without_a_column_are_found_too(
    workspace: Workspace, ledger: Ledger, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger._tables, "_max_paths", 1)  # noqa: SLF001
    send(workspace, job, {"first": 1}, {"first": 1, "a": "x"}, {"first": 1, "a": "y"})
    assert asked(ledger, job, "a") == {(False, None): ValueStatistics(2, 3, 1)}
