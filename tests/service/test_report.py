"""The report: what its parts have to add up to, and that it is the same for the same request."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from oracle import differences
from reviewed_jobs import LABELS, ReviewedJob, host_of, reviewed_job
from trueline.service.telling import Telling

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from trueline.ledger.population import Population
    from trueline.ledger.reviews import ReviewPart, Split
    from trueline.service.workspace import Workspace

EVALUATION = [
    "confusion_matrix",
    "overall_accuracy",
    "overall_f1_score",
    "overall_recall",
    "overall_precision",
    "metrics_per_decision",
]


@pytest.fixture(params=["event", "bucket"])
def made(workspace: Workspace, fresh_title: Callable[[], str], request: pytest.FixtureRequest) -> ReviewedJob:
    return reviewed_job(workspace, fresh_title, 7, request.param)


def figures(value: object, name: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(value, dict):
        if {"value", "interval", "reason"} <= value.keys():
            yield name, value
        for key, inner in value.items():
            yield from figures(inner, f"{name}/{key}")
    elif isinstance(value, list):
        for inner in value:
            yield from figures(inner, name)


def matrices(section: dict[str, Any]) -> list[list[list[int]]]:
    return [section["policies"][policy]["confusion_matrix"] for policy in ("implicit", "explicit")]


def summed(parts: list[dict[str, Any]]) -> list[list[list[int]]]:
    each = [matrices(part) for part in parts]
    return [
        [[sum(one[policy][i][j] for one in each) for j in range(len(LABELS))] for i in range(len(LABELS))]
        for policy in range(2)
    ]


def test_policies_are_the_compatible_endpoint_s_numbers(workspace: Workspace, made: ReviewedJob) -> None:
    window = ("2025-03-29", "2025-03-30")
    told = workspace.reports.of(made.job, *window)
    for policy in ("implicit", "explicit"):
        wanted = made.oracle.metrics(*window, truth=policy)
        here = told["policies"][policy]
        assert differences({name: here[name] for name in EVALUATION}, {name: wanted[name] for name in EVALUATION}) == []
        assert here["time_saved_minutes"] == wanted["time_saved_minutes"]
        assert told["scores"][policy]["accuracy"]["value"] == pytest.approx(wanted["overall_accuracy"])
        assert (told["start_time"], told["end_time"]) == (wanted["start_time"], wanted["end_time"])
    reviewed = told["policies"]["reviewed"]["overall"]
    assert reviewed["total"]["events"] == wanted["total_events"]
    assert reviewed["reviewed"]["events"] == wanted["total_events_with_consensus"]
    assert reviewed["sentence"].startswith(
        f"reviewed {wanted['total_events_with_consensus']} of {wanted['total_events']} ("
    )


def test_the_same_request_has_the_same_bytes_and_other_data_others(workspace: Workspace, made: ReviewedJob) -> None:
    def told() -> bytes:
        return msgspec.json.encode(workspace.reports.of(made.job, telling=Telling(interval="1d", group_by="host")))

    first = told()
    assert told() == first
    line = b'{"event_id": "e0", "analyst": "zoe", "label": "Drop", "override": true}'
    assert workspace.feedback.bulk(made.job, [line]).accepted == 1
    assert told() != first


def test_the_digest_is_of_all_that_is_told_and_the_whole_is_told_alike_with_parts_or_without(
    workspace: Workspace, fresh_title: Callable[[], str]
) -> None:
    job = workspace.jobs.create(title=fresh_title(), labels=LABELS)

    def send(host: str) -> None:
        decided = b'"decision": {"label": "Drop", "decided_at": "2025-01-01"}'
        line = b'{"event_id": "e", "timestamp": "2025-01-01", "raw_body": {"host": "%s"}, %s}' % (
            host.encode(),
            decided,
        )
        assert workspace.ingest.bulk(job, [line]).accepted == 1

    def told(telling: Telling | None = None) -> dict[str, Any]:
        return workspace.reports.of(job, telling=telling)

    send("a")
    whole, by_host = told(), told(Telling(group_by="host"))
    assert by_host["digest"] != whole["digest"]
    assert {name: by_host[name] for name in whole if name not in {"digest", "groups"}} == {
        name: whole[name] for name in whole if name not in {"digest", "groups"}
    }
    send("b")
    assert told() == whole
    assert told(Telling(group_by="host"))["digest"] != by_host["digest"]


def test_what_is_shown_of_the_window_is_in_the_digest_too(workspace: Workspace, fresh_title: Callable[[], str]) -> None:
    """Where no window is asked for, it is from the first event to the last: nothing else says when those were."""
    job = workspace.jobs.create(title=fresh_title(), labels=LABELS)

    def told(timestamp: bytes) -> dict[str, Any]:
        lines = [
            b'{"event_id": "e", "timestamp": "2025-01-02", "raw_body": {}, "decision": {"label": "Drop"}}',
            b'{"event_id": "early", "timestamp": "%s", "raw_body": {}, "decision": {"label": "Drop"}}' % timestamp,
        ]
        assert workspace.ingest.bulk(job, lines).accepted == 2
        return workspace.reports.of(job)

    one, other = told(b"2025-01-01"), told(b"2024-12-31")
    assert one.pop("digest") != other.pop("digest")
    assert (one.pop("start_time"), other.pop("start_time")) == ("2025-01-01T00:00:00Z", "2024-12-31T00:00:00Z")
    assert one == other


@pytest.mark.parametrize("telling", [Telling(interval="1d"), Telling(group_by="host", top=3)])
def test_a_write_between_two_queries_does_not_part_the_whole_from_its_parts(
    workspace: Workspace, made: ReviewedJob, monkeypatch: pytest.MonkeyPatch, telling: Telling
) -> None:
    reviews = workspace._ledger.reviews  # noqa: SLF001 - something is written while it is asked
    ask = reviews.parts
    asked: list[Split] = []

    def after_a_write(population: Population, split: Split) -> list[ReviewPart]:
        if not asked:
            line = b'{"event_id": "in between", "bucket_id": "b1", "timestamp": "2025-03-29T12:00:00Z",'
            line += b'"raw_body": {"host": "new"}, "decision": {"label": "%s"}}' % LABELS[0].encode()
            assert workspace.ingest.bulk(made.job, [line]).accepted == 1
        asked.append(split)
        return ask(population, split)

    monkeypatch.setattr(reviews, "parts", after_a_write)
    told = workspace.reports.of(made.job, telling=telling)
    groups = told["groups"]
    parts = told["intervals"] or [*groups["values"], groups["other_values"], groups["without_value"]]
    assert summed(parts) == matrices(told)
    assert len(asked) == 2


def test_every_figure_has_a_value_or_a_reason_and_lies_in_its_interval(workspace: Workspace, made: ReviewedJob) -> None:
    told = workspace.reports.of(made.job, telling=Telling(level=0.8, interval="1h", group_by="host", top=3))
    found = list(figures(told))
    assert len(found) > 1_000
    for name, each in found:
        assert each["value"] is not None or each["reason"], name
        if each["interval"] is not None:
            low, high = each["interval"]["low"], each["interval"]["high"]
            assert low <= high, name
            assert each["value"] is None or low <= each["value"] <= high, name
    assert b"NaN" not in msgspec.json.encode(told)


@pytest.mark.parametrize("interval", ["1h", "1d", "7d", "30d"])
def test_intervals_tile_the_window_and_sum_to_the_whole(workspace: Workspace, made: ReviewedJob, interval: str) -> None:
    told = workspace.reports.of(made.job, telling=Telling(interval=interval))
    intervals = told["intervals"]
    assert summed(intervals) == matrices(told)
    assert all(one["end_time"] == next_["start_time"] for one, next_ in pairwise(intervals))
    for each in intervals[:3]:
        wanted = made.oracle.metrics(each["start_time"], each["end_time"], truth="explicit")
        assert each["policies"]["explicit"]["confusion_matrix"] == wanted["confusion_matrix"]


def test_empty_intervals_are_there_from_the_start_to_the_end_asked_for(workspace: Workspace, made: ReviewedJob) -> None:
    told = workspace.reports.of(made.job, "2025-03-20T06:00:00Z", "2025-04-02", telling=Telling(interval="1d"))
    intervals = told["intervals"]
    assert [each["start_time"] for each in intervals[:2]] == ["2025-03-20T06:00:00Z", "2025-03-21T00:00:00Z"]
    assert intervals[-1]["end_time"] == "2025-04-03T00:00:00Z"
    assert len(intervals) == 14
    assert intervals[0]["policies"]["reviewed"]["overall"]["sentence"] == "reviewed 0 of 0"
    assert intervals[0]["scores"]["implicit"]["accuracy"]["value"] is None
    assert summed(intervals) == matrices(told)


def test_values_are_the_largest_and_with_the_rest_sum_to_the_whole(workspace: Workspace, made: ReviewedJob) -> None:
    told = workspace.reports.of(made.job, telling=Telling(group_by="host", top=2))
    groups = told["groups"]
    assert summed([*groups["values"], groups["other_values"], groups["without_value"]]) == matrices(told)
    population = made.oracle.population()
    for each in groups["values"]:
        events = sum(host_of(event) == each["value"] for event in population)
        assert each["policies"]["reviewed"]["overall"]["total"]["events"] == events
    without = groups["without_value"]["policies"]["reviewed"]["overall"]["total"]["events"]
    assert without == sum(host_of(event) is None for event in population)


def test_missed_escalations_are_named(workspace: Workspace, made: ReviewedJob) -> None:
    missed = workspace.reports.of(made.job)["costs"]["missed"]
    wanted = sorted(
        (-event.timestamp, event.event_id)
        for event in made.oracle.population()
        if made.oracle.consensus(event.bucket)[0] == "Escalate"
        and made.oracle.decisions_on(event.event_id)[-1].label != "Escalate"
    )
    assert wanted
    assert missed["label"] == "Escalate"
    assert missed["overall"]["found"]["events"] == len(wanted)
    assert missed["top_events_ids"] == [event_id for _, event_id in wanted[:10]]


def test_a_job_without_events_has_a_report(workspace: Workspace, fresh_title: Callable[[], str]) -> None:
    job = workspace.jobs.create(title=fresh_title(), labels=["A", "B"])
    told = workspace.reports.of(job, telling=Telling(interval="1h", group_by="x"))
    assert told["intervals"] == []
    assert told["groups"]["values"] == []
    assert told["scores"]["implicit"]["accuracy"]["value"] is None
    assert told["costs"]["missed"]["label"] == "B"


@pytest.mark.parametrize("value", [2**70, -(2**70), 1e308, "é"])
def test_a_filter_on_any_value_is_in_the_digest(workspace: Workspace, made: ReviewedJob, value: object) -> None:
    asked = [[{"field": "host", "operator": "is not", "value": each}] for each in (value, "another")]
    one, other = (workspace.reports.of(made.job, filters=each)["digest"] for each in asked)
    assert one != other
