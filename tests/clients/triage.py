"""A job in use: decided events, disagreeing analysts, two trainings, told to the product and to the oracle alike."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from api.caller import Caller
from oracle import DAY, JobTerms, Oracle, differences

if TYPE_CHECKING:
    import httpx

LABELS = ["Escalate", "Drop", "Investigate", "Low priority"]
EVENTS = 24
ARRIVED = 20_000 * DAY
OLD_MODEL, ACTIVE_MODEL = "generic-1-old", "generic-1-active.hdf5"
CATEGORY = {"bucket": "Decision intelligence", "event": "Event centric decision intelligence"}


@dataclass(frozen=True)
class Triage:
    """The job by id, what it is grouped by, and the oracle that knows it too."""

    job: int
    grouping: str
    oracle: Oracle


def fill(client: httpx.Client, title: str, grouping: str) -> Triage:
    """Make such a job: events 0 to 23, of three days, on twelve hosts."""
    caller = Caller(client, lambda: title)
    terms: dict[str, Any] = {"labels": LABELS, "decision_points": ["host"], "minutes_per_alert": 4.0}
    job = caller.make_job(**terms, grouping=grouping)
    told = Triage(job, grouping, Oracle(JobTerms(LABELS, grouping == "bucket", ["host"], 4.0)))
    lines = [line(number) for number in range(EVENTS)]
    assert caller.bulk(job, "events", *lines)["rejected"] == []
    for each in lines:
        told.oracle.event(each["event_id"], each["raw_body"], arrived_at=ARRIVED, bucket_id=each["bucket_id"])
        told.oracle.decide(each["event_id"], arrived_at=ARRIVED, **each["decision"])
    learned = [{"event_id": "event-1", "label": "Drop"}, {"event_id": "event-2", "label": "Drop"}]
    train(caller, told, OLD_MODEL, "2025-01-04T00:00:00Z", learned)
    vote(caller, told, "ana", {0: "Escalate", 1: "Drop", 2: "Drop", 4: "Drop", 5: "Escalate"}, "2025-01-05T09:00:00Z")
    train(caller, told, ACTIVE_MODEL, "2025-01-06T00:00:00Z", None)
    vote(caller, told, "ben", {1: "Escalate", 4: "Drop"}, "2025-01-07T09:00:00Z")
    vote(caller, told, "ana", {2: "Investigate"}, "2025-01-07T10:00:00Z")
    return told


def line(number: int) -> dict[str, Any]:
    """An event's bulk line."""
    moment = f"2025-01-0{1 + number % 3}T{number:02}:00:00Z"
    return {
        "event_id": f"event-{number}",
        "bucket_id": f"host {number % 12}",
        "raw_body": {"@timestamp": moment, "host": f"h{number % 12}", "rule": {"level": number}},
        "decision": {
            "label": LABELS[number % 4],
            "confidence": 40.0 + 2 * number,
            "model_id": ACTIVE_MODEL if number % 3 else OLD_MODEL,
            "outlier": number % 7 == 0,
            "decided_at": moment,
        },
    }


def vote(caller: Caller, told: Triage, analyst: str, labels: dict[int, str], at: str) -> None:
    """Vote on events by number."""
    votes = [
        {"event_id": f"event-{number}", "analyst": analyst, "label": label, "at": at}
        for number, label in labels.items()
    ]
    assert caller.bulk(told.job, "votes", *votes)["rejected"] == []
    for each in votes:
        told.oracle.vote(analyst, each["label"], arrived_at=ARRIVED, event_id=each["event_id"], at=at)


def train(caller: Caller, told: Triage, model: str, at: str, learned: list[dict[str, str]] | None) -> None:
    """Register a training; without a set it learns from the votes so far."""
    body = {"model_id": model, "trained_at": at, "training_set": learned}
    assert caller.client.post(f"/api/v2/jobs/{told.job}/models", json=body).status_code == 201
    told.oracle.train(model, arrived_at=ARRIVED, trained_at=at, training_set=learned)


def predefined_filters(description: str) -> list[dict[str, Any]]:
    """The filters that a tool's description tells its users to send, in its own near-JSON."""
    found = re.findall(r'"filters": \[\{\{(.*?)\}\}\]', description, re.DOTALL)
    return [ast.literal_eval("{" + re.sub(r"\btrue\b", "True", text) + "}") for text in found]


def unlike(answer: object, wanted: object) -> list[str]:
    """Where an answer differs, whatever the order of its keys; a client's model puts them in its own."""
    return differences(_in_order(answer), _in_order(wanted))


def _in_order(value: object) -> object:
    if isinstance(value, dict):
        return {key: _in_order(value[key]) for key in sorted(value)}
    return value
