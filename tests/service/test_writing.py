"""Consensus follows votes, also when a write was cut short."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

import pytest

from trueline.ledger.errors import LedgerError
from trueline.metrics.consensus import consensus
from trueline.service.errors import ConflictError, EventNotFoundError, InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Callable

    from trueline.catalog.records import Job
    from trueline.ledger.store import Ledger
    from trueline.service.workspace import Workspace

LABELS = ["Drop", "Investigate", "Escalate"]


@pytest.fixture
def ledger(workspace: Workspace) -> Ledger:
    return workspace._ledger  # noqa: SLF001


@pytest.fixture
def job(workspace: Workspace, fresh_title: Callable[[], str]) -> Job:
    return workspace.jobs.create(title=fresh_title(), labels=LABELS)


def packed(*lines: dict[str, Any]) -> list[bytes]:
    return [json.dumps(line).encode() for line in lines]


def decided(name: str, *votes: tuple[str, str]) -> dict[str, Any]:
    given = [{"analyst": analyst, "label": label} for analyst, label in votes]
    return {"event_id": name, "raw_body": {}, "decision": {"label": "Drop"}, "votes": given}


def vote(name: str, analyst: str, label: str | None) -> dict[str, Any]:
    return {"event_id": name, "analyst": analyst, "label": label}


def fail(*_: object, **__: object) -> None:
    raise LedgerError("cut short")


@pytest.mark.parametrize("cut", ["before the consensus", "before the events"])
def test_a_write_of_events_cut_short_is_finished_by_the_next(
    cut: str, workspace: Workspace, ledger: Ledger, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace.ingest.bulk(job, packed(decided("old")))
    request = packed(decided("old", ("ana", "Escalate")), decided("new", ("ana", "Investigate")))
    with monkeypatch.context() as patched:
        if cut == "before the events":
            patched.setattr(ledger.events, "write", fail)
        else:
            patched.setattr(ledger.votes, "write_consensus", fail)
        with pytest.raises(LedgerError, match="cut short"):
            workspace.ingest.bulk(job, request)
    workspace.ingest.bulk(job, packed(decided("other")))
    assert workspace.metrics.job(job.id)["confusion_matrix"] == [[1, 0, 0], [0, 0, 0], [1, 0, 0]]
    check_stored_consensus(workspace, ledger, job)

    # a vote recorded without its event is not forgotten: with another against it there is no majority
    workspace.ingest.bulk(job, packed(decided("new", ("ben", "Drop"))))
    for _ in range(2):  # and whoever got no answer sends again, as often as it takes
        metrics = workspace.metrics.job(job.id)
        assert (metrics["total_events"], metrics["confusion_matrix"]) == (3, [[1, 0, 0], [0, 0, 0], [1, 0, 0]])
        check_stored_consensus(workspace, ledger, job)
        workspace.ingest.bulk(job, request)


def test_votes_cut_short_before_their_consensus_are_finished_by_the_next_write_start_or_question(
    workspace: Workspace, ledger: Ledger, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace.ingest.bulk(job, packed(decided("a"), decided("b"), decided("d")))
    for name, go_on in (
        ("a", lambda: workspace.ingest.bulk(job, packed(decided("c")))),
        ("b", workspace.recover),
        ("d", lambda: workspace.metrics.job(job.id)),
    ):
        with monkeypatch.context() as patched:
            patched.setattr(ledger.votes, "write_consensus", fail)
            with pytest.raises(LedgerError, match="cut short"):
                workspace.feedback.bulk(job, packed(vote(name, "ana", "Escalate")))
        found = [{"field": "arcanna.original_id", "operator": "is", "value": name}]
        assert ledger.votes.weighed_until(job.id, [ledger.keys.event(name)]) == {}
        go_on()
        assert ledger.votes.weighed_until(job.id, [ledger.keys.event(name)]) != {}
        assert workspace.metrics.job(job.id, filters=found)["confusion_matrix"][2][0] == 1
    check_stored_consensus(workspace, ledger, job)


def test_a_change_of_min_votes_cut_short_is_finished_by_the_next_write(
    workspace: Workspace, ledger: Ledger, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace.ingest.bulk(job, packed(decided("a", ("ana", "Drop")), decided("b", ("ana", "Drop"), ("ben", "Drop"))))
    with monkeypatch.context() as patched:
        patched.setattr(ledger.votes, "write_consensus", fail)
        with pytest.raises(LedgerError, match="cut short"):
            workspace.jobs.change(job.id, min_votes=2)
    workspace.feedback.bulk(job, packed(vote("b", "cyd", "Drop")))
    assert workspace.metrics.job(job.id)["total_events_with_consensus"] == 1
    check_stored_consensus(workspace, ledger, workspace.jobs.get(job.id))


@pytest.mark.parametrize("grouping", ["event", "bucket"])
def test_what_is_stored_is_what_a_recount_of_all_votes_gives_after_many_writes(
    grouping: str, workspace: Workspace, ledger: Ledger, fresh_title: Callable[[], str]
) -> None:
    choose = random.Random(len(grouping))  # noqa: S311 - test data
    job = workspace.jobs.create(title=fresh_title(), labels=LABELS, grouping=grouping)
    for _ in range(40):
        lines: list[dict[str, Any]] = []
        kind = choose.choice(["events", "votes", "votes", "min_votes"])
        for _ in range(choose.randint(1, 8)):
            at = f"2025-01-0{choose.randint(1, 9)}"
            given = {"analyst": choose.choice("abc"), "label": choose.choice([*LABELS, None])}
            name = str(choose.randint(1, 15))
            if kind == "votes":
                lines.append(given | {"event_id": name, "at": at, "override": choose.random() < 0.2})
            else:
                votes = [given | {"at": at}] * choose.randint(0, 1)
                line = {"event_id": name, "bucket_id": choose.choice("xyz"), "raw_body": {"v": choose.random()}}
                lines.append(line | {"decision": {"label": choose.choice(LABELS)}, "votes": votes})
        if kind == "min_votes":
            job = workspace.jobs.change(job.id, min_votes=choose.randint(1, 3))
        else:
            (workspace.ingest if kind == "events" else workspace.feedback).bulk(job, packed(*lines))
    assert check_stored_consensus(workspace, ledger, job) >= (3 if grouping == "bucket" else 10)


def check_stored_consensus(workspace: Workspace, ledger: Ledger, job: Job) -> int:
    """Compare every event's stored consensus with that of its subject's votes; the number of voted subjects."""
    votes = {subject: given for some in ledger.votes.all(job.id) for subject, given in some.items()}
    rows = ledger.engine.rows(
        "SELECT event_id, subject_key FROM {events:Identifier}"
        " GROUP BY event_id, subject_key, version HAVING sum(sign) > 0",
        {"events": f"events_{job.id}"},
    )
    assert rows
    for event_id, subject in rows:
        expected = consensus(votes.get(subject, []), job.min_votes).label
        only = [{"field": "arcanna.original_id", "operator": "is", "value": event_id}]
        said = [*only, {"field": "arcanna.consensus", "operator": "is", "value": expected}]
        silent = [*only, {"field": "arcanna.consensus", "operator": "not exists"}]
        found = workspace.metrics.job(job.id, filters=silent if expected is None else said)
        assert found["total_events"] == 1, (event_id, expected)
    return len(votes)


def test_what_is_refused_before_it_was_begun_is_no_write_cut_short(
    workspace: Workspace, ledger: Ledger, fresh_title: Callable[[], str]
) -> None:
    job = workspace.jobs.create(title=fresh_title(), labels=LABELS, grouping="bucket")
    workspace.ingest.bulk(job, packed(decided("e") | {"bucket_id": "b"}))
    workspace.training.register(job, model_id="one")
    workspace.metrics.job(job.id)
    unknown = [{"event_id": "unknown", "label": "Drop"}]
    for refused, error in (
        (lambda: workspace.ingest.decide(job, "unknown", label="Drop"), EventNotFoundError),
        (lambda: workspace.training.register(job, training_set=unknown), InvalidRequestError),
        (lambda: workspace.training.register(job, model_id="one", activate=False), ConflictError),
        (lambda: workspace.jobs.change(job.id, labels=["Drop"]), InvalidRequestError),
    ):
        with pytest.raises(error):
            refused()
        assert ledger.kept.is_ready(job.id, None), error

    # what is refused once something was written may have left that behind
    def refuse_late() -> None:
        with workspace._writing.on(job.id):  # noqa: SLF001
            ledger.ping()
            raise ConflictError

    with pytest.raises(ConflictError):
        refuse_late()
    assert not ledger.kept.is_ready(job.id, None)


def test_a_question_that_fails_with_the_job_held_is_no_write_cut_short(
    workspace: Workspace, ledger: Ledger, job: Job
) -> None:
    workspace.ingest.bulk(job, packed(decided("e")))
    workspace.metrics.job(job.id)
    writing = workspace._writing  # noqa: SLF001
    with pytest.raises(LedgerError, match="cut short"), writing.held(job.id):
        fail()
    assert ledger.kept.is_ready(job.id, None)
    with pytest.raises(LedgerError, match="cut short"), writing.on(job.id):
        fail()
    assert not ledger.kept.is_ready(job.id, None)
