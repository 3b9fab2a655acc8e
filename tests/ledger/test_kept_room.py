"""What is kept of documents takes no more room than it may, and is not read where that is not worth it."""

# ruff: noqa: SLF001 - what is kept shows itself by nothing but its speed

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ledger.keeping import ask, kept, send
from ledger.random_writes import LABELS
from trueline.ledger import kept_columns, path_values
from trueline.metrics import coded_rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from trueline.catalog.records import Job
    from trueline.ledger.kept_columns import KeptColumns
    from trueline.ledger.store import Ledger
    from trueline.service.workspace import Workspace


@pytest.fixture
def job(workspace: Workspace, fresh_title: Callable[[], str]) -> Job:
    return workspace.jobs.create(title=fresh_title(), labels=LABELS)


@pytest.mark.usefixtures("columns")
def test_small_jobs_and_paths_that_no_document_has_are_left_to_the_engine(
    workspace: Workspace, ledger: Ledger, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(workspace, job, {"a": 1})
    ask(
        workspace,
        job,
        {"field": "z", "operator": "exists"},
        {"field": "arcanna.confidence_score", "operator": "gt", "value": 1},
    )
    assert kept(workspace, job) == []
    monkeypatch.setattr(ledger.kept.columns, "worth_keeping", 2)
    ask(workspace, job, {"field": "a", "operator": "exists"})
    assert kept(workspace, job) == []
    send(workspace, job, {"a": 1}, first=1)
    ask(workspace, job, {"field": "a", "operator": "exists"})
    assert kept(workspace, job) == ["a"]


def test_a_path_of_ever_different_values_is_given_up_while_it_is_read(
    columns: KeptColumns, workspace: Workspace, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(path_values, "MOST_VALUES", 5)
    send(workspace, job, *({"hash": "x" * number, "few": 1} for number in range(9)))
    ask(workspace, job, {"field": "hash", "operator": "exists"})
    assert kept(workspace, job) == []
    ask(workspace, job, {"field": "hash", "operator": "exists"}, {"field": "few", "operator": "exists"})
    assert kept(workspace, job) == ["few"]
    assert columns._kept[job.id].rows.paths == ("few",)


def test_no_more_memory_is_taken_than_there_may_be(
    columns: KeptColumns, workspace: Workspace, fresh_title: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coded_rows, "_ROWS_OF_A_BLOCK", 4)
    monkeypatch.setattr(columns.recency, "patience", 0)
    jobs = [workspace.jobs.create(title=fresh_title(), labels=LABELS) for _ in range(2)]
    for job in jobs:
        send(workspace, job, {"a": 1, "b": 2}, {"a": 1}, name=str(job.id))
    one = {"field": "a", "operator": "exists"}
    two = {"field": "b", "operator": "exists"}
    ask(workspace, jobs[0], one)
    assert kept(workspace, jobs[0]) == ["a"]
    ask(workspace, jobs[0], two)
    assert kept(workspace, jobs[0]) == ["a", "b"]
    monkeypatch.setattr(columns, "_memory_bytes", columns._size() + 100)
    ask(workspace, jobs[1], two)
    assert kept(workspace, jobs[1]) == ["b"]
    assert kept(workspace, jobs[0]) == ["b"]  # what was asked for last
    monkeypatch.setattr(columns, "_memory_bytes", 100)
    send(workspace, jobs[1], {"b": 5}, name=str(jobs[1].id), first=5)
    assert columns._kept  # it has grown by nothing
    send(workspace, jobs[1], {"b": 5}, {"b": 6}, name=str(jobs[1].id), first=6)
    assert not columns._kept
    monkeypatch.setattr(columns, "_memory_bytes", 20)
    ask(workspace, jobs[0], one)
    assert kept(workspace, jobs[0]) == []
    monkeypatch.setattr(columns, "_memory_bytes", 0)
    assert ask(workspace, jobs[0], one)["total_events"] == 2


@pytest.fixture
def readings(columns: KeptColumns, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The paths that were begun to be read, each time."""
    begun, begin = [], columns.begin

    def noted(*asked: Any, **more: Any) -> Any:  # noqa: ANN401 - handed on
        reading = begin(*asked, **more)
        if reading is not None:
            begun.append(sorted(reading.paths))
        return reading

    monkeypatch.setattr(columns, "begin", noted)
    return begun


def test_paths_that_do_not_fit_beside_each_other_are_not_read_by_turns(
    columns: KeptColumns,
    workspace: Workspace,
    readings: list[list[str]],
    job: Job,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(coded_rows, "_ROWS_OF_A_BLOCK", 40)
    send(workspace, job, *({"a": "x", "b": "y"} for _ in range(40)))
    one, two = ({"field": path, "operator": "exists"} for path in "ab")
    ask(workspace, job, one)
    assert kept(workspace, job) == ["a"]
    monkeypatch.setattr(columns, "_memory_bytes", columns._size() + 60)
    for _ in range(3):
        assert ask(workspace, job, one, two)["total_events"] == 40
        assert kept(workspace, job) == ["a"]
    assert readings == [["a"]]
    monkeypatch.setattr(columns.recency, "patience", 0)
    columns.recency._put_off.clear()
    ask(workspace, job, two)
    assert kept(workspace, job) == ["b"]  # nobody asks for the other any more
    assert readings == [["a"], ["b"]]


def test_no_more_is_read_than_there_is_room_for(
    columns: KeptColumns,
    workspace: Workspace,
    readings: list[list[str]],
    job: Job,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(coded_rows, "_ROWS_OF_A_BLOCK", 40)
    monkeypatch.setattr(path_values, "MOST_VALUES", 10)
    send(workspace, job, *({"a": number / 7, "b": number / 3, "c": number / 2, "d": "x"} for number in range(40)))
    monkeypatch.setattr(columns, "_memory_bytes", 40 * (coded_rows.BYTES_A_ROW + 8 + 5 + 1) + 400)
    asked = [{"field": path, "operator": "exists"} for path in "abcd"]
    assert ask(workspace, job, *asked)["total_events"] == 40
    # halves are the same in four bytes, thirds and sevenths are not
    assert kept(workspace, job) in (["a", "c", "d"], ["b", "c", "d"], ["c", "d"])
    assert columns._size() <= columns._memory_bytes
    assert ask(workspace, job, *asked)["total_events"] == 40
    workspace._filtering.put(job.id).result()
    assert readings == [["a", "b", "c", "d"]]


def test_of_what_takes_more_back_than_it_keeps_nothing_is_kept(
    columns: KeptColumns, workspace: Workspace, job: Job
) -> None:
    exists = {"field": "a", "operator": "exists"}
    send(workspace, job, *({"a": number} for number in range(10)))
    ask(workspace, job, exists)
    assert kept(workspace, job) == ["a"]
    for again in range(1, 4):
        send(workspace, job, *({"a": number + again} for number in range(10)))
    assert job.id not in columns._kept
    assert ask(workspace, job, exists)["total_events"] == 10
    assert kept(workspace, job) == ["a"]
    assert kept_columns.WORTH_KEEPING > 10_000
