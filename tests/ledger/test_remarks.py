"""What is said along with a vote is kept with it, whichever way it came."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from trueline.metrics.consensus import Remark

if TYPE_CHECKING:
    from collections.abc import Callable

    from trueline.catalog.records import Job
    from trueline.ledger.store import Ledger
    from trueline.service.workspace import Workspace

SAID: dict[str, Any] = {"review_probability": 0.02, "review_reason": "audit", "note": "as the week before"}


@pytest.fixture
def job(workspace: Workspace, fresh_title: Callable[[], str]) -> Job:
    return workspace.jobs.create(title=fresh_title(), labels=["Drop", "Escalate"])


def sent(workspace: Workspace, job: Job, *votes: dict[str, Any], event_id: str = "e") -> None:
    line = {"event_id": event_id, "raw_body": {}, "votes": list(votes)}
    assert not workspace.ingest.bulk(job, [json.dumps(line).encode()]).rejected


def remarks(ledger: Ledger, job: Job, event_id: str = "e") -> list[Remark]:
    found = ledger.votes.on(job.id, [ledger.keys.event(event_id)])
    return [vote.remark for votes in found.values() for vote in votes]


def vote(**said: Any) -> dict[str, Any]:  # noqa: ANN401 - parts of a line
    return {"analyst": "ana", "label": "Drop", "at": "2025-01-01"} | said


def test_a_vote_in_the_first_line_of_its_event(workspace: Workspace, ledger: Ledger, job: Job) -> None:
    sent(workspace, job, vote(**SAID))
    assert remarks(ledger, job) == [Remark(**SAID)]


def test_votes_in_a_later_line(workspace: Workspace, ledger: Ledger, job: Job) -> None:
    sent(workspace, job)
    sent(workspace, job, vote(**SAID), vote(analyst="ben"))
    assert remarks(ledger, job) == [Remark(**SAID), Remark()]


def test_votes_in_bulk_and_the_very_same_again(workspace: Workspace, ledger: Ledger, job: Job) -> None:
    sent(workspace, job)
    lines = [vote(event_id="e", **SAID), vote(event_id="e", **SAID), vote(event_id="e", **SAID | {"note": "more"})]
    for _ in range(2):
        assert workspace.feedback.bulk(job, [json.dumps(line).encode() for line in lines]).accepted == 3
    assert remarks(ledger, job) == [Remark(**SAID), Remark(**SAID | {"note": "more"})]


def test_notes_of_a_connector(workspace: Workspace, ledger: Ledger, job: Job) -> None:
    sent(workspace, job)
    workspace.feedback.give(job, "e", "ana", "Drop", "closed")
    assert remarks(ledger, job) == [Remark(note="closed")]


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"review_probability": 0}, "review_probability 0.0 is not between 1e-12 and 1"),
        ({"review_probability": 5e-324}, "review_probability 5e-324 is not between"),
        ({"review_probability": 1.01}, "is not between"),
        ({"review_reason": "boredom"}, "unknown review_reason: it is one of audit, low confidence"),
        ({"note": "x" * 10_001}, "the note is longer than 10000 characters"),
    ],
)
def test_what_is_no_remark_is_refused(workspace: Workspace, job: Job, said: dict[str, Any], why: str) -> None:
    sent(workspace, job)
    line = json.dumps(vote(event_id="e", **said)).encode()
    assert why in workspace.feedback.bulk(job, [line]).rejected[0].error
    with_event = json.dumps({"event_id": "f", "raw_body": {}, "votes": [vote(**said)]}).encode()
    assert why in workspace.ingest.bulk(job, [with_event]).rejected[0].error
