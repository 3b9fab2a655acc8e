"""Whole sequences as SOAR connectors send them; each test is named for what its client is strict about.

What a single route of theirs takes and answers is in test_connectors.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import httpx

    from api.caller import Caller

ALERT = {"@timestamp": "2025-01-01T10:00:00Z", "source": {"ip": "10.0.0.1"}, "rule": {"name": "Port scan"}}
FEEDBACK_NAMES = [("feedback", "cortex_user"), ("label", "username")]


@dataclass
class Connector:
    """A connector of the strict kind: one status for each method, an object or a list, no redirect followed."""

    client: httpx.Client
    slash: str

    def get(self, path: str) -> Any:  # noqa: ANN401 - what JSON there is
        return self._told("GET", path, 200)

    def put(self, path: str, body: object) -> Any:  # noqa: ANN401 - as above
        return self._told("PUT", path, 200, body)

    def post(self, path: str, body: object, status: int = 200) -> Any:  # noqa: ANN401 - as above
        return self._told("POST", path, status, body)

    def send(self, path: str, job: object) -> dict[str, Any]:
        """Send the alert."""
        receipt: dict[str, Any] = self.post(path, {"job_id": job, "raw_body": ALERT, "title": "Port scan"}, 201)
        return receipt

    def _told(self, method: str, path: str, status: int, body: object = None) -> Any:  # noqa: ANN401 - as above
        answer = self.client.request(method, path + self.slash, json=body, follow_redirects=False)
        assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/json"), answer.text
        return answer.json()


@pytest.fixture(params=["", "/"], ids=["without a slash", "with a slash"])
def connector(request: pytest.FixtureRequest, with_key: httpx.Client) -> Connector:
    """A connector that ends all its paths in a slash, or none."""
    return Connector(with_key, request.param)


def decide(caller: Caller, job: int, event: str, label: str) -> None:
    """Be the worker outside that decides."""
    body = {"label": label, "confidence": 91.5, "outlier": False}
    assert caller.client.put(f"/api/v2/events/{job}/{event}/decision", json=body).status_code == 200


@pytest.mark.parametrize("path", ["/api/v1/events", "/api/v1/events/None", "/api/v1/events/case-7"])
@pytest.mark.parametrize(("label_name", "user_name"), FEEDBACK_NAMES, ids=str)
def test_exactly_200_and_201_from_the_alert_to_the_next_training(
    path: str, label_name: str, user_name: str, connector: Connector, caller: Caller
) -> None:
    job = caller.make_job()
    event = connector.send(path, str(job))["event_id"]
    assert event == "case-7" if path.endswith("case-7") else event not in {"None", ""}
    read = f"/api/v1/events/{job}/{event}"
    assert connector.get(read)["status"] == "pending_inference"
    decide(caller, job, event, "Escalate")
    assert connector.get(read)["result_label"] == "Escalate"
    body = {label_name: "Drop", user_name: "ana", "closing_notes": "seen before"}
    assert connector.put(f"{read}/feedback", body) == {"status": "updated"}
    assert connector.get(read)["knowledge_base_state"] == "pending"
    assert connector.post(f"/api/v1/jobs/{job}/train", None) == {"status": "OK", "error_message": ""}
    deadline = time.monotonic() + 30
    while connector.get(read)["knowledge_base_state"] != "in_knowledge_base":
        assert time.monotonic() < deadline
    assert connector.get(f"{read}/export")["arcanna_event"] == ALERT | {"arcanna_envelope": {"title": "Port scan"}}
    assert caller.metrics(job)["confusion_matrix"] == [[0, 0, 1], [0, 0, 0], [0, 0, 0]]


def test_polling_goes_on_while_it_reads_pending_inference_and_ends_at_ok(connector: Connector, caller: Caller) -> None:
    job = caller.make_job()
    event = connector.send("/api/v1/events", job)["event_id"]
    seen = []
    for turn in range(4):
        if turn == 3:
            decide(caller, job, event, "Investigate")
        seen.append(connector.get(f"/api/v1/events/{job}/{event}"))
    assert [state["status"] for state in seen] == ["pending_inference"] * 3 + ["OK"]
    assert [state["result"] for state in seen] == [None] * 3 + ["class_1"]


def test_error_message_is_a_text_wherever_it_is_never_null(connector: Connector, caller: Caller) -> None:
    job = caller.make_job()
    receipt = connector.send("/api/v1/events", job)
    path = f"/api/v1/events/{job}/{receipt['event_id']}"
    answers = [receipt, connector.get(path)]
    decide(caller, job, receipt["event_id"], "Drop")
    answers += [connector.get(path), connector.send("/api/v1/events/None", job)]
    connector.put(f"{path}/feedback", {"feedback": "Drop"})
    answers += [connector.post(f"/api/v1/jobs/{job}/{order}", None) for order in ("train", "stop", "start")]
    assert [answer["error_message"] for answer in answers] == [""] * 7


def test_every_key_is_there_also_where_it_has_no_value(connector: Connector, caller: Caller) -> None:
    """Connectors read answers by key and end with an error where one is missing."""
    job = caller.make_job()
    waiting = connector.get(f"/api/v1/events/{job}/{connector.send('/api/v1/events', job)['event_id']}")
    caller.fill(job, decided="Drop")
    assert set(waiting) == set(connector.get(f"/api/v1/events/{job}/decided"))
    fresh, used = (connector.get(f"/api/v1/jobs/{each}") for each in (caller.make_job(), job))
    assert set(fresh) == set(used)


def test_labels_come_as_a_list_of_texts_by_id_and_by_name_and_feedback_takes_each(
    connector: Connector, caller: Caller
) -> None:
    job = caller.make_job()
    caller.fill(job, a="Drop")
    title = connector.get(f"/api/v1/jobs/{job}")["title"]
    labels = connector.get(f"/api/v1/jobs/{job}/labels")
    assert labels == connector.post("/api/v1/jobs/get_by_name/labels", {"job_name": title})
    assert labels == connector.post("/api/v1/jobs/get_by_name", {"job_name": title})["labels"]
    assert labels == ["Drop", "Investigate", "Escalate"]
    for label in labels:
        connector.put(f"/api/v1/events/{job}/a/feedback", {"feedback": label, "cortex_user": "ana"})
        only = [{"field": "arcanna.consensus", "operator": "is", "value": label}]
        assert caller.metrics(job, only)["total_events"] == 1


def test_the_job_to_send_to_is_found_in_the_list_by_its_title(connector: Connector, caller: Caller) -> None:
    job = caller.make_job()
    title = caller.client.get(f"/api/v2/jobs/{job}").json()["title"]
    (found,) = [each for each in connector.get("/api/v1/jobs") if each["title"] == title]
    assert found["job_id"] == job
    assert isinstance(found["job_id"], int)
    assert found["status"] == "ENABLED"


def test_a_stopped_job_refuses_an_alert_with_a_sentence_and_takes_it_once_started(
    connector: Connector, caller: Caller
) -> None:
    job = caller.make_job()
    assert connector.post(f"/api/v1/jobs/{job}/stop", None)["status"] == "OK"
    assert connector.get(f"/api/v1/jobs/{job}")["status"] == "DISABLED"
    refused = connector.post("/api/v1/events", {"job_id": job, "raw_body": ALERT}, 409)
    assert isinstance(refused["error"], str)
    assert "stopped" in refused["error"]
    assert connector.post(f"/api/v1/jobs/{job}/start", None)["status"] == "OK"
    assert connector.send("/api/v1/events", job)["status"] == "pending_inference"


def test_an_alert_resent_after_a_time_out_is_one_event(connector: Connector, caller: Caller) -> None:
    job = caller.make_job()
    first, second = (connector.send("/api/v1/events/case-7", job) for _ in range(2))
    assert first == second
    decide(caller, job, "case-7", "Drop")
    assert caller.metrics(job)["total_events"] == 1


@pytest.mark.parametrize("name", ["x-arcanna-api-key", "X-Arcanna-Api-Key", "X-ARCANNA-API-KEY"])
def test_the_key_in_a_header_of_any_case_and_the_body_without_a_content_type(
    name: str, caller: Caller, anonymous: httpx.Client, admin_key: str
) -> None:
    body = b'{"job_id": %d, "raw_body": {"a": 1}}' % caller.make_job()
    sent = anonymous.post("/api/v1/events", content=body, headers={name: admin_key})
    assert sent.status_code == 201
    assert "Content-Type" not in sent.request.headers
