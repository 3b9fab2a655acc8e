"""A client of the API that asserts that what a test only needs, and does not test, went well."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

LABELS = ["Drop", "Investigate", "Escalate"]


class Caller:
    """Makes jobs and fills them."""

    def __init__(self, client: httpx.Client, fresh_title: Callable[[], str]) -> None:
        self.client = client
        self._fresh_title = fresh_title

    def make_job(self, **parts: object) -> int:
        """A new job's id."""
        answer = self.client.post("/api/v2/jobs", json={"title": self._fresh_title(), "labels": LABELS} | parts)
        assert answer.status_code == 201, answer.text
        made: int = answer.json()["job_id"]
        return made

    def bulk(self, job: int, kind: str, *lines: object) -> dict[str, Any]:
        """Send lines of `events` or `votes`."""
        body = b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines)
        answer = self.client.post(f"/api/v2/jobs/{job}/{kind}/bulk", content=body)
        assert answer.status_code == 200, answer.text
        taken: dict[str, Any] = answer.json()
        return taken

    def fill(self, job: int, **decisions: str) -> None:
        """Send decided events by id."""
        taken = self.bulk(job, "events", *(event(name, label) for name, label in decisions.items()))
        assert taken == {"accepted": len(decisions), "replaced": 0, "rejected": []}

    def vote(self, job: int, *votes: tuple[str, str, str | None]) -> None:
        """Send votes: event, analyst, label."""
        lines = [{"event_id": name, "analyst": analyst, "label": label} for name, analyst, label in votes]
        assert self.bulk(job, "votes", *lines)["rejected"] == []

    def metrics(self, job: int, filters: list[dict[str, Any]] | None = None, **query: str) -> dict[str, Any]:
        """The metrics of a job."""
        answer = self.client.post(
            "/api/v2/metrics/job", params={"job_id": str(job)} | query, json={"filters": filters or []}
        )
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


def event(name: str, label: str, **document: object) -> dict[str, Any]:
    """A decided event's bulk line."""
    moment = "2025-01-01T10:00:00Z"
    return {
        "event_id": name,
        "raw_body": {"@timestamp": moment} | document,
        "decision": {"label": label, "decided_at": moment},
    }
