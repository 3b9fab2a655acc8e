"""The metrics route: its window, filters and truth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from api.caller import Caller, event
from trueline.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

KEYS = [
    "confusion_matrix",
    "overall_accuracy",
    "overall_f1_score",
    "overall_recall",
    "overall_precision",
    "metrics_per_decision",
    "start_time",
    "end_time",
    "time_saved_minutes",
    "active_model_id",
    "all_model_ids",
    "total_events",
    "total_events_in_knowledge_base",
    "total_events_with_consensus",
    "changed_consensus_after_training",
]


@pytest.fixture(scope="module")
def job(with_key: httpx.Client) -> int:
    """A job with one event at 10:00 UTC on each of three days, which no test changes."""
    caller = Caller(with_key, lambda: "Metrics over HTTP")
    made = caller.make_job()
    caller.bulk(
        made,
        "events",
        *(
            event(f"day {day}", label, day=day) | {"timestamp": f"2025-01-0{day}T10:00:00Z"}
            for day, label in enumerate(("Drop", "Investigate", "Escalate"), 1)
        ),
    )
    return made


@pytest.fixture
def ask(with_key: httpx.Client, job: int) -> Callable[..., httpx.Response]:
    """Asks for the job's metrics with a query as it stands on the line, and filters."""

    def post(query: str = "", *filters: object) -> httpx.Response:
        return with_key.post(f"/api/v2/metrics/job?job_id={job}{query}", json={"filters": filters})

    return post


def test_metrics_are_shown_to_nobody_without_a_key(anonymous: httpx.Client, job: int) -> None:
    assert anonymous.post(f"/api/v2/metrics/job?job_id={job}", json={}).status_code == 401


def test_a_job_without_events_has_empty_numbers_and_every_key(caller: Caller) -> None:
    metrics = caller.metrics(caller.make_job(labels=["Yes", "No"]))
    none = {"precision": 0.0, "recall": 0.0, "f1_score": 0.0} | dict.fromkeys(
        ("true_positives", "true_negatives", "false_positives", "false_negatives"), 0
    )
    assert list(metrics) == KEYS
    assert metrics == {
        "confusion_matrix": [[0, 0], [0, 0]],
        "overall_accuracy": None,
        "overall_f1_score": None,
        "overall_recall": None,
        "overall_precision": None,
        "metrics_per_decision": {"Yes": none, "No": none},
        "start_time": None,
        "end_time": None,
        "time_saved_minutes": 0.0,
        "active_model_id": None,
        "all_model_ids": [],
        "total_events": 0,
        "total_events_in_knowledge_base": 0,
        "total_events_with_consensus": 0,
        "changed_consensus_after_training": {"total_events": 0, "top_events_ids": [], "top_buckets_ids": []},
    }


@pytest.mark.parametrize(
    ("query", "days", "start", "end"),
    [
        ("", 3, "2025-01-01T10:00:00Z", "2025-01-03T10:00:00Z"),
        ("&start_datetime=&end_datetime=", 3, "2025-01-01T10:00:00Z", "2025-01-03T10:00:00Z"),
        ("&start_datetime=2025-01-02T10:00:00Z", 2, "2025-01-02T10:00:00Z", "2025-01-03T10:00:00Z"),
        ("&end_datetime=2025-01-02T10:00:00Z", 1, "2025-01-01T10:00:00Z", "2025-01-02T10:00:00Z"),
        ("&end_datetime=2025-01-02", 2, "2025-01-01T10:00:00Z", "2025-01-03T00:00:00Z"),
        ("&start_datetime=2025-01-02&end_datetime=2025-01-02", 1, "2025-01-02T00:00:00Z", "2025-01-03T00:00:00Z"),
        ("&start_datetime=2025-01-02T10:00:00.000001Z", 1, "2025-01-02T10:00:00.000001Z", "2025-01-03T10:00:00Z"),
        ("&start_datetime=2025-01-02T12:00:00+02:00", 2, "2025-01-02T10:00:00Z", "2025-01-03T10:00:00Z"),
        ("&start_datetime=2025-01-02T12:00:00%2B0200", 2, "2025-01-02T10:00:00Z", "2025-01-03T10:00:00Z"),
        ("&start_datetime=2025-01-02T08:00:00-02:00", 2, "2025-01-02T10:00:00Z", "2025-01-03T10:00:00Z"),
        ("&start_datetime=2030-01-01", 0, "2030-01-01T00:00:00Z", None),
    ],
)
def test_the_window_takes_its_start_in_and_leaves_its_end_out(
    query: str, days: int, start: str, end: str | None, ask: Callable[..., httpx.Response]
) -> None:
    metrics = ask(query).json()
    assert (metrics["total_events"], metrics["start_time"], metrics["end_time"]) == (days, start, end)


