"""The documented example as a running server: job 1234, its events, its training, its votes.

The figures are those of the documentation of ``POST /api/v2/metrics/job``: 5,276 events decided on 2025-01-01,
a training set of 2,516 of them, votes on 5, and minutes per alert such that 1,250.5 minutes are saved.
"""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
import msgspec

from trueline.api.server import say, serve
from trueline.instants import format_instant
from trueline.service.keys import KNOWN_SCOPES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trueline.service.workspace import Workspace
    from trueline.settings import Settings

JOB_ID = 1234
MODEL_ID = "generic-1-1234-model-1747385873.hdf5"
TRAINED_AT = "2025-05-16T08:57:53Z"
"""The moment that the model's name gives as epoch seconds."""
DECIDED = {"Drop": 4490, "Investigate": 749, "Escalate": 37}
EVENTS = sum(DECIDED.values())
IN_TRAINING_SET = 2516
VOTED_ON = 5
MINUTES_SAVED = 1250.5
WINDOW = "start_datetime=2025-01-01T00:00:00Z&end_datetime=2025-01-02T00:00:00Z"

JOB = {
    "job_id": JOB_ID,
    "title": "Documented example",
    "labels": list(DECIDED),
    "minutes_per_alert": MINUTES_SAVED / EVENTS,
}

_DAY = datetime(2025, 1, 1, tzinfo=UTC)
_LAST_SECOND = 24 * 60 * 60 - 1
_SOURCES = ("firewall", "endpoint", "mail", "identity")


def events() -> list[dict[str, Any]]:
    """The example's events as bulk lines: spread over the day, each decision evenly, the last at 23:59:59."""
    labels = _evenly(DECIDED)
    lines = []
    for number, label in enumerate(labels):
        moment = format_instant(_DAY + timedelta(seconds=number * _LAST_SECOND // (EVENTS - 1)))
        document = {
            "@timestamp": moment,
            "rule": {"id": number % 97, "name": f"Rule {number % 97}"},
            "source": {"kind": _SOURCES[number % 4], "ip": f"10.0.{number % 200}.{number % 250}"},
            "severity": {"Drop": 2, "Investigate": 5, "Escalate": 9}[label],
        }
        decision = {
            "label": label,
            "confidence": 60 + number % 40,
            "model_id": MODEL_ID,
            "decided_at": moment,
        }
        lines.append({"event_id": f"alert-{number:04d}", "raw_body": document, "decision": decision})
    return lines


def _evenly(counts: dict[str, int]) -> list[str]:
    """As many of each label as its count says, each spread evenly over the whole."""
    places = [((turn + 0.5) / count, label) for label, count in counts.items() for turn in range(count)]
    return [label for _, label in sorted(places)]


def training_set(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The events the model learned from, with their labels."""
    return [{"event_id": line["event_id"], "label": line["decision"]["label"]} for line in lines[:IN_TRAINING_SET]]


def votes(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One vote each on the last events of the day, all agreeing with the decision."""
    return [
        {
            "event_id": line["event_id"],
            "analyst": "ana",
            "label": line["decision"]["label"],
            "at": "2025-01-02T09:00:00Z",
        }
        for line in lines[-VOTED_ON:]
    ]


def ndjson(lines: list[dict[str, Any]]) -> bytes:
    """Lines as the bulk routes take them."""
    return b"\n".join(map(msgspec.json.encode, lines))


def load(client: httpx.Client) -> None:
    """Load the example through the own routes; loading it again changes nothing.

    Raises:
        httpx.HTTPStatusError: a route refused.
    """
    lines = events()
    if client.get(f"/api/v2/jobs/{JOB_ID}").status_code == httpx.codes.NOT_FOUND:
        client.post("/api/v2/jobs", json=JOB).raise_for_status()
    for path, body in _requests(lines):
        answer = client.post(path, content=body)
        answer.raise_for_status()
        rejected = answer.json().get("rejected")
        if rejected:
            raise RuntimeError(f"{path} rejected {rejected[0]}")


def _requests(lines: list[dict[str, Any]]) -> Iterator[tuple[str, bytes]]:
    yield f"/api/v2/jobs/{JOB_ID}/events/bulk", ndjson(lines)
    model = {"model_id": MODEL_ID, "trained_at": TRAINED_AT, "training_set": training_set(lines)}
    yield f"/api/v2/jobs/{JOB_ID}/models", msgspec.json.encode(model)
    yield f"/api/v2/jobs/{JOB_ID}/votes/bulk", ndjson(votes(lines))


def run(settings: Settings) -> None:
    """Serve the example until Ctrl-C."""
    failed: list[BaseException] = []

    def show(workspace: Workspace, address: str) -> None:
        threading.Thread(target=_show, args=(workspace, address, failed), daemon=True).start()

    serve(settings, ready=show, log_requests=False)
    if failed:
        raise failed[0]


def _show(workspace: Workspace, address: str, failed: list[BaseException]) -> None:
    try:
        key = workspace.access.create("demo", sorted(KNOWN_SCOPES))
        headers = {"X-Arcanna-Api-Key": key, "Content-Type": "application/json"}
        with httpx.Client(base_url=address, headers=headers, timeout=120) as client:
            say(f"Loading the example: {EVENTS:,} decided events, a training, votes …")
            load(client)
            query = f"/api/v2/metrics/job?job_id={JOB_ID}&{WINDOW}"
            answer = client.post(query, content=b"{}")
            answer.raise_for_status()
        say(
            f"\nAsked:\n  curl -X POST '{address}{query}' \\\n"
            f"    -H 'X-Arcanna-Api-Key: {key}' -H 'Content-Type: application/json' -d '{{}}'\n\nAnswered:"
        )
        say(msgspec.json.format(answer.content, indent=2).decode())
        say(f"\nServing on {address} until Ctrl-C. The routes are described at {address}/openapi.json")
    except BaseException as error:  # noqa: BLE001 - handed to the thread that serves, which raises it
        failed.append(error)
        say(f"The example could not be loaded: {error}")
