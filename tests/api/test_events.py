"""Events in bulk and decisions made elsewhere, over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from api.caller import event

if TYPE_CHECKING:
    import httpx

    from api.caller import Caller


def test_events_from_nobody_are_answered_401(caller: Caller, anonymous: httpx.Client) -> None:
    job = caller.make_job()
    assert anonymous.post(f"/api/v2/jobs/{job}/events/bulk", content=b'{"raw_body": {}}').status_code == 401


def test_a_decision_from_nobody_is_answered_401(caller: Caller, anonymous: httpx.Client) -> None:
    job = caller.make_job()
    caller.fill(job, a="Drop")
    answer = anonymous.put(f"/api/v2/events/{job}/a/decision", json={"label": "Escalate"})
    assert answer.status_code == 401
    assert caller.metrics(job)["confusion_matrix"][0][0] == 1


BAD_LINES: dict[str, tuple[bytes, str]] = {
    "broken JSON": (b'{"event_id": "x", "raw_body": {}', "truncated"),
    "no object": (b"[1]", "Expected `object`"),
    "no raw_body": (b'{"event_id": "x"}', "raw_body"),
    "raw_body is a list": (b'{"event_id": "x", "raw_body": []}', "raw_body"),
    "raw_body is null": (b'{"event_id": "x", "raw_body": null}', "raw_body"),
    "an unknown key": (b'{"event_id": "x", "raw_body": {}, "labels": []}', "labels"),
    "an unknown label": (b'{"event_id": "x", "raw_body": {}, "decision": {"label": "drop"}}', "unknown label 'drop'"),
    "Undecided as a label": (b'{"event_id": "x", "raw_body": {}, "decision": {"label": "Undecided"}}', "unknown label"),
    "no label": (b'{"event_id": "x", "raw_body": {}, "decision": {"label": null}}', "decision.label"),
    "an unknown label in a vote": (
        b'{"event_id": "x", "raw_body": {}, "votes": [{"analyst": "ana", "label": "No"}]}',
        "unknown label 'No'",
    ),
    "a vote without an analyst": (
        b'{"event_id": "x", "raw_body": {}, "votes": [{"analyst": " ", "label": "Drop"}]}',
        "analyst is empty",
    ),
    "confidence over 100": (
        b'{"event_id": "x", "raw_body": {}, "decision": {"label": "Drop", "confidence": 100.5}}',
        "confidence 100.5",
    ),
    "confidence as text": (
        b'{"event_id": "x", "raw_body": {}, "decision": {"label": "Drop", "confidence": "5"}}',
        "confidence",
    ),
    "outlier as a number": (
        b'{"event_id": "x", "raw_body": {}, "decision": {"label": "Drop", "outlier": 1}}',
        "outlier",
    ),
    "an unreadable time": (b'{"event_id": "x", "raw_body": {}, "timestamp": "yesterday"}', "timestamp: 'yesterday'"),
    "a year too late": (b'{"event_id": "x", "raw_body": {}, "timestamp": "2300-01-01"}', "1900 to 2299"),
    "a time of the document that is no text": (b'{"event_id": "x", "raw_body": {"@timestamp": 5}}', "@timestamp"),
    "a time of the decision that cannot be": (
        b'{"event_id": "x", "raw_body": {}, "decision": {"label": "Drop", "decided_at": "2025-02-30"}}',
        "decided_at",
    ),
    "an empty id": (b'{"event_id": "", "raw_body": {}}', "event_id is empty"),
    "an overlong id": (b'{"event_id": "%b", "raw_body": {}}' % (b"x" * 1025), "event_id is longer"),
    "an id that is a boolean": (b'{"event_id": true, "raw_body": {}}', "event_id"),
    "not UTF-8": (b'{"event_id": "x\xff", "raw_body": {}}', "not UTF-8"),
    "a document that is not UTF-8": (b'{"event_id": "x", "raw_body": {"a": "\xc3"}}', "not UTF-8"),
    "a lone surrogate in the id": (rb'{"event_id": "x\ud800y", "raw_body": {}}', "surrogate"),
    "a lone surrogate in the document": (rb'{"event_id": "x", "raw_body": {"a": "\udc00 "}}', "surrogate"),
    "NaN": (b'{"event_id": "x", "raw_body": {"a": NaN}}', "malformed"),
    "a number beyond doubles": (b'{"event_id": "x", "raw_body": {"a": 1e999}}', "out of range"),
    "a number beyond all": (b'{"event_id": "x", "raw_body": {"a": %b}}' % (b"9" * 5_000), "out of range"),
    "an id beyond all": (b'{"event_id": %b, "raw_body": {}}' % (b"9" * 5_000), "out of range"),
    "a document nested 65 deep": (
        b'{"event_id": "x", "raw_body": %b1%b}' % (b'{"a":' * 65, b"}" * 65),
        "nested more than 64 deep",
    ),
    "a document nested beyond reading": (
        b'{"event_id": "x", "raw_body": %b1%b}' % (b'{"a":' * 100_000, b"}" * 100_000),
        "nested too deeply",
    ),
}


def test_bad_lines_are_named_by_their_numbers_and_leave_the_good_ones_in(caller: Caller) -> None:
    job = caller.make_job()
    lines: list[object] = [event("first", "Drop")]
    for bad, _ in BAD_LINES.values():
        lines += [bad, b"  "]  # a blank line is passed over, and counts as a line
    lines.append(event("last", "Escalate"))
    taken = caller.bulk(job, "events", *lines)
    assert (taken["accepted"], taken["replaced"]) == (2, 0)
    assert [rejected["line"] for rejected in taken["rejected"]] == list(range(2, 2 * len(BAD_LINES) + 1, 2))
    for rejected, (kind, (_, reason)) in zip(taken["rejected"], BAD_LINES.items(), strict=True):
        assert reason in rejected["error"], kind
    assert caller.metrics(job)["confusion_matrix"] == [[1, 0, 0], [0, 0, 0], [0, 0, 1]]


@pytest.mark.parametrize(
    "text",
    [
        "\0",
        "a\0b",
        "'",
        "\\",
        "\\'; DROP TABLE events",
        "{p0:String}",
        "%s",
        "日本語",
        "\u202e",
        "\U0001f600",
        "a\n\tb",
    ],
)
def test_any_text_is_kept_as_it_is(text: str, caller: Caller) -> None:
    label = "".join(each for each in f"{text}!" if each.isprintable())  # a label has no control characters
    job = caller.make_job(labels=["Drop", label])
    line = event(text, label, path=text) | {"votes": [{"analyst": f"ana{text}", "label": label}]}
    line["raw_body"][f"key{text}"] = "there"
    assert caller.bulk(job, "events", line) == {"accepted": 1, "replaced": 0, "rejected": []}
    assert caller.bulk(job, "events", line) == {"accepted": 1, "replaced": 1, "rejected": []}
    caller.vote(job, (text, f"ben{text}", label))
    filters: list[dict[str, Any]] = [
        {"field": "path", "operator": "is", "value": text},
        {"field": "path", "operator": "contains", "value": text},
        {"field": f"key{text}", "operator": "exists"},
        {"field": "arcanna.original_id", "operator": "is one of", "value": [text]},
        {"field": "arcanna.consensus", "operator": "starts with", "value": label[:-1]},
        {"field": "path", "operator": "is not", "value": f"{text}{text}"},
    ]
    for each in filters:
        assert caller.metrics(job, [each])["confusion_matrix"] == [[0, 0], [0, 1]], each


def test_an_event_sent_again_is_replaced_and_counts_once(caller: Caller) -> None:
    job = caller.make_job()
    caller.fill(job, a="Drop", b="Drop")
    assert caller.bulk(job, "events", event("a", "Escalate", source="mail")) == {
        "accepted": 1,
        "replaced": 1,
        "rejected": [],
    }
    of_mail = [{"field": "source", "operator": "is", "value": "mail"}]
    assert caller.metrics(job)["total_events"] == 2
    # both decisions have the same time, so the last to arrive is in force
    assert caller.metrics(job, of_mail)["confusion_matrix"] == [[0, 0, 0], [0, 0, 0], [0, 0, 1]]


def test_events_without_an_id_are_events_of_their_own(caller: Caller) -> None:
    job = caller.make_job()
    line = {"raw_body": {}, "decision": {"label": "Drop"}}
    caller.bulk(job, "events", line, line)
    caller.bulk(job, "events", line)
    assert caller.metrics(job)["total_events"] == 3


def test_a_number_as_id_is_its_text(caller: Caller) -> None:
    job = caller.make_job()
    caller.bulk(job, "events", event("17", "Drop"))
    assert caller.bulk(job, "events", event("17", "Drop") | {"event_id": 17})["replaced"] == 1


def test_an_event_without_a_decision_does_not_count_until_it_has_one(caller: Caller) -> None:
    job = caller.make_job()
    caller.bulk(job, "events", {"event_id": "a", "raw_body": {}})
    assert caller.metrics(job)["total_events"] == 0
    answer = caller.client.put(
        f"/api/v2/events/{job}/a/decision",
        json={"label": "Investigate", "confidence": 40, "model_id": "rules", "outlier": True},
    )
    assert (answer.status_code, answer.json()) == (200, {"status": "updated"})
    filters: list[dict[str, Any]] = [
        {"field": "arcanna.confidence_score", "operator": "lt", "value": 41},
        {"field": "arcanna.model.path", "operator": "is", "value": "rules"},
        {"field": "arcanna.outlier_flag", "operator": "is", "value": True},
        {"field": "attention.low_confidence_score.attention_required", "operator": "is", "value": True},
    ]
    assert caller.metrics(job, filters)["confusion_matrix"] == [[0, 0, 0], [0, 1, 0], [0, 0, 0]]


@pytest.mark.parametrize(
    ("body", "part"),
    [
        ({"label": "drop"}, "unknown label 'drop'"),
        ({"label": None}, "valid string"),
        ({}, "Field required"),
        ({"label": "Escalate", "confidence": 101}, "less than or equal to 100"),
        ({"label": "Escalate", "confidence": "5"}, "valid number"),
        ({"label": "Escalate", "outlier": "yes"}, "valid boolean"),
        ({"label": "Escalate", "decided_at": "soon"}, "'soon'"),
        ({"label": "Escalate", "model_id": "m" * 1025}, "longer than 1024"),
        ({"label": "Escalate", "model": "m"}, "not permitted"),
    ],
)
def test_a_decision_that_cannot_be_is_answered_422_and_the_old_one_stays(
    body: dict[str, Any], part: str, caller: Caller
) -> None:
    job = caller.make_job()
    caller.fill(job, a="Drop")
    answer = caller.client.put(f"/api/v2/events/{job}/a/decision", json=body)
    assert answer.status_code == 422
    assert part in answer.json()["detail"][0]["msg"]
    assert caller.metrics(job)["confusion_matrix"][0][0] == 1


@pytest.mark.parametrize("name", ["b", "A", "%00", "%FF", "a%20"])
def test_a_decision_on_an_unknown_event_is_answered_404(name: str, caller: Caller) -> None:
    job = caller.make_job()
    caller.fill(job, a="Drop")
    answer = caller.client.put(f"/api/v2/events/{job}/{name}/decision", json={"label": "Drop"})
    assert (answer.status_code, answer.json()) == (404, {"error": "Event not found"})


def test_a_later_decision_replaces_and_an_earlier_one_only_becomes_the_previous(caller: Caller) -> None:
    job = caller.make_job()
    caller.fill(job, a="Drop")  # decided at 10:00
    decision = f"/api/v2/events/{job}/a/decision"
    caller.client.put(decision, json={"label": "Escalate", "decided_at": "2025-01-01T09:00:00Z"})
    was_escalate = [{"field": "arcanna.previous_result", "operator": "is", "value": "class_2"}]
    assert caller.metrics(job, was_escalate)["confusion_matrix"][0][0] == 1
    caller.client.put(decision, json={"label": "Investigate", "decided_at": "2025-01-01T11:00:00Z"})
    was_drop = [{"field": "arcanna.previous_result", "operator": "is", "value": "class_0"}]
    assert caller.metrics(job, was_drop)["confusion_matrix"][1][1] == 1
