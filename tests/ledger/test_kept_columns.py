"""What filters ask for, kept in memory: what a recount says after every kind of write."""

# ruff: noqa: SLF001 - what is kept shows itself by nothing but its speed

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from ledger.keeping import ask, kept, send
from ledger.random_writes import LABELS, WRITES, Writer, packed, population
from trueline.filters.request import parse_filters
from trueline.instants import parse_micros
from trueline.ledger import path_values
from trueline.ledger.path_numbers import PathNumbers
from trueline.ledger.reviews import ReviewQuery

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable

    from trueline.catalog.records import Job
    from trueline.ledger.kept_columns import KeptColumns
    from trueline.ledger.store import Ledger
    from trueline.service.workspace import Workspace

MOMENTS = [None, "2024-12-31T23:00:00Z", "2025-01-01T00:30:00Z", "2025-01-01T03:00:00Z", "2025-01-01T03:01:00.5Z"]
ON_DOCUMENTS: list[dict[str, Any]] = [
    {"field": "of.any.kind", "operator": "is", "value": "1"},
    {"field": "of.any.kind", "operator": "gt", "value": 1},
    {"field": "of.any.kind", "operator": "not exists"},
    {"field": "of.any.kind", "operator": "contains", "value": "t"},
    {"field": "of.any.kind", "operator": "is not", "value": 2},
    {"field": "v", "operator": "gt", "value": 0.5},
    {"field": "v", "operator": "is not", "value": "0.25"},
    {"field": "sparse", "operator": "exists"},
    {"field": "sparse", "operator": "is one of", "value": ["x", "y"]},
]
ON_KINDS: list[dict[str, Any]] = [
    {"field": "arcanna.consensus", "operator": "exists"},
    {"field": "arcanna.result_label", "operator": "is not", "value": "Drop"},
    {"field": "arcanna.knowledge_base_state", "operator": "is not", "value": "retrain"},
]


@pytest.fixture
def job(workspace: Workspace, fresh_title: Callable[[], str]) -> Job:
    return workspace.jobs.create(title=fresh_title(), labels=LABELS)


