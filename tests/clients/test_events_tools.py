"""The official client's tools for events: feedback, export, transfer, fields, questions, reprocessing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from clients import triage
from clients.triage import EVENTS
from trueline.filters.operators import OPERATORS

if TYPE_CHECKING:
    import httpx

    from api.caller import Caller
    from clients.client import Client
    from clients.triage import Triage

EVENTS_MODELS = "arcanna_mcp_server.models.generic_events"
FILTER_FIELDS = "arcanna_mcp_server.tools.generic_events:get_filter_fields"


@pytest.fixture(scope="module")
def job(with_key: httpx.Client) -> Triage:
    """A job in use, by bucket; no test changes it."""
    return triage.fill(with_key, "events tools", "bucket")


def consensus(caller: Caller, job: int, label: str) -> int:
    """How many events of a job have a consensus."""
    return int(caller.metrics(job, [{"field": "arcanna.consensus", "operator": "is", "value": label}])["total_events"])


# --- feedback, export, transfer


@pytest.mark.parametrize("more", [{}, {"storage_name": "north"}])
def test_feedback_is_a_vote(more: dict[str, str], management: Client, caller: Caller) -> None:
    job = caller.make_job(labels=["Drop", "Low priority"])
    caller.fill(job, a="Drop", b="Drop")
    answer = management.call("add_feedback_to_event", job_id=job, event_id="a", label="Low priority", **more)
    assert answer == {"status": "updated"}
    assert caller.metrics(job, truth="explicit")["confusion_matrix"] == [[0, 0], [1, 0]]


def test_feedback_on_what_is_not_there_or_with_no_such_label_says_so(management: Client, caller: Caller) -> None:
    job = caller.make_job()
    caller.fill(job, a="Drop")
    assert management.call("add_feedback_to_event", job_id=job, event_id="b", label="Drop") == {
        "error": "Event not found"
    }
    answer = management.call("add_feedback_to_event", job_id=job, event_id="a", label="Nothing")
    assert "unknown label 'Nothing'" in answer["detail"][0]["msg"]
    assert caller.metrics(job)["total_events_with_consensus"] == 0


def test_an_export_is_the_plain_one(job: Triage, management: Client, caller: Caller) -> None:
    answer = management.call("export_event_by_id", job_id=job.job, event_id="event-3")
    assert answer == caller.client.get(f"/api/v1/events/{job.job}/event-3/export").json()
    assert answer["arcanna_event"] == triage.line(3)["raw_body"]


@pytest.mark.parametrize("more", [{}, {"destination_storage_tag_name": "north"}])
def test_an_event_is_transferred_to_another_job(
    more: dict[str, str], job: Triage, management: Client, caller: Caller
) -> None:
    destination = caller.make_job()
    receipt = management.call(
        "transfer_event", source_job_id=job.job, event_id="event-3", destination_job_id=destination, **more
    )
    assert set(receipt) == {"event_id", "job_id", "ingest_timestamp", "status", "error_message"}
    assert (receipt["job_id"], receipt["status"], receipt["error_message"]) == (destination, "pending_inference", "")
    copy = caller.client.get(f"/api/v1/events/{destination}/{receipt['event_id']}/export").json()
    tagged = {"arcanna_envelope": {"storage_tag": "north"}} if more else {}
    assert copy["arcanna_event"] == triage.line(3)["raw_body"] | tagged
    assert copy["ingest_timestamp"] == receipt["ingest_timestamp"]


def test_an_event_that_is_not_there_is_not_transferred(job: Triage, management: Client, caller: Caller) -> None:
    destination = caller.make_job()
    answer = management.call(
        "transfer_event", source_job_id=job.job, event_id="nothing", destination_job_id=destination
    )
    # the client wants the 404's body to be a text, whatever it is, and says no more than this
    assert (answer["event_id"], answer["error_message"]) == (None, "ValueError. MCP server internal error")
    found = caller.client.post("/api/v2/events/query", json={"job_ids": destination})
    assert (found.status_code, found.json()["total_count"]) == (200, 0)


# --- fields


def test_the_fields_to_filter_on_are_those_of_the_plain_answer_and_true(
    job: Triage, management: Client, caller: Caller
) -> None:
    answer = management.plain(FILTER_FIELDS, job_ids=job.job)
    assert answer == caller.client.post("/api/v2/filters/fields", json={"job_ids": job.job}).json()
    fields = {field["field_name"]: field for field in answer}
    assert {"host", "rule.level", "arcanna.result_label", "arcanna.consensus", "arcanna.bucket_state"} <= set(fields)
    for field in answer:
        validated = management.plain("arcanna_mcp_server.models.filters:FilterFieldsObject", **field)
        assert validated == field
        assert field["available_in_jobs"] == [job.job]
        assert set(field["available_operators"]) <= set(OPERATORS)
        assert "exists" in field["available_operators"]


def test_the_fields_of_several_jobs_named_by_title(job: Triage, management: Client, caller: Caller) -> None:
    other = caller.make_job(title="another, with fields of its own")
    caller.bulk(other, "events", {"raw_body": {"odd one": 1, "host": "h"}, "decision": {"label": "Drop"}})
    answer = management.plain(FILTER_FIELDS, job_titles=["events tools", "another, with fields of its own"])
    fields = {field["field_name"]: field["available_in_jobs"] for field in answer}
    assert (fields["odd one"], sorted(fields["host"]), fields["rule.level"]) == ([other], [job.job, other], [job.job])


def test_the_mapping_of_fields_to_types(job: Triage, management: Client, caller: Caller) -> None:
    answer = management.call("get_fields_mapping", job_ids=[job.job])
    assert answer == caller.client.post("/api/v2/filters/fields_mapping", json={"job_ids": [job.job]}).json()
    assert {"host", "rule.level", "@timestamp"} <= set(answer)
    assert all(isinstance(kind, str) for kind in answer.values())


# --- questions. The client offers no tool for them in this version; it has the address and the shapes


def ask(caller: Caller, management: Client, **body: object) -> dict[str, Any]:
    """Ask as the client's tool of other versions does, and have its model of the answer look at it."""
    answer = caller.client.post("/api/v2/events/query", json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    seen = management.plain(f"{EVENTS_MODELS}:EventsModelResponse", **found)
    assert seen == found
    return found


def test_a_question_as_the_client_asks_it(job: Triage, management: Client, caller: Caller) -> None:
    found = ask(caller, management, job_ids=job.job, size=3, page=1, sort_by_column="@timestamp", sort_order="asc")
    assert list(found) == ["events", "total_count"]
    assert found["total_count"] == EVENTS
    in_order = sorted(
        (triage.line(number) for number in range(EVENTS)), key=lambda line: line["raw_body"]["@timestamp"]
    )
    assert [event["event_id"] for event in found["events"]] == [line["event_id"] for line in in_order[3:6]]
    first = found["events"][0]
    assert {"event_id", "job_id", "job_title", "decision_points", "arcanna", "raw_event"} <= set(first)
    assert (first["job_id"], first["job_title"]) == (job.job, "events tools")
    assert first["raw_event"] == in_order[3]["raw_body"]
    assert first["decision_points"] == {"host": in_order[3]["raw_body"]["host"]}
    assert first["arcanna"]["result_label"] == in_order[3]["decision"]["label"]


@pytest.mark.parametrize("number", range(1, 11))
def test_a_predefined_filter_counts_what_the_metrics_count(
    number: int, job: Triage, management: Client, caller: Caller
) -> None:
    only = [triage.predefined_filters(management.tools()["metrics_job"])[number - 1]]
    found = ask(caller, management, job_titles="events tools", filters=only, count_results_only=True)
    assert found == {"events": [], "total_count": job.oracle.metrics(filters=only)["total_events"]}


def test_what_waits_for_a_decision_is_found(management: Client, caller: Caller) -> None:
    job = caller.make_job()
    caller.fill(job, a="Drop")
    caller.client.post("/api/v1/events/b", json={"job_id": job, "raw_body": {"n": 1}})
    waiting = [{"field": "arcanna.pipeline_status", "operator": "is", "value": "pending_inference"}]
    found = ask(caller, management, job_ids=[job], filters=waiting)
    assert ([event["event_id"] for event in found["events"]], found["total_count"]) == (["b"], 1)


def test_the_tool_for_raw_queries_is_told_that_there_are_none(job: Triage, management: Client) -> None:
    """It needs the scope of ordinary questions, so the client offers it."""
    answer = management.call("query_arcanna_events", job_ids=job.job, query_body={"query": {"match_all": {}}})
    assert "Elasticsearch" in answer["error"]


# --- reprocessing


def awaiting(caller: Caller, job: int) -> list[str]:
    """The events that somebody outside has to decide, by name."""
    found = caller.client.post("/api/v2/events/query", json={"job_ids": job, "awaiting_decision": True})
    return sorted(event["event_id"] for event in found.json()["events"])


def test_events_are_reprocessed_by_filter_and_by_date(management: Client, caller: Caller) -> None:
    job = caller.make_job()
    caller.fill(job, a="Drop", b="Escalate", c="Escalate")
    before = caller.metrics(job)
    escalated = [{"field": "arcanna.result_label", "operator": "is", "value": "Escalate"}]
    answer = management.call("reprocess_events", job_id=job, filters=escalated, start_date="2025-01-01")
    assert answer == {"request": {"status": "OK", "reason": "", "reason_details": ""}, "events_updated": 2}
    assert awaiting(caller, job) == ["b", "c"]
    assert caller.metrics(job) == before
    nothing = management.call("reprocess_events", job_id=job, end_date="2024-01-01")
    assert (nothing["request"]["status"], nothing["events_updated"]) == ("OK", 0)


def test_an_event_is_reprocessed_by_id_until_it_is_decided(management: Client, caller: Caller) -> None:
    job = caller.make_job()
    caller.fill(job, a="Drop", b="Drop")
    answer = management.call("reprocess_event_by_id", job_id=job, event_id="a")
    assert answer["request"] == {"status": "OK", "reason": "", "reason_details": ""}
    assert awaiting(caller, job) == ["a"]
    decided = caller.client.put(f"/api/v2/events/{job}/a/decision", json={"label": "Escalate"})
    assert decided.status_code == 200
    assert awaiting(caller, job) == []


def test_an_event_that_is_not_there_is_not_reprocessed(management: Client, caller: Caller) -> None:
    answer = management.call("reprocess_event_by_id", job_id=caller.make_job(), event_id="a")
    assert answer == {"error": "Event not found"}