@pytest.mark.parametrize(
    ("query", "location"),
    [
        ("&start_datetime=2025-01-02T00:00:00Z&end_datetime=2025-01-01T00:00:00Z", ["query", "start_datetime"]),
        ("&start_datetime=2025-01-02T00:00:00Z&end_datetime=2025-01-02T00:00:00Z", ["query", "start_datetime"]),
        ("&start_datetime=2025-01-03&end_datetime=2025-01-02", ["query", "start_datetime"]),
        ("&start_datetime=yesterday", ["query", "start_datetime"]),
        ("&end_datetime=2025-02-30", ["query", "end_datetime"]),
        ("&end_datetime=1735689600", ["query", "end_datetime"]),
        ("&end_datetime=%00", ["query", "end_datetime"]),
        ("&start_datetime=1899-12-31", ["query", "start_datetime"]),
        ("&truth=maybe", ["query", "truth"]),
    ],
)
def test_a_query_that_cannot_be_is_answered_422_naming_the_part(
    query: str, location: list[str], ask: Callable[..., httpx.Response]
) -> None:
    answer = ask(query)
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == location


def test_a_request_for_no_job_is_answered_422(with_key: httpx.Client) -> None:
    answer = with_key.post("/api/v2/metrics/job", json={})
    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["query", "job_id"])


GOOD = {"field": "day", "operator": "is", "value": 1}


@pytest.mark.parametrize(
    ("filters", "location", "part"),
    [
        ({"field": "day"}, ["body", "filters"], "must be a list"),
        ("day is 1", ["body", "filters"], "must be a list"),
        ([GOOD, "day is 1"], ["body", "filters", 1], "filter 1:"),
        ([GOOD, {}], ["body", "filters", 1, "field"], "filter 1:"),
        ([{"field": "day", "value": 1}], ["body", "filters", 0, "operator"], "filter 0:"),
        ([{"field": "day", "operator": "Is Not", "value": 1}], ["body", "filters", 0, "operator"], "mean 'is not'?"),
        ([{"field": "day", "operator": "is"}], ["body", "filters", 0, "value"], "needs"),
        ([{"field": "day", "operator": "is", "value": None}], ["body", "filters", 0, "value"], "needs"),
        ([{"field": "day", "operator": "exists", "value": 1}], ["body", "filters", 0, "value"], "takes no value"),
        ([{"field": "day", "operator": "is one of", "value": []}], ["body", "filters", 0, "value"], "non-empty"),
        ([{"field": "day", "operator": "is", "value": [1]}], ["body", "filters", 0, "value"], "takes a text"),
        ([{"field": "day", "operator": "gt", "value": "noon"}], ["body", "filters", 0, "value"], "'noon'"),
        ([{"field": 5, "operator": "is", "value": 1}], ["body", "filters", 0, "field"], "must be a text"),
        ([GOOD | {"not": True}], ["body", "filters", 0], "'not'"),
        ([GOOD] * (Settings().max_filters + 1), ["body", "filters"], "at most 64"),
    ],
)
def test_a_filter_that_cannot_be_is_answered_422_naming_its_position(
    filters: object, location: list[str | int], part: str, with_key: httpx.Client, job: int
) -> None:
    answer = with_key.post(f"/api/v2/metrics/job?job_id={job}", json={"filters": filters})
    assert answer.status_code == 422
    (problem,) = answer.json()["detail"]
    assert problem["loc"] == location
    assert part in problem["msg"]


def test_as_many_filters_as_allowed_are_joined_by_and(ask: Callable[..., httpx.Response]) -> None:
    assert ask("", *[GOOD] * Settings().max_filters).json()["total_events"] == 1
    assert ask("", GOOD, GOOD | {"value": 2}).json()["total_events"] == 0


@pytest.mark.parametrize(
    ("each", "found"),
    [
        ({"field": "no such field", "operator": "exists"}, 0),
        ({"field": "no such field", "operator": "not exists"}, 3),
        ({"field": "no such field", "operator": "is not", "value": "x"}, 3),
        ({"field": "", "operator": "exists"}, 0),
        ({"field": "day", "operator": "lt", "value": 10**4000}, 3),
        ({"field": "day", "operator": "gt", "value": -(10**4000)}, 3),
        ({"field": "day", "operator": "is", "value": 10**4000}, 0),
        ({"field": "day", "operator": "contains", "value": "'"}, 0),
        ({"field": "`day` = 1 --", "operator": "not exists"}, 3),
    ],
)
def test_an_odd_filter_is_a_filter_like_any_other(
    each: dict[str, Any], found: int, ask: Callable[..., httpx.Response]
) -> None:
    assert ask("", each).json()["total_events"] == found


def test_truth_explicit_counts_voted_events_only(caller: Caller) -> None:
    job = caller.make_job()
    caller.fill(job, a="Drop", b="Drop", c="Drop")
    caller.vote(job, ("a", "ana", "Escalate"))
    implicit, explicit = (caller.metrics(job, truth=truth) for truth in ("implicit", "explicit"))
    assert caller.metrics(job) == implicit
    assert implicit["confusion_matrix"] == [[2, 0, 0], [0, 0, 0], [1, 0, 0]]
    assert explicit["confusion_matrix"] == [[0, 0, 0], [0, 0, 0], [1, 0, 0]]
    assert (implicit["total_events"], explicit["total_events"]) == (3, 3)
