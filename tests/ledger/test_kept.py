"""Counts kept in memory say what a recount says, after every kind of write."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from ledger.random_writes import LABELS, WRITES, Writer, packed, population
from trueline.filters.request import parse_filters
from trueline.ledger.reviews import ReviewQuery

if TYPE_CHECKING:
    from collections.abc import Callable

    from trueline.ledger.population import Population
    from trueline.ledger.store import Ledger
    from trueline.service.workspace import Workspace

HOURS = [None, "2024-12-31T23:00:00Z", "2025-01-01T01:00:00Z", "2025-01-01T03:00:00Z", "2025-01-02T00:00:00Z"]
MOMENTS = [
    *HOURS,
    "2024-12-31T22:59:59.999999Z",
    "2025-01-01T00:30:00Z",
    "2025-01-01T00:45:00Z",
    "2025-01-01T03:01:00Z",
]

TOLD_BY_KINDS: list[list[dict[str, Any]]] = [
    [{"field": "arcanna.result_label", "operator": "is", "value": "Drop"}],
    [{"field": "arcanna.result_label", "operator": "is not", "value": "Drop"}],
    [{"field": "arcanna.result", "operator": "is one of", "value": ["class_0", "class_1"]}],
    [{"field": "arcanna.consensus", "operator": "exists"}],
    [{"field": "arcanna.consensus", "operator": "starts with", "value": "D"}],
    [{"field": "arcanna.attention.undecided_consensus.attention_required", "operator": "is", "value": True}],
    [{"field": "arcanna.bucket_state", "operator": "is not", "value": "new"}],
    [{"field": "arcanna.knowledge_base_state", "operator": "is one of", "value": ["retrain", "pending"]}],
    [
        {"field": "arcanna.consensus", "operator": "not exists"},
        {"field": "arcanna.pipeline_status", "operator": "is", "value": "OK"},
    ],
]
"""Filters that the kinds of events are enough for."""
FILTERS = [
    *map(parse_filters, TOLD_BY_KINDS),
    parse_filters([{"field": "v", "operator": "gt", "value": 0.5}]),
    parse_filters([{"field": "v", "operator": "gt", "value": 0.5}, *TOLD_BY_KINDS[3]]),
]


@pytest.mark.parametrize("grouping", ["event", "bucket"])
def test_kept_counts_are_a_recount_after_every_kind_of_write(
    grouping: str,
    workspace: Workspace,
    ledger: Ledger,
    fresh_title: Callable[[], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job = workspace.jobs.create(title=fresh_title(), labels=LABELS, grouping=grouping)
    recount = ledger.count
    reviews = ReviewQuery(ledger.engine, ledger._tables)  # noqa: SLF001 - with all columns there are
    writer = Writer(workspace, ledger, job, monkeypatch)
    kinds = [writer.choose.choice(WRITES) for _ in range(70)]
    assert set(kinds) == set(WRITES)
    choose = random.Random(grouping)  # noqa: S311 - test data; apart, so that filters change nothing in what is written
    choose_of_reviews = random.Random(f"reviews {grouping}")  # noqa: S311 - likewise
    seen: set[tuple[bool, int]] = set()
    probabilities: set[float | None] = set()
    reasons: set[str] = set()
    missed_by_all: set[tuple[bool, int]] = set()
    for step, kind in enumerate(kinds):
        writer.write(kind)
        if kind == "decision":
            writer.audit()
        workspace.metrics.job(job.id)  # finishes what was cut short, and makes the counts where there are none
        workspace._writing.settle_reviews(job, in_parts=True)  # noqa: SLF001 - as a report does, at less cost
        # by turns in this order and the other one, so that a write often stands between two questions of one window
        for place, (start, end) in enumerate(windows(writer.choose)[:: -1 if step % 2 else 1]):
            everybody = population(workspace, job, start, end)
            assert ledger.kept.is_ready(job.id, everybody.training)
            assert ledger.kept.reviews.is_ready(job.id)
            reviewed_by = choose_of_reviews.choice(FILTERS)
            # by turns of the one window and the other: recounts of reviews take most of the time
            for asked in () if place else (everybody, replace(everybody, filters=reviewed_by)):
                counts = ledger.reviews.counts(asked)
                assert sorted(counts, key=repr) == sorted(reviews.counts(asked), key=repr), (kind, asked)
                probabilities |= {count.probability for count in counts}
                reasons |= {count.reason for count in counts}
                missed = reviews.missed(asked, "Escalate", 2)
                assert ledger.reviews.missed(asked, "Escalate", 2) == missed, kind
                missed_by_all.add((bool(asked.filters), len(missed)))
            for asked in (everybody, replace(everybody, filters=choose.choice(FILTERS))):
                kept, counted = ledger.answers.counts(asked), recount.counts(asked)
                assert (sorted(kept.counts, key=repr), kept.earliest, kept.latest) == (
                    sorted(counted.counts, key=repr),
                    counted.earliest,
                    counted.latest,
                ), kind
                if asked.training is not None:
                    expected = recount.changed_events(asked, counted, 3)
                    assert ledger.answers.changed_events(asked, kept, 3) == expected
                    if grouping == "bucket":
                        buckets = recount.changed_buckets(asked, counted, 2)
                        assert ledger.answers.changed_buckets(asked, kept, 2) == buckets
                    seen.add((bool(asked.filters), len(expected)))
    assert {(filtered, size) for filtered in (False, True) for size in range(4)} <= seen
    assert missed_by_all == {(filtered, size) for filtered in (False, True) for size in range(3)}
    assert {None, 0.25, 0.5, 1} <= probabilities
    assert len(reasons) > 2
    if grouping == "event":  # of three buckets an audit draws one with a probability that votes say too
        assert probabilities > {None, 0.25, 0.5, 1}


def test_filters_on_what_is_counted_by_cost_no_count_of_the_events(
    workspace: Workspace, ledger: Ledger, fresh_title: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    job = workspace.jobs.create(title=fresh_title(), labels=LABELS)
    writer = Writer(workspace, ledger, job, monkeypatch)
    for kind in ("events", "votes", "training", "votes", "events"):
        writer.write(kind)
    workspace.metrics.job(job.id)

    def counted(_: Population, **__: bool) -> object:
        raise AssertionError("the events were counted")

    for query in ("counts", "groups"):
        monkeypatch.setattr(ledger.count, query, counted)
    for raw in TOLD_BY_KINDS:
        workspace.metrics.job(job.id, filters=raw)
    with pytest.raises(AssertionError, match="the events were counted"):
        workspace.metrics.job(job.id, filters=[{"field": "v", "operator": "exists"}])


def test_a_filter_on_the_decision_asks_the_ledger_nothing_the_second_time(
    workspace: Workspace, ledger: Ledger, fresh_title: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    job = workspace.jobs.create(title=fresh_title(), labels=LABELS)
    lines = [
        {"event_id": str(number), "raw_body": {}, "decision": {"label": LABELS[number % 2]}}
        | {"votes": [{"analyst": "ana", "label": LABELS[0]}]}
        for number in range(9)
    ]
    workspace.ingest.bulk(job, [json.dumps(line).encode() for line in lines])
    workspace.training.register(job)
    again = [{"event_id": str(number), "analyst": "ana", "label": LABELS[1]} for number in range(5)]
    workspace.feedback.bulk(job, [json.dumps(vote).encode() for vote in again])
    filters = [{"field": "arcanna.result_label", "operator": "is", "value": LABELS[0]}]
    told = workspace.metrics.job(job.id, filters=filters)
    assert told["changed_consensus_after_training"]["total_events"] == 3

    def asked(*_: object, **__: object) -> object:
        raise AssertionError("the ledger was asked")

    for way in ("rows", "table"):
        monkeypatch.setattr(ledger.engine, way, asked)
    assert workspace.metrics.job(job.id, filters=filters) == told
    with pytest.raises(AssertionError, match="the ledger was asked"):
        workspace.metrics.job(job.id, filters=[{"field": "v", "operator": "exists"}])


@pytest.mark.parametrize("grouping", ["event", "bucket"])
def test_a_report_asks_for_no_states_of_subjects(
    grouping: str,
    workspace: Workspace,
    ledger: Ledger,
    fresh_title: Callable[[], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job = workspace.jobs.create(title=fresh_title(), labels=LABELS, grouping=grouping)
    writer = Writer(workspace, ledger, job, monkeypatch)
    for kind in ("events", "events", "votes", "decision", "votes", "events"):
        writer.write(kind)
    writer.audit()

    def counted(*_: object) -> object:
        raise AssertionError("the events were counted")

    above = {"field": "v", "operator": "gt", "value": 0.2}
    with monkeypatch.context() as patched:
        patched.setattr(ReviewQuery, "counts", counted)
        workspace.reports.of(job, filters=[above])
        workspace.reports.of(job, filters=[above, *TOLD_BY_KINDS[3]])
        patched.setattr(ReviewQuery, "groups", counted)
        patched.setattr(ReviewQuery, "decided", counted)
        for filters in (None, TOLD_BY_KINDS[0], TOLD_BY_KINDS[4]):
            workspace.reports.of(job, filters=filters)
            workspace.reports.of(job, "2024-12-31T23:00:00Z", "2025-01-01T03:00:00Z", filters)
        with pytest.raises(AssertionError, match="the events were counted"):
            workspace.reports.of(job, filters=[{**above, "value": 0.3}])
    with monkeypatch.context() as patched:
        patched.setattr(ReviewQuery, "counts", counted)
        with pytest.raises(AssertionError, match="the events were counted"):  # what a training learned is not kept
            workspace.reports.of(job, filters=TOLD_BY_KINDS[6])


def windows(choose: random.Random) -> list[tuple[str | None, str | None]]:
    start, end = (choose.choice(MOMENTS) for _ in range(2))
    return [(None, None), (start, end) if start is None or end is None or start <= end else (end, start)]


def test_an_event_that_moves_while_it_is_counted_is_counted_once(
    workspace: Workspace, ledger: Ledger, fresh_title: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    job = workspace.jobs.create(title=fresh_title(), labels=LABELS)

    def send(at: str) -> None:
        event = {"event_id": "e", "timestamp": at, "raw_body": {}, "decision": {"label": "Drop"}}
        assert workspace.ingest.bulk(job, packed(event)).accepted == 1

    send("2025-01-01T01:10:00Z")
    workspace.metrics.job(job.id)
    count, moves = ledger.count.counts, iter(["2025-01-01T02:10:00Z", "2025-01-01T01:20:00Z", "2025-01-01T02:20:00Z"])
    asked: list[Population] = []

    def counted(population: Population, **bounds: bool) -> object:
        asked.append(population)
        if (at := next(moves, None)) is not None:  # from the whole hour into what is beside it, and back
            send(at)
        return count(population, **bounds)

    monkeypatch.setattr(ledger.count, "counts", counted)
    grouped = ledger.count.groups

    def noted(population: Population, *, in_time: bool) -> object:
        asked.append(population)
        return grouped(population, in_time=in_time)

    monkeypatch.setattr(ledger.count, "groups", noted)
    table = ledger.answers.counts(population(workspace, job, None, "2025-01-01T02:30:00Z"))
    assert [each.events for each in table.counts] == [1]
    assert asked[-1].start is None  # in the end all at once
    assert len(asked) > 3


def test_a_vote_between_the_groups_and_their_states_has_them_asked_again(
    workspace: Workspace, ledger: Ledger, fresh_title: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    job = workspace.jobs.create(title=fresh_title(), labels=LABELS)
    for name in ("a", "b"):
        event = {"event_id": name, "raw_body": {"v": 1}, "decision": {"label": "Drop"}}
        assert workspace.ingest.bulk(job, packed(event)).accepted == 1
    filters = [{"field": "v", "operator": "is", "value": 1}]
    workspace.metrics.job(job.id, filters=filters)
    group, labels, asked = ledger.count.groups, iter(["Escalate", "Investigate"]), 0

    def grouped(population: Population, *, in_time: bool) -> object:
        nonlocal asked
        asked += 1
        groups = group(population, in_time=in_time)
        if (label := next(labels, None)) is not None:
            assert workspace.feedback.bulk(job, packed({"event_id": "a", "analyst": "ana", "label": label})).accepted
        return groups

    monkeypatch.setattr(ledger.count, "groups", grouped)
    answer = workspace.metrics.job(job.id, filters=filters)
    assert asked == 3
    assert answer["confusion_matrix"] == [[1, 0, 0], [1, 0, 0], [0, 0, 0]]