@pytest.mark.parametrize("grouping", ["event", "bucket"])
@pytest.mark.usefixtures("columns")
def test_filters_count_what_a_recount_does_after_every_kind_of_write(  # noqa: PLR0913, PLR0917 - fixtures
    grouping: str,
    workspace: Workspace,
    ledger: Ledger,
    selections: Counter[str],
    fresh_title: Callable[[], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(path_values, "MOST_VALUES", 25)  # more than stand at any path but one
    job = workspace.jobs.create(title=fresh_title(), labels=LABELS, grouping=grouping)
    reviews = ReviewQuery(ledger.engine, ledger._tables)
    recount, writer = ledger.count, Writer(workspace, ledger, job, monkeypatch)
    choose = random.Random(grouping)  # noqa: S311 - test data
    seen: set[tuple[bool, int]] = set()
    for kind in [writer.choose.choice(WRITES) for _ in range(90)]:
        writer.write(kind)
        if kind == "decision":
            writer.audit()
        if choose.random() < 0.5:
            workspace._writing.settle_reviews(job)
        ask(workspace, job, *ON_DOCUMENTS[:1], ON_DOCUMENTS[5], ON_DOCUMENTS[7])
        workspace._filtering.put(job.id).result()
        for turn in range(3):
            start, end = (choose.choice(MOMENTS) for _ in range(2))
            raw = choose.sample(ON_DOCUMENTS, choose.randint(1, 2)) + choose.sample(ON_KINDS, choose.randint(0, 1))
            everybody = population(workspace, job, None, None)
            asked = replace(
                everybody,
                start=None if start is None else parse_micros(start),
                end=None if end is None else parse_micros(end),
                filters=parse_filters(raw),
            )
            if asked.start is not None and asked.end is not None and asked.start > asked.end:
                asked = replace(asked, start=asked.end, end=asked.start)
            before = selections.total()
            found, counted = ledger.answers.counts(asked), recount.counts(asked)
            assert (sorted(found.counts, key=repr), found.earliest, found.latest) == (
                sorted(counted.counts, key=repr),
                counted.earliest,
                counted.latest,
            ), (kind, raw)
            if asked.training is not None:
                expected = recount.changed_events(asked, counted, 3)
                assert ledger.answers.changed_events(asked, found, 3) == expected, (kind, raw)
                seen.add((selections.total() > before, len(expected)))
            assert ledger.answers.bounds(asked) == (counted.earliest, counted.latest), (kind, raw)
            if not turn:  # recounts of reviews take as long as all others together
                reviewed = ledger.reviews.counts(asked)
                assert sorted(reviewed, key=repr) == sorted(reviews.counts(asked), key=repr), (kind, raw)
    assert {(True, size) for size in range(4)} <= seen
    assert selections["select"] > 60
    assert selections["moments"] > 10


@pytest.mark.usefixtures("columns")
def test_changed_events_pass_filters_on_documents_and_on_what_is_counted_by(
    workspace: Workspace, fresh_title: Callable[[], str]
) -> None:
    job = workspace.jobs.create(title=fresh_title(), labels=LABELS, grouping="bucket")
    events = [
        {"event_id": label, "bucket_id": "x", "timestamp": f"2025-01-0{day}", "raw_body": {"a": 1}}
        | {"decision": {"label": label}}
        for day, label in enumerate(LABELS, 1)
    ]
    assert not workspace.ingest.bulk(job, packed(*events)).rejected
    workspace.feedback.bulk(job, packed({"bucket_id": "x", "analyst": "ana", "label": "Drop"}))
    workspace.training.train(job)
    workspace.feedback.bulk(job, packed({"bucket_id": "x", "analyst": "ana", "label": "Escalate"}))
    exists = {"field": "a", "operator": "exists"}
    other = {"field": "arcanna.result_label", "operator": "is not", "value": "Escalate"}
    ask(workspace, job, exists)
    assert kept(workspace, job) == ["a"]
    for filters, changed in (([exists], LABELS[::-1]), ([exists, other], ["Investigate", "Drop"])):
        told = ask(workspace, job, *filters)["changed_consensus_after_training"]
        assert (told["top_events_ids"], told["total_events"]) == (changed, len(changed))


@pytest.mark.usefixtures("columns")
def test_a_filter_is_answered_by_the_engine_until_its_path_is_read(
    workspace: Workspace, selections: Counter[str], job: Job
) -> None:
    send(workspace, job, *({"a": number % 3, "b": "x"} for number in range(9)))
    above = {"field": "a", "operator": "gt", "value": 0}
    assert ask(workspace, job, above)["total_events"] == 6
    assert not selections
    assert kept(workspace, job) == ["a"]
    assert ask(workspace, job, above)["total_events"] == 6
    assert selections["select"] == 1
    send(workspace, job, {"a": 2}, {"a": "2"}, {"a": 0}, first=9)
    assert ask(workspace, job, above)["total_events"] == 8
    assert ask(workspace, job, above, {"field": "b", "operator": "exists"})["total_events"] == 6
    assert selections["select"] == 2  # of b nothing was kept yet
    assert kept(workspace, job) == ["a", "b"]
    assert ask(workspace, job, above, {"field": "b", "operator": "not exists"})["total_events"] == 2
    assert selections["select"] == 3


@pytest.mark.parametrize("are_numbers", [False, True])
@pytest.mark.parametrize("is_first", [True, False])
@pytest.mark.parametrize("merged", [False, True])
@pytest.mark.parametrize("meanwhile", ["sent", "sent again", "failed"])
def test_what_is_written_while_a_path_is_read_is_in_it(  # noqa: PLR0913, PLR0917 - fixtures
    are_numbers: bool,
    meanwhile: str,
    merged: bool,
    is_first: bool,
    columns: KeptColumns,
    workspace: Workspace,
    ledger: Ledger,
    selections: Counter[str],
    job: Job,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if are_numbers:
        monkeypatch.setattr(path_values, "MOST_VALUES", 2)  # nothing is one of them
    send(workspace, job, {"a": 1}, {"a": 1}, {"a": 2})
    if not is_first:
        ask(workspace, job, {"field": "other", "operator": "exists"}, {"field": "a", "operator": "exists"})
        send(workspace, job, {"other": 1}, first=50)
        ask(workspace, job, {"field": "other", "operator": "exists"})
        columns._wishes[job.id].discard("a")
        assert kept(workspace, job) == ["other"]
    read = columns.read

    def interrupted(*asked: Any) -> None:  # noqa: ANN401 - handed on
        if meanwhile == "failed":
            ledger.kept.forget(job.id)
        else:
            send(workspace, job, {"a": 1}, {"a": 3}, first=0 if meanwhile == "sent again" else 3)
            send(workspace, job, {"a": 1}, first=7)
            send(workspace, job, {"a": 5}, first=7)
        vote = {"event_id": "0", "analyst": "ana", "label": "Escalate"}
        assert workspace.feedback.bulk(job, packed(vote)).accepted == 1
        if merged:  # what cancels is gone before it is read
            ledger.engine.command(f"OPTIMIZE TABLE {ledger._tables.of(job.id).name} FINAL")
        read(*asked)

    monkeypatch.setattr(columns, "read", interrupted)
    one = {"field": "a", "operator": "is", "value": 1}
    ask(workspace, job, one)
    assert kept(workspace, job) == ([] if meanwhile == "failed" else ["a"] if is_first else ["a", "other"])
    answer = ask(workspace, job, one)
    assert selections["select"] == (meanwhile != "failed")
    assert answer["total_events"] == {"sent": 3, "sent again": 1, "failed": 2}[meanwhile]
    assert answer["total_events_with_consensus"] == 1
    every = ask(workspace, job, {"field": "a", "operator": "exists"})
    assert every["total_events"] == {"sent": 6, "sent again": 4, "failed": 3}[meanwhile]
    if are_numbers and meanwhile != "failed":
        assert isinstance(columns._kept[job.id].paths["a"].values, PathNumbers)


def test_who_is_reviewed_while_a_path_is_read_is_told_apart(
    columns: KeptColumns,
    workspace: Workspace,
    ledger: Ledger,
    job: Job,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    send(workspace, job, {"a": 1}, {"a": 2})
    workspace.reports.of(job)
    read = columns.read

    def interrupted(*asked: Any) -> None:  # noqa: ANN401 - handed on
        vote = {"analyst": "ana", "label": "Escalate", "review_probability": 0.5}
        event = {"event_id": "new", "raw_body": {"a": 1}, "decision": {"label": "Drop"}, "votes": [vote]}
        assert workspace.ingest.bulk(job, packed(event)).accepted == 1
        read(*asked)

    monkeypatch.setattr(columns, "read", interrupted)
    one = {"field": "a", "operator": "is", "value": 1}
    ask(workspace, job, one)
    assert kept(workspace, job) == ["a"]
    for label in ("Escalate", "Investigate"):
        vote = {"event_id": "new", "analyst": "ana", "label": label, "review_probability": 0.5}
        assert workspace.feedback.bulk(job, packed(vote)).accepted == 1
        asked = replace(population(workspace, job, None, None), filters=parse_filters([one]))
        reviewed = ReviewQuery(ledger.engine, ledger._tables).counts(asked)
        assert sorted(ledger.reviews.counts(asked), key=repr) == sorted(reviewed, key=repr)
        assert {(each.consensus, each.probability) for each in reviewed} == {(label, 0.5), (None, None)}


def test_a_write_is_said_to_be_one_when_all_that_is_kept_has_it(
    columns: KeptColumns,
    workspace: Workspace,
    ledger: Ledger,
    job: Job,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    send(workspace, job, {"a": 1})
    ask(workspace, job, {"field": "a", "operator": "exists"})
    assert kept(workspace, job) == ["a"]
    told, before = columns.events_written, ledger.kept.writes(job.id)

    def noted(*asked: Any) -> None:  # noqa: ANN401 - handed on
        assert ledger.kept.writes(job.id) == before  # else an answer of before would be remembered as one of after
        told(*asked)

    monkeypatch.setattr(columns, "events_written", noted)
    send(workspace, job, {"a": 2}, first=1)
    assert ledger.kept.writes(job.id) != before


def test_texts_that_differ_in_digits_alone_are_taken_together_before_a_path_is_given_up(
    columns: KeptColumns,
    workspace: Workspace,
    selections: Counter[str],
    job: Job,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(path_values, "MOST_VALUES", 20)
    send(workspace, job, *({"a": f"curl {number} of {number % 7}" if number % 2 else "sh"} for number in range(44)))
    curl = {"field": "a", "operator": "contains", "value": "curl"}
    five = {"field": "a", "operator": "contains", "value": "curl 5"}
    assert [ask(workspace, job, each)["total_events"] for each in (curl, five)] == [22, 1]
    assert kept(workspace, job) == ["a"]
    assert [ask(workspace, job, each)["total_events"] for each in (curl, five)] == [22, 1]
    assert selections["select"] == 1
    send(workspace, job, *({"a": f"curl {'x' * number} {number}"} for number in range(15)), first=100)
    assert [ask(workspace, job, each)["total_events"] for each in (curl, five)] == [37, 1]
    assert selections["select"] == 2
    send(workspace, job, *({"a": "y" * number} for number in range(15)), first=200)
    assert ask(workspace, job, curl)["total_events"] == 37
    assert selections["select"] == 2
    assert kept(workspace, job) == []
    assert not columns._wishes.get(job.id)  # it is not tried again


def test_numbers_of_which_hardly_two_are_alike_are_kept_as_they_are(
    columns: KeptColumns,
    workspace: Workspace,
    selections: Counter[str],
    job: Job,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(path_values, "MOST_VALUES", 20)
    send(workspace, job, *({"a": number / 4 if number % 2 else number} for number in range(44)), {"b": 1})
    above: dict[str, Any] = {"field": "a", "operator": "gt", "value": 5}
    none = {"field": "a", "operator": "not exists"}
    starts = {"field": "a", "operator": "starts with", "value": 4}
    asked = [above, none, starts]
    before = [31, 1, 5]
    assert [ask(workspace, job, each)["total_events"] for each in asked] == before
    assert kept(workspace, job) == ["a"]
    assert [ask(workspace, job, each)["total_events"] for each in asked] == before
    assert selections["select"] == 2  # how a number begins is asked of the engine
    below: dict[str, Any] = {"field": "a", "operator": "lte", "value": 5.25}
    send(workspace, job, {"a": 5.125}, {"a": -1}, {"a": 1e20}, first=100)
    assert [ask(workspace, job, *each)["total_events"] for each in ([above], [above, below])] == [33, 2]
    assert selections["select"] == 4
    send(workspace, job, {"a": "6"}, first=200)
    assert ask(workspace, job, above)["total_events"] == 34
    assert selections["select"] == 4
    assert kept(workspace, job) == []
    assert not columns._wishes.get(job.id)  # it is not tried again


def test_a_question_does_not_see_values_that_came_and_cannot_be_kept(
    columns: KeptColumns,
    workspace: Workspace,
    job: Job,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(path_values, "MOST_VALUES", 20)
    send(workspace, job, *({"a": number} for number in range(44)))
    six = {"field": "a", "operator": "is", "value": "6"}
    ask(workspace, job, six)
    assert kept(workspace, job) == ["a"]
    look_after, answers = columns._look_after, list[int]()

    def looked_after(*told: Any, **more: Any) -> None:  # noqa: ANN401 - handed on
        # the text is among the rows, and the path is still kept
        answers.append(ask(workspace, job, six)["total_events"])
        look_after(*told, **more)

    monkeypatch.setattr(columns, "_look_after", looked_after)
    send(workspace, job, {"a": "6"}, first=100)
    assert answers == [2]
