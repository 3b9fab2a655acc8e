"""The requests that connectors send: shapes to the letter, and what their clients are strict about."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from trueline.instants import parse_instant
from trueline.ledger.errors import LedgerBusyError

if TYPE_CHECKING:
    from api.caller import Caller
    from trueline.service.workspace import Workspace

DOCUMENT = {"@timestamp": "2025-01-01T10:00:00Z", "rule": {"level": 7}}


def send(caller: Caller, job: object, name: str | None = None, slash: str = "", **body: object) -> dict[str, Any]:
    path = "/api/v1/events" if name is None else f"/api/v1/events/{name}"
    answer = caller.client.post(path + slash, json={"job_id": job, "raw_body": DOCUMENT} | body)
    assert answer.status_code == 201, answer.text
    receipt: dict[str, Any] = answer.json()
    return receipt


def read(caller: Caller, job: object, name: str) -> dict[str, Any]:
    answer = caller.client.get(f"/api/v1/events/{job}/{name}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


# --- sending


@pytest.mark.parametrize("slash", ["", "/"])
def test_an_event_without_an_id_gets_one(slash: str, caller: Caller) -> None:
    job = caller.make_job()
    receipt = send(caller, job, slash=slash)
    assert list(receipt) == ["event_id", "job_id", "ingest_timestamp", "status", "error_message"]
    assert receipt["job_id"] == job
    assert receipt["status"] == "pending_inference"
    assert receipt["error_message"] == ""  # one client refuses null
    assert parse_instant(receipt["ingest_timestamp"])
    assert read(caller, job, receipt["event_id"])["ingest_timestamp"] == receipt["ingest_timestamp"]


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("name", ["a1", "x/y", "x%2Fy", "a b", "日本語", "none", "e/export", "1/feedback"])
def test_an_event_with_an_id_keeps_it(name: str, slash: str, caller: Caller) -> None:
    job = caller.make_job()
    assert send(caller, job, name, slash)["event_id"] == name.replace("%2F", "/")


@pytest.mark.parametrize("slash", ["", "/"])
def test_the_id_none_is_none(slash: str, caller: Caller) -> None:
    job = caller.make_job()
    first, second = send(caller, job, "None", slash), send(caller, job, "None", slash)
    assert len({first["event_id"], second["event_id"], "None"}) == 3


def test_a_job_is_named_by_number_text_or_title(caller: Caller) -> None:
    job = caller.make_job(title="A stream / of alerts, 1")
    for reference in (job, str(job), "A stream / of alerts, 1"):
        assert send(caller, reference)["job_id"] == job


def test_an_event_sent_again_is_replaced_and_keeps_arrival_and_decision(caller: Caller) -> None:
    job = caller.make_job()
    first = send(caller, job, "a")
    again = send(caller, job, "a", raw_body={"v": 2})
    assert again == first
    caller.client.put(f"/api/v2/events/{job}/a/decision", json={"label": "Drop"})
    # it is decided already, and says so
    assert send(caller, job, "a", raw_body={"v": 3}) == first | {"status": "OK"}
    only = [{"field": "v", "operator": "is", "value": 3}]
    assert caller.metrics(job, only)["total_events"] == 1


BAD_BODIES: list[tuple[bytes, list[str | int], str]] = [
    (b"", ["body", "job_id"], "Field required"),
    (b"{", ["body"], "truncated"),
    (b"[]", ["body"], "Expected `object`"),
    (b'{"job_id": {job}}', ["body", "raw_body"], "Field required"),
    (b'{"raw_body": {}}', ["body", "job_id"], "Field required"),
    (b'{"job_id": null, "raw_body": {}}', ["body", "job_id", "int"], "valid integer"),
    (b'{"job_id": true, "raw_body": {}}', ["body", "job_id", "int"], "valid integer"),
    (b'{"job_id": {job}, "raw_body": null}', ["body", "raw_body"], "valid dictionary"),
    (b'{"job_id": {job}, "raw_body": "{}"}', ["body", "raw_body"], "valid dictionary"),
    (b'{"job_id": {job}, "raw_body": {"a": NaN}}', ["body"], "malformed"),
    (rb'{"job_id": {job}, "raw_body": {"a": "\ud800 and more"}}', ["body"], "surrogate"),
    (rb'{"job_id": {job}, "raw_body": {"a": "\ud800"}}', ["body"], "surrogate"),
    (b'{"job_id": {job}, "raw_body": {"@timestamp": 5}}', ["body"], "@timestamp"),
    (b'{"job_id": {job}, "raw_body": {"@timestamp": "soon"}}', ["body"], "'soon'"),
    (b'{"job_id": {job}, "raw_body": {}, "title": 5}', ["body", "title"], "valid string"),
    (b'{"job_id": {job}, "raw_body": {}, "severity": [5]}', ["body", "severity", "str"], "valid string"),
    (b'{"job_id": {job}, "raw_body": {}, "labels": []}', ["body", "labels"], "not permitted"),
    (b'{"job_id": {job}, "raw_body": {"arcanna_envelope": 1}, "title": "t"}', ["body"], "arcanna_envelope is kept"),
]


@pytest.mark.parametrize(("body", "location", "message"), BAD_BODIES, ids=lambda value: str(value)[:40])
@pytest.mark.parametrize("path", ["/api/v1/events", "/api/v1/events/a"])
def test_a_body_that_cannot_be_taken_is_answered_422(
    path: str, body: bytes, location: list[str | int], message: str, caller: Caller
) -> None:
    job = caller.make_job()
    answer = caller.client.post(path, content=body.replace(b"{job}", str(job).encode()))
    assert answer.status_code == 422, answer.text
    problem = answer.json()["detail"][0]
    assert problem["loc"] == location
    assert message in problem["msg"]
    assert caller.client.get(f"/api/v1/events/{job}/a").status_code == 404


def test_an_overlong_id_is_answered_422(caller: Caller) -> None:
    body = {"job_id": caller.make_job(), "raw_body": {}}
    answer = caller.client.post(f"/api/v1/events/{'x' * 1025}", json=body)
    assert answer.status_code == 422
    assert "event_id is longer than 1024" in answer.json()["detail"][0]["msg"]


@pytest.mark.parametrize("job", [2**62, -1, "no such job", "-1", ""])
def test_an_unknown_job_is_answered_404(job: object, caller: Caller) -> None:
    answer = caller.client.post("/api/v1/events", json={"job_id": job, "raw_body": {}})
    assert (answer.status_code, answer.json()) == (404, {"error": "Job not found"})


def test_whoever_has_no_key_learns_nothing_of_the_body(anonymous: httpx.Client) -> None:
    assert anonymous.post("/api/v1/events", content=b"{").status_code == 401


def test_a_write_that_fails_is_told_and_the_next_one_heals(
    caller: Caller, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = caller.make_job()
    send(caller, job, "a")
    with monkeypatch.context() as patched:

        def fail(*_: object) -> None:
            raise LedgerBusyError("the ledger is short of memory for this")

        patched.setattr(workspace._ledger.engine, "insert", fail)  # noqa: SLF001
        answer = caller.client.post("/api/v1/events/b", json={"job_id": job, "raw_body": {}})
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert caller.client.get(f"/api/v1/events/{job}/b").status_code == 404
    send(caller, job, "b")
    assert read(caller, job, "b")["status"] == "pending_inference"


def test_32_clients_at_once_lose_nothing_while_another_asks(caller: Caller, server: str, admin_key: str) -> None:
    job = caller.make_job()
    headers = {"X-Arcanna-Api-Key": admin_key}

    def client(number: int) -> list[str]:
        mine: list[str] = []
        with httpx.Client(base_url=server, headers=headers, timeout=60) as own:
            for place in range(8):
                # every other event is sent by two clients
                name = f"shared-{number // 2}-{place}" if place % 2 else f"{number}-{place}"
                answer = own.post(f"/api/v1/events/{name}", json={"job_id": job, "raw_body": {"n": place}})
                assert answer.status_code == 201, answer.text
                mine.append(name)
                if place == 3:
                    assert own.get(f"/api/v1/events/{job}/{name}").json()["status"] == "pending_inference"
        return mine

    with ThreadPoolExecutor(33) as threads:
        asking = threads.submit(lambda: [caller.metrics(job)["total_events"] for _ in range(20)])
        names = {name for mine in threads.map(client, range(32)) for name in mine}
        assert asking.result() == [0] * 20
    assert len(names) == 32 * 4 + 16 * 4
    decided = [{"event_id": name, "raw_body": {}, "decision": {"label": "Drop"}} for name in sorted(names)]
    assert caller.bulk(job, "events", *decided) == {"accepted": len(names), "replaced": len(names), "rejected": []}
    assert caller.metrics(job)["total_events"] == len(names)


# --- what is said beside the document


def test_what_is_said_beside_the_document_is_kept_and_filtered_by(caller: Caller) -> None:
    job = caller.make_job()
    said: dict[str, Any] = {"title": "Port scan", "severity": 3, "storage_tag": "north", "data_source": "nids"}
    send(caller, job, "a", **said)
    send(caller, job, "b", title=None, severity="low")
    send(caller, job, "c")
    for name in "abc":
        caller.client.put(f"/api/v2/events/{job}/{name}/decision", json={"label": "Drop"})
    for name, value in said.items():
        only = [{"field": f"arcanna_envelope.{name}", "operator": "is", "value": value}]
        assert caller.metrics(job, only)["total_events"] == 1, name
    assert caller.metrics(job, [{"field": "arcanna_envelope.severity", "operator": "exists"}])["total_events"] == 2
    exports = [caller.client.get(f"/api/v1/events/{job}/{name}/export").json()["arcanna_event"] for name in "abc"]
    assert exports == [
        DOCUMENT | {"arcanna_envelope": said},
        DOCUMENT | {"arcanna_envelope": {"severity": "low"}},
        DOCUMENT,
    ]


def test_an_exported_event_can_be_sent_to_another_job(caller: Caller) -> None:
    source, destination = caller.make_job(), caller.make_job()
    send(caller, source, "a", title="Port scan", storage_tag="north")
    exported = caller.client.get(f"/api/v1/events/{source}/a/export").json()["arcanna_event"]
    copy = send(caller, destination, raw_body=exported, storage_tag="south")["event_id"]
    again = caller.client.get(f"/api/v1/events/{destination}/{copy}/export").json()["arcanna_event"]
    assert again == DOCUMENT | {"arcanna_envelope": {"title": "Port scan", "storage_tag": "south"}}


# --- asking


@pytest.mark.parametrize("grouping", ["event", "bucket"])
@pytest.mark.parametrize("slash", ["", "/"])
def test_what_came_of_an_event(slash: str, grouping: str, caller: Caller) -> None:
    job = caller.make_job(grouping=grouping, decision_points=["rule.level"])
    receipt = send(caller, job, "a")
    state = "bucket_state" if grouping == "bucket" else "knowledge_base_state"
    found = caller.client.get(f"/api/v1/events/{job}/a{slash}")
    assert found.status_code == 200
    pending = {
        "event_id": "a",
        "ingest_timestamp": receipt["ingest_timestamp"],
        "status": "pending_inference",
        "result": None,
        "result_label": None,
        "confidence_score": None,
        "outlier": None,
        "error_message": "",
        state: "new",
    }
    assert list(found.json().items()) == list(pending.items())
    decision = {"label": "Escalate", "confidence": 87.5, "outlier": False}
    caller.client.put(f"/api/v2/events/{job}/a/decision", json=decision)
    assert caller.client.get(f"/api/v1/events/{job}/a{slash}").json() == pending | {
        "status": "OK",
        "result": "class_2",
        "result_label": "Escalate",
        "confidence_score": 87.5,
        "outlier": False,
    }


@pytest.mark.parametrize("grouping", ["event", "bucket"])
def test_the_state_is_the_one_that_filters_find(grouping: str, caller: Caller) -> None:
    job = caller.make_job(grouping=grouping)
    for name in ("new", "pending", "known", "turned", "undecided", "withdrawn", "told"):
        line = {"event_id": name, "bucket_id": f"of {name}", "raw_body": {}, "decision": {"label": "Drop"}}
        caller.bulk(job, "events", line)
    caller.vote(job, *((name, "ana", "Drop") for name in ("known", "turned", "undecided", "withdrawn")))
    caller.client.post(f"/api/v2/jobs/{job}/models", json={})
    caller.vote(
        job,
        ("pending", "ana", "Drop"),
        ("turned", "ana", "Escalate"),
        ("undecided", "ben", "Escalate"),
        ("withdrawn", "ana", None),
    )
    state = "bucket_state" if grouping == "bucket" else "knowledge_base_state"
    found = {name: read(caller, job, name)[state] for name in ("new", "pending", "known", "turned", "undecided")}
    found["withdrawn"] = read(caller, job, "withdrawn")[state]
    assert found == {
        "new": "new",
        "pending": "pending",
        "known": "in_knowledge_base",
        "turned": "retrain",
        "undecided": "retrain",
        "withdrawn": "retrain",
    }
    for name, value in found.items():
        filters: list[dict[str, Any]] = [
            {"field": "arcanna.original_id", "operator": "is", "value": name},
            {"field": f"arcanna.{state}", "operator": "is", "value": value},
        ]
        assert caller.metrics(job, filters)["total_events"] == 1, name


@pytest.mark.parametrize("tail", ["", "/export"])
@pytest.mark.parametrize("name", ["b", "A", "%00", "%FF", "a%20"])
def test_an_unknown_event_is_answered_404(name: str, tail: str, caller: Caller) -> None:
    job = caller.make_job()
    send(caller, job, "a")
    answer = caller.client.get(f"/api/v1/events/{job}/{name}{tail}")
    assert (answer.status_code, answer.json()) == (404, {"error": "Event not found"})


def test_an_event_of_another_job_is_not_found(caller: Caller) -> None:
    job, other = caller.make_job(), caller.make_job()
    send(caller, job, "a")
    assert caller.client.get(f"/api/v1/events/{other}/a").status_code == 404
    assert caller.client.get(f"/api/v1/events/{other}/a/export").status_code == 404


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("name", ["a", "x/y", "x/export"])
def test_an_export_is_the_document_to_the_letter(name: str, slash: str, caller: Caller) -> None:
    job = caller.make_job()
    body = b'{"job_id": %d, "raw_body": {"n": 1.0, "big": 123456789012345678901234567890, "l": [ ]}}' % job
    receipt = caller.client.post(f"/api/v1/events/{name}", content=body).json()
    answer = caller.client.get(f"/api/v1/events/{job}/{name}/export{slash}")
    assert answer.status_code == 200
    assert answer.text == (
        '{"arcanna_event":{"n": 1.0, "big": 123456789012345678901234567890, "l": [ ]},'
        f'"event_id":"{name}","ingest_timestamp":"{receipt["ingest_timestamp"]}","status":"OK"}}'
    )


# --- voting


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize(
    ("body", "analyst"),
    [
        ({"feedback": "Escalate", "cortex_user": "ana"}, "ana"),
        ({"label": "Escalate", "username": "ana"}, "ana"),
        ({"feedback": "Escalate", "username": "ana", "closing_notes": "seen before"}, "ana"),
        ({"feedback": "Escalate", "label": "Escalate", "cortex_user": "ana", "username": "ana"}, "ana"),
        ({"feedback": "Escalate"}, "tests"),
        ({"feedback": "Escalate", "cortex_user": None, "username": "", "closing_notes": None}, "tests"),
    ],
)
def test_feedback_is_a_vote_under_both_pairs_of_names(
    body: dict[str, Any], analyst: str, slash: str, caller: Caller, workspace: Workspace
) -> None:
    job = caller.make_job()
    caller.fill(job, a="Drop")
    answer = caller.client.put(f"/api/v1/events/{job}/a/feedback{slash}", json=body)
    assert (answer.status_code, answer.text) == (200, '{"status":"updated"}')
    assert caller.metrics(job, truth="explicit")["confusion_matrix"] == [[0, 0, 0], [0, 0, 0], [1, 0, 0]]
    ledger = workspace._ledger  # noqa: SLF001
    (votes,) = ledger.votes.on(job, [ledger.keys.event("a")]).values()
    assert [vote.analyst for vote in votes] == [analyst]


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("more", [{}, {"storage_name": "north"}])
def test_feedback_in_the_query_is_a_vote_of_the_keys_owner(
    more: dict[str, str], slash: str, caller: Caller, workspace: Workspace
) -> None:
    job = caller.make_job()
    caller.fill(job, **{"x/y": "Drop"})
    query = {"feedback_label": "Escalate"} | more
    answer = caller.client.put(f"/api/v2/events/{job}/x/y/feedback{slash}", params=query)
    assert (answer.status_code, answer.text) == (200, '{"status":"updated"}')
    ledger = workspace._ledger  # noqa: SLF001
    (votes,) = ledger.votes.on(job, [ledger.keys.event("x/y")]).values()
    assert [(vote.analyst, vote.label) for vote in votes] == [("tests", "Escalate")]


def test_feedback_on_an_event_of_a_bucket_job_is_on_the_bucket(caller: Caller) -> None:
    job = caller.make_job(grouping="bucket")
    for name in "ab":
        line = {"event_id": name, "bucket_id": "x", "raw_body": {}, "decision": {"label": "Drop"}}
        caller.bulk(job, "events", line)
    caller.client.put(f"/api/v1/events/{job}/a/feedback", json={"feedback": "Drop", "cortex_user": "ana"})
    assert read(caller, job, "b")["bucket_state"] == "pending"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "feedback is missing"),
        ({"feedback": None}, "feedback is missing"),
        ({"feedback": ""}, "feedback is missing"),
        ({"feedback": "escalate"}, "unknown label 'escalate'"),
        ({"feedback": "Undecided"}, "unknown label 'Undecided'"),
        ({"feedback": "Drop", "label": "Escalate"}, "two names for one thing"),
        ({"feedback": "Drop", "cortex_user": "ana", "username": "ben"}, "two names for one thing"),
        ({"feedback": "Drop", "cortex_user": " "}, "analyst is empty"),
        ({"feedback": "Drop", "cortex_user": "x" * 257}, "analyst is longer"),
        ({"feedback": 1}, "valid string"),
        ({"feedback": "Drop", "notes": ""}, "not permitted"),
    ],
)
def test_feedback_that_cannot_be_is_answered_422(body: dict[str, Any], message: str, caller: Caller) -> None:
    job = caller.make_job()
    caller.fill(job, a="Drop")
    answer = caller.client.put(f"/api/v1/events/{job}/a/feedback", json=body)
    assert answer.status_code == 422
    assert message in answer.json()["detail"][0]["msg"]
    assert caller.metrics(job)["total_events_with_consensus"] == 0


@pytest.mark.parametrize("query", ["", "?feedback_label=", "?feedback_label=drop", "?storage_name=north"])
def test_feedback_in_the_query_that_cannot_be_is_answered_422(query: str, caller: Caller) -> None:
    job = caller.make_job()
    caller.fill(job, a="Drop")
    assert caller.client.put(f"/api/v2/events/{job}/a/feedback{query}").status_code == 422
    assert caller.metrics(job)["total_events_with_consensus"] == 0


def test_feedback_on_an_unknown_event_is_answered_404(caller: Caller) -> None:
    job = caller.make_job()
    for answer in (
        caller.client.put(f"/api/v1/events/{job}/a/feedback", json={"feedback": "Drop"}),
        caller.client.put(f"/api/v2/events/{job}/a/feedback?feedback_label=Drop"),
    ):
        assert (answer.status_code, answer.json()) == (404, {"error": "Event not found"})


def test_the_whole_loop_of_a_connector(caller: Caller) -> None:
    """Send, ask until it is decided, vote, export; each answer of exactly the status that is waited for."""
    job = caller.make_job()
    sent = caller.client.post("/api/v1/events/None", json={"job_id": str(job), "raw_body": DOCUMENT, "severity": 2})
    name = sent.json()["event_id"]
    event = f"/api/v1/events/{job}/{name}"
    answers = [sent, caller.client.get(event)]
    caller.client.put(f"/api/v2/events/{job}/{name}/decision", json={"label": "Drop", "confidence": 70})
    answers.append(caller.client.get(event))
    answers.append(caller.client.put(f"{event}/feedback", json={"label": "Escalate", "username": "ana"}))
    answers.append(caller.client.get(f"{event}/export"))
    assert [answer.status_code for answer in answers] == [201, 200, 200, 200, 200]
    assert [answer.json()["status"] for answer in answers] == [
        "pending_inference",
        "pending_inference",
        "OK",
        "updated",
        "OK",
    ]
    assert json.loads(answers[-1].text)["arcanna_event"]["arcanna_envelope"] == {"severity": 2}
    assert caller.metrics(job)["confusion_matrix"][2][0] == 1
