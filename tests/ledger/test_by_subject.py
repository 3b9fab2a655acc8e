"""Filtered counts without what is kept: the first and the last event, told with the counts where that is faster."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from ledger.keeping import ask
from ledger.random_writes import packed, population
from trueline.filters.request import parse_filters
from trueline.ledger import by_subject

if TYPE_CHECKING:
    from collections.abc import Callable

    from trueline.catalog.records import Job
    from trueline.ledger.population import Population
    from trueline.ledger.store import Ledger
    from trueline.service.workspace import Workspace

HOST = {"field": "host", "operator": "is", "value": "a"}
EDGES = ["2025-01-01T00:00:00Z", "2025-01-01T05:00:00Z"]


@pytest.fixture
def job(workspace: Workspace, fresh_title: Callable[[], str]) -> Job:
    return workspace.jobs.create(title=fresh_title(), labels=["Drop", "Escalate"])


@pytest.fixture
def asked_for(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The statements that look for the first or the last event."""
    found: list[str] = []
    rows = ledger.engine.rows

    def noted(sql: str, *others: Any) -> Any:  # noqa: ANN401 - handed on
        found.extend([sql] if "ORDER BY ts" in sql else [])
        return rows(sql, *others)

    monkeypatch.setattr(ledger.engine, "rows", noted)
    return found


def send(workspace: Workspace, job: Job, name: str, hour: int, **others: object) -> None:
    event = {"event_id": name, "timestamp": f"2025-01-01T{hour:02}:00:00", "raw_body": {"host": "a"}}
    assert not workspace.ingest.bulk(job, packed(event | {"decision": {"label": "Drop"}} | others)).rejected


def bounds(workspace: Workspace, job: Job, *filters: dict[str, Any]) -> list[str]:
    answer = ask(workspace, job, *filters)
    return [answer["start_time"], answer["end_time"]]


@pytest.mark.parametrize("few", [by_subject._FEW, 0])  # noqa: SLF001 - what nobody sees but by its speed
def test_the_first_and_the_last_that_pass_are_told_either_way(
    few: int, workspace: Workspace, job: Job, asked_for: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(by_subject, "_FEW", few)
    for name, hour in (("first", 0), ("within", 3), ("last", 5)):
        send(workspace, job, name, hour)
    send(workspace, job, "another host", 7, raw_body={"host": "b"})
    send(workspace, job, "not decided", 8, decision=None)
    assert bounds(workspace, job, HOST) == EDGES
    assert len(asked_for) == (0 if few else 2)


def test_a_version_that_was_taken_back_is_neither(
    workspace: Workspace, ledger: Ledger, job: Job, asked_for: list[str]
) -> None:
    send(workspace, job, "first", 0)
    ledger.engine.command(f"SYSTEM STOP MERGES events_{job.id}")
    send(workspace, job, "within", 3)
    send(workspace, job, "within", 2)
    send(workspace, job, "moves", 9)
    send(workspace, job, "moves", 5)
    assert bounds(workspace, job, HOST) == EDGES
    assert ["DESC" in statement for statement in asked_for] == [True]
    send(workspace, job, "moves", 5, raw_body={"host": "b"})
    assert bounds(workspace, job, HOST) == [EDGES[0], "2025-01-01T02:00:00Z"]


def test_filters_on_states_leave_out_what_does_not_pass(workspace: Workspace, job: Job, asked_for: list[str]) -> None:
    for name, hour in (("too early", 0), ("first", 1), ("last", 5), ("too late", 6)):
        send(workspace, job, name, hour)
    votes = packed(*({"event_id": each, "analyst": "ana", "label": "Escalate"} for each in ("first", "last")))
    assert workspace.feedback.bulk(job, votes).accepted == 2
    voted = {"field": "arcanna.consensus", "operator": "exists"}
    assert bounds(workspace, job, HOST, voted) == ["2025-01-01T01:00:00Z", EDGES[1]]
    assert not asked_for


def test_nothing_is_asked_for_that_is_not_told(
    workspace: Workspace, ledger: Ledger, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_time: list[bool] = []
    groups = ledger.count.groups

    def noted(asked: Population, **how: bool) -> object:
        in_time.append(how["in_time"])
        return groups(asked, **how)

    monkeypatch.setattr(ledger.count, "groups", noted)
    send(workspace, job, "alone", 2)
    ask(workspace, job, HOST)  # so that there is a tally
    everybody = replace(population(workspace, job, None, None), filters=parse_filters([HOST]))
    moment = ledger.answers.counts(everybody).earliest
    assert moment is not None
    before = replace(everybody, end=moment + 1)
    told = [ledger.answers.counts(each) for each in (before, replace(before, start=moment))]
    assert [(each.earliest, each.latest) for each in told] == [(moment, None), (None, None)]
    assert [sum(count.events for count in each.counts) for each in told] == [1, 1]
    assert in_time == [True, True, True, False]
