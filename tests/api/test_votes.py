"""Votes in bulk, over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from trueline.service.keys import KNOWN_SCOPES

if TYPE_CHECKING:
    import httpx

    from api.caller import Caller
    from trueline.service.workspace import Workspace

VOTE = b'{"event_id": "a", "analyst": "ana", "label": "Escalate"}'


def test_votes_from_nobody_are_answered_401(caller: Caller, anonymous: httpx.Client) -> None:
    job = caller.make_job()
    caller.fill(job, a="Drop")
    assert anonymous.post(f"/api/v2/jobs/{job}/votes/bulk", content=VOTE).status_code == 401
    assert caller.metrics(job)["total_events_with_consensus"] == 0


BAD_LINES: dict[str, tuple[bytes, str]] = {
    "broken JSON": (b"{", "truncated"),
    "no subject": (b'{"analyst": "ana", "label": "Drop"}', "either an event_id or a bucket_id"),
    "two subjects": (
        b'{"event_id": "a", "bucket_id": "a", "analyst": "ana", "label": "Drop"}',
        "either an event_id or a bucket_id",
    ),
    "no analyst": (b'{"event_id": "a", "label": "Drop"}', "analyst"),
    "an empty analyst": (b'{"event_id": "a", "analyst": "", "label": "Drop"}', "analyst is empty"),
    "an overlong analyst": (b'{"event_id": "a", "analyst": "%b", "label": "Drop"}' % (b"x" * 257), "analyst is longer"),
    "no label": (b'{"event_id": "a", "analyst": "ana"}', "label"),
    "an unknown label": (b'{"event_id": "a", "analyst": "ana", "label": "Nope"}', "unknown label 'Nope'"),
    "an unknown event": (b'{"event_id": "z", "analyst": "ana", "label": "Drop"}', "unknown event 'z'"),
    "an unreadable time": (b'{"event_id": "a", "analyst": "ana", "label": "Drop", "at": "noon"}', "at: 'noon'"),
    "an override that is no boolean": (
        b'{"event_id": "a", "analyst": "ana", "label": "Drop", "override": 1}',
        "override",
    ),
    "a lone surrogate": (rb'{"event_id": "a", "analyst": "x\ud800 ", "label": "Drop"}', "surrogate"),
    "not UTF-8": (b'{"event_id": "a", "analyst": "\xe9", "label": "Drop"}', "not UTF-8"),
    "an unknown key": (b'{"event_id": "a", "analyst": "ana", "label": "Drop", "weight": 2}', "weight"),
}


def test_bad_lines_are_named_by_their_numbers_and_leave_the_good_ones_in(caller: Caller) -> None:
    job = caller.make_job()
    caller.fill(job, a="Drop", b="Drop")
    lines = [VOTE, *(bad for bad, _ in BAD_LINES.values()), VOTE.replace(b'"a"', b'"b"')]
    taken = caller.bulk(job, "votes", *lines)
    assert taken["accepted"] == 2
    assert [rejected["line"] for rejected in taken["rejected"]] == list(range(2, len(BAD_LINES) + 2))
    for rejected, (kind, (_, reason)) in zip(taken["rejected"], BAD_LINES.items(), strict=True):
        assert reason in rejected["error"], kind
    assert caller.metrics(job)["confusion_matrix"] == [[0, 0, 0], [0, 0, 0], [2, 0, 0]]


def test_a_vote_with_no_label_withdraws(caller: Caller) -> None:
    job = caller.make_job()
    caller.fill(job, a="Drop")
    caller.vote(job, ("a", "ana", "Escalate"))
    caller.vote(job, ("a", "ana", None))
    metrics = caller.metrics(job)
    assert (metrics["total_events_with_consensus"], metrics["overall_accuracy"]) == (0, 1.0)


def test_votes_that_disagree_leave_no_truth(caller: Caller) -> None:
    job = caller.make_job()
    caller.fill(job, a="Drop")
    caller.vote(job, ("a", "ana", "Escalate"), ("a", "ben", "Drop"))
    metrics = caller.metrics(job)
    assert (metrics["total_events"], sum(map(sum, metrics["confusion_matrix"]))) == (1, 0)
    assert metrics["overall_accuracy"] is None
    undecided = [{"field": "attention.undecided_consensus.attention_required", "operator": "is", "value": True}]
    assert caller.metrics(job, undecided)["total_events"] == 1


def test_an_override_without_its_scope_is_answered_403_and_no_line_is_taken(
    caller: Caller, anonymous: httpx.Client, workspace: Workspace
) -> None:
    job = caller.make_job()
    caller.fill(job, a="Drop", b="Drop")
    override = b'{"event_id": "b", "analyst": "root", "label": "Escalate", "override": true}'
    key = workspace.access.create("voter", [each for each in KNOWN_SCOPES if each != "write:consensus_override"])
    headers = {"X-Arcanna-Api-Key": key}
    refused = anonymous.post(f"/api/v2/jobs/{job}/votes/bulk", content=VOTE + b"\n" + override, headers=headers)
    assert refused.status_code == 403
    assert refused.json() == {"error": "The key lacks the scope write:consensus_override"}
    assert caller.metrics(job)["total_events_with_consensus"] == 0
    taken = anonymous.post(f"/api/v2/jobs/{job}/votes/bulk", content=VOTE, headers=headers)
    assert taken.json()["accepted"] == 1


def test_an_override_with_its_scope_settles_until_it_is_withdrawn(caller: Caller) -> None:
    job = caller.make_job()
    caller.fill(job, a="Drop")
    caller.vote(job, ("a", "ana", "Drop"), ("a", "ben", "Drop"))
    override = {"event_id": "a", "analyst": "root", "label": "Escalate", "override": True}
    caller.bulk(job, "votes", override)
    assert caller.metrics(job)["confusion_matrix"][2][0] == 1
    caller.bulk(job, "votes", override | {"label": None})
    assert caller.metrics(job)["confusion_matrix"][0][0] == 1


@pytest.mark.parametrize("kind", ["bucket_id", "event_id"])
def test_in_a_bucket_job_a_vote_is_on_the_bucket(kind: str, caller: Caller) -> None:
    job = caller.make_job(grouping="bucket", decision_points=["rule.id"])
    decision = {"label": "Drop"}
    lines = [
        {"event_id": name, "bucket_id": bucket, "raw_body": {}, "decision": decision}
        for name, bucket in {"a": "one", "b": "one", "c": "two"}.items()
    ]
    caller.bulk(job, "events", *lines)
    vote = {kind: "one" if kind == "bucket_id" else "a", "analyst": "ana", "label": "Escalate"}
    assert caller.bulk(job, "votes", vote)["accepted"] == 1
    assert caller.metrics(job)["confusion_matrix"] == [[1, 0, 0], [0, 0, 0], [2, 0, 0]]


def test_an_unknown_bucket_is_rejected(caller: Caller) -> None:
    job = caller.make_job(grouping="bucket")
    taken = caller.bulk(job, "votes", {"bucket_id": "none", "analyst": "ana", "label": "Drop"})
    assert taken == {"accepted": 0, "replaced": 0, "rejected": [{"line": 1, "error": "unknown bucket 'none'"}]}


def test_the_very_same_vote_again_changes_nothing(caller: Caller) -> None:
    job = caller.make_job(min_votes=2)
    caller.fill(job, a="Drop")
    vote = {"event_id": "a", "analyst": "ana", "label": "Drop", "at": "2025-01-02T00:00:00Z"}
    caller.bulk(job, "votes", vote, vote)
    caller.bulk(job, "votes", vote)
    assert caller.metrics(job)["total_events_with_consensus"] == 0
