"""arcanna-mcp-input-server: its offered tools through its own server, the rest through their functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from clients import triage
from clients.triage import CATEGORY

if TYPE_CHECKING:
    import httpx

    from api.caller import Caller
    from clients.client import Client
    from clients.triage import Triage
    from trueline.service.workspace import Workspace

JOBS, SENT = "arcanna_mcp_input_server.tools.jobs", "arcanna_mcp_input_server.tools.events"
PARTS = [
    *("job_id", "category", "data_type", "title", "status", "retrain_state", "retrain_msg", "labels", "features"),
    *("processed_documents_count", "feedback_documents_count", "last_processed_timestamp"),
    *("last_feedback_timestamp", "last_train_start_timestamp", "last_train_finished_timestamp", "invalid"),
]


@pytest.fixture(scope="module", params=["event", "bucket"])
def job(request: pytest.FixtureRequest, with_key: httpx.Client) -> Triage:
    """A job in use, of each grouping; no test changes it."""
    return triage.fill(with_key, f"input client, {request.param}", request.param)


def test_it_offers_four_tools(sender: Client) -> None:
    assert set(sender.tools()) == {
        *("health_check_input_server", "get_external_input_jobs"),
        *("send_event_to_external_input_job", "send_event_with_id_to_external_input_job"),
    }


def test_health(sender: Client) -> None:
    assert sender.call("health_check_input_server") == {"status": True}


def test_the_jobs(job: Triage, sender: Client, caller: Caller) -> None:
    caller.make_job()  # of a list of one, the client's protocol leaves what is in it
    listed = sender.call("get_external_input_jobs")
    assert listed == caller.client.get("/api/v1/jobs").json()
    (mine,) = [each for each in listed if each["job_id"] == job.job]
    assert set(PARTS) <= set(mine)
    assert mine == sender.plain(f"{JOBS}:get_external_input_job_by_id", job_id=job.job)
    assert mine == sender.plain(f"{JOBS}:get_external_input_job_by_name", job_name=mine["title"])
    assert mine["title"] == f"input client, {job.grouping}"
    assert mine["category"] == CATEGORY[job.grouping]
    assert (mine["labels"], mine["features"]) == (triage.LABELS, ["host"])
    assert (mine["status"], mine["invalid"]) == ("ENABLED", False)
    assert mine["processed_documents_count"] == triage.EVENTS


def test_the_labels_of_a_job(job: Triage, sender: Client) -> None:
    assert sender.plain(f"{JOBS}:get_external_input_job_labels", job_id=job.job) == triage.LABELS


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        ("get_external_input_job_by_id", {"job_id": 2**60}),
        ("get_external_input_job_labels", {"job_id": 2**60}),
        ("get_external_input_job_by_name", {"job_name": "there is no job of this name"}),
    ],
)
def test_a_job_that_is_not_there(function: str, arguments: dict[str, object], sender: Client) -> None:
    assert sender.plain(f"{JOBS}:{function}", **arguments) == {"error": "Job not found"}


def test_an_event_is_sent_decided_read_and_voted_on(sender: Client, caller: Caller, workspace: Workspace) -> None:
    job = caller.make_job()
    sent = sender.call("send_event_to_external_input_job", job_id=job, event={"rule": {"level": 7}})
    assert (sent["job_id"], sent["status"], sent["error_message"]) == (job, "pending_inference", "")
    event = {"job_id": job, "event_id": sent["event_id"]}
    waiting = sender.plain(f"{SENT}:get_event_by_id", **event)
    assert (waiting["status"], waiting["result"], waiting["error_message"]) == ("pending_inference", None, "")
    path = f"/api/v2/events/{job}/{sent['event_id']}/decision"
    assert caller.client.put(path, json={"label": "Escalate", "confidence": 80.5}).status_code == 200
    read = sender.plain(f"{SENT}:get_event_by_id", **event)
    assert read == caller.client.get(f"/api/v1/events/{job}/{sent['event_id']}").json()
    assert (read["status"], read["result"], read["result_label"]) == ("OK", "class_2", "Escalate")
    assert (read["confidence_score"], read["knowledge_base_state"]) == (80.5, "new")
    assert sender.plain(f"{SENT}:send_feedback_for_event", **event, label="Drop") == {"status": "updated"}
    assert caller.metrics(job, truth="explicit")["confusion_matrix"] == [[0, 0, 1], [0, 0, 0], [0, 0, 0]]
    ledger = workspace._ledger  # noqa: SLF001 - no route tells who voted
    (votes,) = ledger.votes.on(job, [ledger.keys.event(sent["event_id"])]).values()
    assert [vote.analyst for vote in votes] == ["MCP-MCP-ana"]


def test_an_event_is_sent_with_its_id_and_again(sender: Client, caller: Caller) -> None:
    job = caller.make_job()
    for level in (1, 2):
        sent = sender.call(
            "send_event_with_id_to_external_input_job", job_id=job, event={"level": level}, event_id="mine"
        )
        assert (sent["event_id"], sent["error_message"]) == ("mine", "")
    assert caller.client.get(f"/api/v1/events/{job}/mine/export").json()["arcanna_event"] == {"level": 2}
    assert caller.bulk(job, "events", {"event_id": "mine", "raw_body": {}})["replaced"] == 1


def test_an_event_to_a_job_that_is_not_there(sender: Client) -> None:
    assert sender.call("send_event_to_external_input_job", job_id=2**60, event={}) == {"error": "Job not found"}
