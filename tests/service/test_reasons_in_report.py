"""Why things were reviewed, as the report tells it: the same as counted plainly, in the whole and in its parts."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from reviewed_jobs import LABELS, ReviewedJob, draw, reviewed_job
from trueline.metrics.consensus import REVIEW_REASONS
from trueline.metrics.reasons import NOT_SAID
from trueline.service.telling import Telling

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from oracle import Sent
    from trueline.service.workspace import Workspace

Counted = dict[str, dict[str, list[int]]]
NAMES = [*REVIEW_REASONS, NOT_SAID]


@pytest.fixture(params=["event", "bucket"])
def made(workspace: Workspace, fresh_title: Callable[[], str], request: pytest.FixtureRequest) -> ReviewedJob:
    # whatever is drawn, which is another by each store's keys: some was reviewed that nobody said a reason for
    made = reviewed_job(workspace, fresh_title, 6, request.param, (100, 150))
    draw(workspace, made, 4)
    return made


def counted_plainly(made: ReviewedJob, events: Iterable[Sent]) -> Counted:
    """Of each decision and reason: events reviewed and events wrong, subjects reviewed and subjects wrong."""
    found = {label: {name: [0, 0, 0, 0] for name in NAMES} for label in LABELS}
    seen: set[tuple[str, str]] = set()
    for event in events:
        consensus, _ = made.oracle.consensus(event.bucket)
        decision = made.oracle.decisions_on(event.event_id)[-1].label
        if consensus in LABELS:
            numbers = found[decision][made.reason(event.bucket, decision) or NOT_SAID]
            numbers[0] += 1
            numbers[1] += consensus != decision
            if (event.bucket, decision) not in seen:
                numbers[2] += 1
                numbers[3] += consensus != decision
            seen.add((event.bucket, decision))
    return found


def told_of(section: dict[str, Any]) -> Counted:
    return {
        label: {
            name: [share[of][unit] for unit in ("events", "subjects") for of in ("whole", "part")]
            for name, share in shares.items()
        }
        for label, shares in section["partly_reviewed"]["wrong_by_reason"].items()
    }


def sections(told: dict[str, Any]) -> list[dict[str, Any]]:
    groups = told["groups"]
    return [told, *told["intervals"], *groups["values"], groups["other_values"], groups["without_value"]]


def test_reasons_are_as_counted_plainly_with_windows_filters_and_as_of(workspace: Workspace, made: ReviewedJob) -> None:
    wanted = counted_plainly(made, made.oracle.population())
    assert all(any(wanted[label][name][0] for label in LABELS) for name in NAMES)
    now = workspace.reports.of(made.job)
    assert told_of(now) == wanted
    assert told_of(workspace.reports.of(made.job, telling=Telling(as_of=datetime.now(UTC).isoformat()))) == wanted
    window = ("2025-03-29", "2025-03-30")
    assert told_of(workspace.reports.of(made.job, *window)) == counted_plainly(made, made.oracle.population(*window))
    filters = [{"field": "arcanna.consensus", "operator": "is not", "value": "Drop"}]
    filtered = workspace.reports.of(made.job, filters=filters)
    assert told_of(filtered) == counted_plainly(made, made.oracle.population(filters=filters))


def test_all_reasons_of_a_decision_are_what_was_reviewed_of_it_and_parts_sum_to_the_whole(
    workspace: Workspace, made: ReviewedJob
) -> None:
    told = workspace.reports.of(made.job, telling=Telling(interval="1d", group_by="host", top=2))
    for each in sections(told):
        reviewed = each["policies"]["reviewed"]["per_decision"]
        for label, shares in each["partly_reviewed"]["wrong_by_reason"].items():
            for unit in ("events", "subjects"):
                summed = sum(share["whole"][unit] for share in shares.values())
                assert summed == reviewed[label]["reviewed"][unit]
    whole, groups = told_of(told), told["groups"]
    for parts in (told["intervals"], [*groups["values"], groups["other_values"], groups["without_value"]]):
        for label in LABELS:
            for name in NAMES:
                events = [told_of(part)[label][name][:2] for part in parts]
                assert [sum(both) for both in zip(*events, strict=True)] == whole[label][name][:2]


def test_a_reason_alone_changes_the_digest_and_what_is_told(workspace: Workspace, made: ReviewedJob) -> None:
    event = {"event_id": "new", "bucket_id": "new", "raw_body": {}, "decision": {"label": "Escalate"}}
    assert workspace.ingest.bulk(made.job, [json.dumps(event).encode()]).accepted == 1
    line = {"event_id": "new", "analyst": "zoe", "label": "Drop", "at": "2025-06-01"}

    def told(**said: str) -> dict[str, Any]:
        assert workspace.feedback.bulk(made.job, [json.dumps(line | said).encode()]).accepted == 1
        return workspace.reports.of(made.job)

    before, after = told(), told(review_reason="complaint", at="2025-06-02")
    assert before["policies"] == after["policies"]
    assert before["digest"] != after["digest"]
    assert told_of(before) != told_of(after)


def test_the_latest_reason_of_a_vote_that_stands_counts_else_that_of_the_draw(
    workspace: Workspace, fresh_title: Callable[[], str]
) -> None:
    job = workspace.jobs.create(title=fresh_title(), labels=["Drop", "Escalate"])
    lines = [{"event_id": f"e{n}", "raw_body": {}, "decision": {"label": "Drop"}} for n in range(40)]
    assert workspace.ingest.bulk(job, [json.dumps(line).encode() for line in lines]).accepted == 40

    def reasons() -> dict[str, int]:
        section = workspace.reports.of(job)["partly_reviewed"]
        return {name: share["whole"]["events"] for name, share in section["wrong_by_reason"]["Drop"].items()}

    def vote(analyst: str, label: str | None, **said: str) -> None:
        line = {"event_id": "e0", "analyst": analyst, "label": label, **said}
        assert workspace.feedback.bulk(job, [json.dumps(line).encode()]).accepted == 1

    nothing = dict.fromkeys(NAMES, 0)
    assert reasons() == nothing
    vote("ana", "Drop")
    assert reasons() == nothing | {NOT_SAID: 1}
    vote("ana", "Drop", review_reason="complaint")
    vote("ben", "Drop", review_reason="escalation")
    vote("ana", "Escalate")  # corrects, and says nothing new: it was she who said it before ben
    vote("eve", "Drop")
    assert reasons() == nothing | {"escalation": 1}
    vote("ben", None)
    vote("cleo", "Drop")
    assert reasons() == nothing | {"complaint": 1}
    workspace.audits.draw(job, "Drop", 40, "all of them")
    assert reasons() == nothing | {"complaint": 1}
    vote("ana", None)
    assert reasons() == nothing | {"audit": 1}


def test_an_estimate_without_known_probabilities_says_how_many_reviews_were_chosen(
    workspace: Workspace, fresh_title: Callable[[], str]
) -> None:
    job = workspace.jobs.create(title=fresh_title(), labels=["Drop", "Escalate"])
    lines = [{"event_id": f"e{n}", "raw_body": {}, "decision": {"label": "Drop"}} for n in range(40)]
    assert workspace.ingest.bulk(job, [json.dumps(line).encode() for line in lines]).accepted == 40
    said = ["complaint", "complaint", "low confidence", "audit", ""]
    votes = [
        {"event_id": f"e{n}", "analyst": "ana", "label": "Drop", "review_reason": reason}
        for n, reason in enumerate(said)
    ]
    assert workspace.feedback.bulk(job, [json.dumps(vote).encode() for vote in votes]).accepted == len(said)
    basis = workspace.reports.of(job)["partly_reviewed"]["basis"]["Drop"]
    assert basis["basis"] == "post_stratified"
    assert basis["assumption"].endswith(
        "Of the 5 reviews that it rests on, 3 were not chosen by chance (1 because of low confidence, 0 because of"
        " escalation, 2 because of complaint); of 1 nobody said why."
    )
