"""The whole loop with the example worker: send, decide, vote, train, metrics, decide anew."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from trueline.service.workspace import Workspace

WORKER = Path(__file__).parent.parent.parent / "examples" / "worker.py"
LABELS = ["Drop", "Investigate", "Escalate"]


def test_the_whole_loop(
    client: httpx.Client, server: str, workspace: Workspace, fresh_title: Callable[[], str]
) -> None:
    title = fresh_title()
    job = client.post("/api/v2/jobs", json={"title": title, "labels": LABELS}).json()["job_id"]
    key = workspace.access.create("worker", ["read:event_query", "write:events"], jobs=[job])

    def work() -> str:
        command = [sys.executable, str(WORKER), "--server", server, "--key", key, "--job", title, "--once"]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True, env=os.environ).stdout

    def ask(path: str, body: object) -> httpx.Response:
        answer = client.post(path, json=body)
        assert answer.status_code in {200, 201}, answer.text
        return answer

    for name, level in (("a1", 3), ("a2", 7), ("a/3", 12)):
        sent = ask(f"/api/v1/events/{name}", {"job_id": job, "raw_body": {"rule": {"level": level}}})
        assert sent.json()["status"] == "pending_inference"
    pending = {"field": "arcanna.pipeline_status", "operator": "is", "value": "pending_inference"}
    waiting = {"job_ids": job, "filters": [pending], "count_results_only": True}
    assert ask("/api/v2/events/query", waiting).json()["total_count"] == 3
    assert ask(f"/api/v2/metrics/job?job_id={job}", {}).json()["total_events"] == 0

    assert work() == "3 decided\n"
    assert work() == "0 decided\n"
    assert ask("/api/v2/events/query", waiting).json()["total_count"] == 0
    labels = {}
    for name in ("a1", "a2", "a/3"):
        state = client.get(f"/api/v1/events/{job}/{name}").json()
        assert state["status"] == "OK"
        labels[name] = state["result_label"]
    assert labels == {"a1": "Drop", "a2": "Investigate", "a/3": "Escalate"}

    vote = client.put(f"/api/v1/events/{job}/a2/feedback", json={"cortex_user": "ana", "feedback": "Escalate"})
    assert vote.status_code == 200
    model = ask(f"/api/v2/jobs/{job}/models", {}).json()["model_id"]
    metrics = ask(f"/api/v2/metrics/job?job_id={job}", {}).json()
    assert metrics["confusion_matrix"] == [[1, 0, 0], [0, 0, 0], [0, 1, 1]]
    assert metrics["overall_accuracy"] == 2 / 3
    assert metrics["active_model_id"] == model
    assert metrics["total_events_in_knowledge_base"] == 1

    investigated = {"field": "arcanna.result_label", "operator": "is", "value": "Investigate"}
    marked = ask(f"/api/v2/events/{job}/reprocess", {"filters": [investigated]}).json()
    assert marked["events_updated"] == 1
    assert ask(f"/api/v2/metrics/job?job_id={job}", {}).json() == metrics
    assert work() == "1 decided\n"
    assert work() == "0 decided\n"
    assert client.get(f"/api/v1/events/{job}/a2").json()["result_label"] == "Investigate"
