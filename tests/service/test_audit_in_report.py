"""What was drawn for an audit stands for the rest in the report, though no vote says a probability."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from trueline.service.question import everything

if TYPE_CHECKING:
    from collections.abc import Callable

    from trueline.catalog.records import Job
    from trueline.service.workspace import Workspace

EVENTS, DRAWN, WRONG = 200, 50, 10


def filled(workspace: Workspace, title: str, grouping: str) -> Job:
    job = workspace.jobs.create(title=title, labels=["Drop", "Escalate"], grouping=grouping)
    lines = [
        json.dumps({"event_id": f"e{n}", "bucket_id": f"e{n}", "raw_body": {}, "decision": {"label": "Drop"}}).encode()
        for n in range(EVENTS)
    ]
    assert workspace.ingest.bulk(job, lines).accepted == EVENTS
    return job


def vote(workspace: Workspace, job: Job, subject: str, label: str, **said: object) -> None:
    name = "bucket_id" if job.grouping == "bucket" else "event_id"
    line: dict[str, Any] = {name: subject, "analyst": "ana", "label": label, **said}
    assert workspace.feedback.bulk(job, [json.dumps(line).encode()]).accepted == 1


@pytest.mark.parametrize("grouping", ["event", "bucket"])
def test_the_drawn_stand_for_all(workspace: Workspace, fresh_title: Callable[[], str], grouping: str) -> None:
    job = filled(workspace, fresh_title(), grouping)
    drawn = [each["id"] for each in workspace.audits.draw(job, "Drop", DRAWN, "the first")["drawn"]]
    others = sorted({f"e{n}" for n in range(EVENTS)} - set(drawn))
    for place, each in enumerate(others[:5]):  # reviewed for a cause: they would double the estimate
        vote(workspace, job, each, "Escalate" if place else "Drop")
    before = workspace.reports.of(job)
    assert before["partly_reviewed"]["basis"]["Drop"]["basis"] == "post_stratified"
    for place, each in enumerate(drawn):
        vote(workspace, job, each, "Escalate" if place < WRONG else "Drop")
    told = workspace.reports.of(job)
    assert told["partly_reviewed"]["basis"]["Drop"]["basis"] == "known_probability"
    assert told["costs"]["missed"]["estimated"]["value"] == pytest.approx(WRONG / DRAWN * EVENTS)
    recall = told["partly_reviewed"]["per_label"]["Drop"]["precision"]["weighted"]
    assert recall["value"] == pytest.approx(1 - WRONG / DRAWN)


def test_a_vote_that_says_its_probability_is_taken_at_its_word(
    workspace: Workspace, fresh_title: Callable[[], str]
) -> None:
    job = filled(workspace, fresh_title(), "event")
    (drawn,) = (each["id"] for each in workspace.audits.draw(job, "Drop", 1, "one")["drawn"])
    vote(workspace, job, drawn, "Escalate", review_probability=1.0)
    said = {count.probability for count in workspace._ledger.reviews.counts(everything(job, None))}  # noqa: SLF001
    assert said == {1.0, None}


def test_who_is_drawn_after_they_were_reviewed_counts_at_once(
    workspace: Workspace, fresh_title: Callable[[], str]
) -> None:
    job = filled(workspace, fresh_title(), "event")
    vote(workspace, job, "e0", "Escalate")

    def said() -> set[float | None]:
        return {count.probability for count in workspace._ledger.reviews.counts(everything(job, None))}  # noqa: SLF001

    assert said() == {None}
    workspace.audits.draw(job, "Drop", EVENTS, "all of them")
    assert said() == {1.0, None}
