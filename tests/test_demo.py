"""The documented example, over HTTP and as the command `trueline demo`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from trueline import demo

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DOCUMENTED = """{
"confusion_matrix": [
[4490, 0, 0],
[0, 749, 0],
[0, 0, 37]
],
"overall_accuracy": 1.0,
"overall_f1_score": 1.0,
"overall_recall": 1.0,
"overall_precision": 1.0,
"metrics_per_decision": {
"Drop": {
"precision": 1.0,
"recall": 1.0,
"f1_score": 1.0,
"true_positives": 4490,
"true_negatives": 786,
"false_positives": 0,
"false_negatives": 0
},
"Investigate": {
"precision": 1.0,
"recall": 1.0,
"f1_score": 1.0,
"true_positives": 749,
"true_negatives": 4527,
"false_positives": 0,
"false_negatives": 0
},
"Escalate": {
"precision": 1.0,
"recall": 1.0,
"f1_score": 1.0,
"true_positives": 37,
"true_negatives": 5239,
"false_positives": 0,
"false_negatives": 0
}
},
"start_time": "2025-01-01T00:00:00Z",
"end_time": "2025-01-02T00:00:00Z",
"time_saved_minutes": 1250.5,
"active_model_id": "generic-1-1234-model-1747385873.hdf5",
"all_model_ids": ["generic-1-1234-model-1747385873.hdf5"],
"total_events": 5276,
"total_events_in_knowledge_base": 2516,
"total_events_with_consensus": 5,
"changed_consensus_after_training": {
"total_events": 0,
"top_events_ids": [],
"top_buckets_ids": []
}
}"""
"""The body that the documentation shows, to the letter."""


def packed(text: str) -> str:
    """A JSON text without white space: equal only when keys are in the same order and numbers written alike."""
    return json.dumps(json.loads(text), separators=(",", ":"))


@pytest.fixture(scope="module")
def example(server: str, admin_key: str) -> Iterator[httpx.Client]:
    headers = {"X-Arcanna-Api-Key": admin_key, "Content-Type": "application/json"}
    with httpx.Client(base_url=server, headers=headers, timeout=120) as client:
        demo.load(client)
        yield client


def test_the_documented_time_range_gets_the_documented_body_to_the_letter(example: httpx.Client) -> None:
    answer = example.post(
        "/api/v2/metrics/job?job_id=1234&start_datetime=2025-01-01T00:00:00Z&end_datetime=2025-01-02T00:00:00Z",
        content="{}",
    )
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.text == packed(DOCUMENTED)


def test_without_dates_the_bounds_are_those_of_the_events(example: httpx.Client) -> None:
    answer = example.post("/api/v2/metrics/job?job_id=1234", content="{}")
    # Here the documentation contradicts itself: its one body shows the end 2025-01-02T00:00:00Z for this request
    # too. An end is exclusive, and all 5,276 events are of 2025-01-01; so a request without an end shows the
    # latest @timestamp of its events, as definitions.md says, and that is the last second of that day.
    expected = DOCUMENTED.replace('"2025-01-02T00:00:00Z"', '"2025-01-01T23:59:59Z"')
    assert answer.text == packed(expected)


def test_a_filter_on_the_decision_keeps_its_events_alone(example: httpx.Client) -> None:
    answer = example.post(
        "/api/v2/metrics/job?job_id=1234",
        content="""{
"filters": [
{
"field": "arcanna.result_label",
"operator": "is",
"value": "Escalate"
}
]
}""",
    )
    # Of the 37 the first is event 71 and the last event 5204, at number * 86399 // 5275 seconds into the day; 18 of
    # them are among the first 2,516, which the model learned from; each saves 1250.5 / 5276 minutes.
    expected = """{
"confusion_matrix": [[0, 0, 0], [0, 0, 0], [0, 0, 37]],
"overall_accuracy": 1.0,
"overall_f1_score": 1.0,
"overall_recall": 1.0,
"overall_precision": 1.0,
"metrics_per_decision": {
"Drop": {
"precision": 0.0, "recall": 0.0, "f1_score": 0.0,
"true_positives": 0, "true_negatives": 37, "false_positives": 0, "false_negatives": 0
},
"Investigate": {
"precision": 0.0, "recall": 0.0, "f1_score": 0.0,
"true_positives": 0, "true_negatives": 37, "false_positives": 0, "false_negatives": 0
},
"Escalate": {
"precision": 1.0, "recall": 1.0, "f1_score": 1.0,
"true_positives": 37, "true_negatives": 0, "false_positives": 0, "false_negatives": 0
}
},
"start_time": "2025-01-01T00:19:22Z",
"end_time": "2025-01-01T23:40:36Z",
"time_saved_minutes": 8.76961713419257,
"active_model_id": "generic-1-1234-model-1747385873.hdf5",
"all_model_ids": ["generic-1-1234-model-1747385873.hdf5"],
"total_events": 37,
"total_events_in_knowledge_base": 18,
"total_events_with_consensus": 0,
"changed_consensus_after_training": {"total_events": 0, "top_events_ids": [], "top_buckets_ids": []}
}"""
    assert answer.text == packed(expected)


def test_an_unknown_job_gets_the_documented_404(example: httpx.Client) -> None:
    answer = example.post("/api/v2/metrics/job?job_id=4321", content="{}")
    assert answer.status_code == 404
    assert answer.text == '{"error":"Job not found"}'


def test_loading_the_example_again_changes_nothing(example: httpx.Client) -> None:
    before = example.post("/api/v2/metrics/job?job_id=1234", content="{}").text
    demo.load(example)
    assert example.post("/api/v2/metrics/job?job_id=1234", content="{}").text == before


def test_the_demo_command_prints_the_answer_keeps_serving_and_ends_on_ctrl_c(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "trueline.cli", "demo", "--data", str(tmp_path / "demo"), "--port", "0"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TRUELINE_")}
    with (
        (tmp_path / "log").open("w") as log,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=environment) as running,
    ):
        try:
            printed = printed_until_served(running)
            asked = next(line for line in printed.splitlines() if "curl" in line)
            address = asked.split("'")[1].split("/api/")[0]
            key = printed.split("X-Arcanna-Api-Key: ")[1].split("'")[0]
            shown = printed.split("Answered:")[1].split("Serving on")[0]
            assert packed(shown) == packed(DOCUMENTED)
            assert f"Serving on {address}" in printed

            answer: Any = httpx.get(f"{address}/api/v2/jobs/1234", headers={"X-Arcanna-Api-Key": key}).json()
            assert answer["title"] == "Documented example"

            running.send_signal(signal.SIGINT)
            assert running.wait(60) == 0
        finally:
            running.kill()
    assert "Traceback" not in (tmp_path / "log").read_text()


def printed_until_served(running: subprocess.Popen[str]) -> str:
    """What the command has printed up to the line that says it serves; all it has, if it ends before."""
    assert running.stdout is not None
    lines: list[str] = []
    for line in running.stdout:
        lines.append(line)
        if line.startswith("Serving on"):
            break
    return "".join(lines)
