"""What a job's report needs to be told: read, checked, and what follows where it was not told."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from trueline.metrics.costs import CostMatrix
from trueline.service.errors import InvalidRequestError
from trueline.service.job_settings import check_cost_matrix, check_time_zone, cost_matrix, rework

if TYPE_CHECKING:
    from collections.abc import Callable

    from trueline.catalog.records import Job
    from trueline.service.workspace import Workspace

LABELS = ["Drop", "Investigate", "Escalate"]


@pytest.fixture
def job(workspace: Workspace, fresh_title: Callable[[], str]) -> Job:
    return workspace.jobs.create(title=fresh_title(), labels=LABELS, minutes_per_alert=7)


def test_without_a_matrix_each_error_costs_the_minutes_of_an_alert(workspace: Workspace, job: Job) -> None:
    expected = CostMatrix(((0, 7, 7), (7, 0, 7), (7, 7, 0)), "minutes")
    assert cost_matrix(job) == rework(job) == expected
    assert cost_matrix(workspace.jobs.change(job.id, minutes_per_alert=8)).costs[0] == (0, 8, 8)


def test_cells_that_are_not_set_have_the_default_also_of_labels_that_come_later(workspace: Workspace, job: Job) -> None:
    costs = {"cells": {"Escalate": {"Drop": 480, "Escalate": 1}}}
    changed = workspace.jobs.change(job.id, cost_matrix=costs)
    assert cost_matrix(changed) == CostMatrix(((0, 7, 7), (7, 0, 7), (480, 7, 1)), "minutes")
    reordered = workspace.jobs.change(job.id, labels=["Escalate", "Drop", "Ignore", "Investigate"])
    assert cost_matrix(reordered).costs == ((1, 480, 7, 7), (7, 0, 7, 7), (7, 7, 0, 7), (7, 7, 7, 0))
    assert cost_matrix(workspace.jobs.change(job.id, cost_matrix={"per_error": 3})).costs[0] == (0, 3, 3, 3)
    assert workspace.jobs.change(job.id, cost_matrix=None).cost_matrix is None


def test_money_is_no_rework(workspace: Workspace, job: Job) -> None:
    changed = workspace.jobs.change(job.id, cost_matrix={"unit": "EUR", "per_error": 100})
    assert cost_matrix(changed) == CostMatrix(((0, 100, 100), (100, 0, 100), (100, 100, 0)), "EUR")
    assert rework(changed) == rework(job)


def test_what_is_not_named_stays(workspace: Workspace, job: Job) -> None:
    settings: dict[str, Any] = {
        "cost_matrix": {"per_error": 3}, "time_zone": "Asia/Kolkata", "labels_ordered": True, "headline_label": "Drop",
    }  # fmt: skip
    changed = workspace.jobs.change(job.id, **settings)
    assert workspace.jobs.change(job.id, description="of the gateway").headline_label == "Drop"
    kept = workspace.jobs.get(job.id)
    assert (kept.cost_matrix, kept.time_zone, kept.labels_ordered) == (
        changed.cost_matrix, "Asia/Kolkata", True,
    )  # fmt: skip
    assert not workspace.jobs.change(job.id, labels_ordered=False).labels_ordered


def test_a_label_that_comes_with_the_change_may_be_named(workspace: Workspace, job: Job) -> None:
    costs = {"cells": {"Ignore": {"Drop": 1}}}
    with pytest.raises(InvalidRequestError, match="'Ignore' is not a label of this job"):
        workspace.jobs.change(job.id, cost_matrix=costs)
    changed = workspace.jobs.change(job.id, cost_matrix=costs, headline_label="Ignore", labels=[*LABELS, "Ignore"])
    assert changed.headline == "Ignore"


@pytest.mark.parametrize(
    ("raw", "part", "why"),
    [
        ([[0, 1], [1, 0]], (), "the cost matrix is an object with unit, per_error and cells"),
        ({"costs": {}}, (), "the cost matrix is no 'costs', but with unit"),
        ({"unit": "EUR"}, ("per_error",), "costs in EUR need per_error"),
        ({"unit": ""}, ("unit",), "up to 40 characters"),
        ({"unit": "a\nb", "per_error": 1}, ("unit",), "up to 40 characters"),
        ({"unit": 5}, ("unit",), "up to 40 characters"),
        ({"per_error": -0.1}, ("per_error",), "a cost is a number from 0 to 1e\\+12"),
        ({"per_error": float("nan")}, ("per_error",), "a cost is a number"),
        ({"per_error": float("inf")}, ("per_error",), "a cost is a number"),
        ({"per_error": True}, ("per_error",), "a cost is a number"),
        ({"cells": [1]}, ("cells",), "cells are costs by truth, then by decision"),
        ({"cells": {"Drop": 1}}, ("cells",), "cells are costs by truth, then by decision"),
        ({"cells": {"drop": {}}}, ("cells",), "'drop' is not a label"),
        ({"cells": {"Drop": {"Undecided": 1}}}, ("cells",), "'Undecided' is not a label"),
        ({"cells": {"Drop": {"Escalate": "1"}}}, ("cells", "Drop", "Escalate"), "a cost is a number"),
    ],
)
def test_what_is_no_cost_matrix_is_refused(raw: object, part: tuple[str, ...], why: str) -> None:
    with pytest.raises(InvalidRequestError, match=why) as refused:
        check_cost_matrix(raw, LABELS)
    assert refused.value.location == ("body", "cost_matrix", *part)


@pytest.mark.parametrize("name", ["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+5"])
def test_zones_that_are_there_can_be_used(name: str) -> None:
    assert ZoneInfo(check_time_zone(name)).key == name


@pytest.mark.parametrize(
    "name", ["", "europe/berlin", "Europe", "../etc/passwd", "localtime", "+02:00", "a\0", "\ud800"]
)
def test_what_is_no_time_zone_is_refused(name: str) -> None:
    with pytest.raises(InvalidRequestError, match="is no time zone: take an IANA name"):
        check_time_zone(name)


def test_minutes_beyond_those_of_any_alert_are_refused_and_the_most_are_reckoned_with(
    workspace: Workspace, job: Job
) -> None:
    for minutes in (1.1e12, 1e308, math.inf, math.nan, -1.0):
        with pytest.raises(InvalidRequestError, match="minutes_per_alert must be between 0 and 1e") as refused:
            workspace.jobs.change(job.id, minutes_per_alert=minutes)
        assert refused.value.location == ("body", "minutes_per_alert")
    most = workspace.jobs.change(job.id, minutes_per_alert=1e12)
    events = [
        b'{"event_id": "%d", "raw_body": {}, "decision": {"label": "Drop"}, "votes": [{"analyst": "a", "label": "%s"}]}'
        % (number, LABELS[number % 2].encode())
        for number in range(20)
    ]
    assert workspace.ingest.bulk(most, events).accepted == 20
    saved = workspace.reports.of(most)["costs"]["time_saved_minutes"]["saved"]
    assert saved["interval"]["low"] <= saved["value"] <= saved["interval"]["high"]
