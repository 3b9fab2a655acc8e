"""The API against its own description: whatever is asked, an answer of a status and a shape that stand there.

schemathesis asks a server of its own, with a key that has every scope, about jobs that are in use.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from cli.terminal import Terminal, serve
from trueline import demo

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cli.terminal import Serving

HERE = Path(__file__).parent
LONG = os.environ.get("TRUELINE_TEST_LONG") == "1"
CASES = 20_000 if LONG else 1_000
EXAMPLES = 500 if LONG else 16
"""For each operation, of the phases that make cases up."""
SEED = () if LONG else ("--seed", "1")


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """A server with the jobs that schemathesis.toml names."""
    with serve(Terminal(tmp_path_factory.mktemp("schemathesis"))) as running:
        headers = {"X-Arcanna-Api-Key": running.key}
        with httpx.Client(base_url=running.address, headers=headers, timeout=120) as client:
            demo.load(client)
            job = {"job_id": 77, "title": "A job by bucket", "labels": ["Drop", "Investigate", "Escalate"]}
            parts = {"grouping": "bucket", "decision_points": ["nested.list"], "min_votes": 2}
            client.post("/api/v2/jobs", json=job | parts).raise_for_status()
            client.post(
                "/api/v2/jobs", json={"job_id": 78, "title": "Stopped", "labels": ["a", "b"]}
            ).raise_for_status()
            lines = [json.dumps(each) for each in bucket_events()]
            client.post("/api/v2/jobs/77/events/bulk", content="\n".join(lines)).raise_for_status()
            client.post("/api/v2/jobs/77/models", json={"model_id": "of the bucket job"}).raise_for_status()
            for number in (1234, 77):
                body = {"job_id": number, "raw_body": {"n": 1}}
                client.post("/api/v1/events/waiting", json=body).raise_for_status()
                draw = {"decision": "Drop", "count": 2, "seed": "week 48"}
                client.post(f"/api/v2/jobs/{number}/audit/draws", json=draw).raise_for_status()
        yield running


def bucket_events() -> Iterator[dict[str, Any]]:
    """Bulk lines of documents with lists in them, some with votes."""
    for number in range(30):
        yield {
            "event_id": f"alert-{number:04}",  # as in the example: any event of the dictionary is in any job of it
            "timestamp": f"2025-01-01T{number % 24:02}:00:00Z",
            "raw_body": {"nested": {"list": [number % 4, {"deep": "x"}]}, "a.b": number, "severity": str(number)},
            "decision": {"label": ["Drop", "Escalate"][number % 2], "confidence": 3 * number, "outlier": number == 3},
            "votes": [{"analyst": name, "label": "Drop"} for name in ("ana", "ben")[: number % 3]],
        }


@pytest.fixture(scope="module")
def report(seeded: Serving, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What schemathesis found, in all its phases."""
    folder = tmp_path_factory.mktemp("report")
    ended = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", HERE / "schemathesis.toml"),
            *("run", f"{seeded.address}/openapi.json", "--header", f"X-Arcanna-Api-Key: {seeded.key}"),
            *("--max-examples", str(EXAMPLES), *SEED, "--no-color", "--report-json-path", folder / "report.json"),
        ],
        cwd=folder,
        env=os.environ | {"SCHEMATHESIS_HOOKS": str(HERE / "schemathesis_hooks.py")},
        capture_output=True,
        text=True,
        timeout=3600,
        check=False,
    )
    print(ended.stdout[-20_000:], ended.stderr[-5_000:])  # noqa: T201 - shown where a test fails
    found: dict[str, Any] = json.loads((folder / "report.json").read_text())
    return found


def test_no_answer_breaks_what_is_described(report: dict[str, Any]) -> None:
    assert report["failures"] == []
    assert report["errors"] == []
    assert report["complete"]


def test_all_was_asked_in_all_phases(report: dict[str, Any]) -> None:
    assert {name: phase["status"] for name, phase in report["phases"].items()} == dict.fromkeys(
        ("examples", "coverage", "fuzzing", "stateful"), "success"
    )
    assert report["operations"]["tested"] == report["operations"]["total"]
    assert report["test_cases"]["generated"] >= CASES


def test_every_operation_was_also_asked_what_it_answers_well(report: dict[str, Any], seeded: Serving) -> None:
    described = httpx.get(f"{seeded.address}/openapi.json").json()["paths"]
    refused = [
        operation
        for operation, phases in report["valid_rates"].items()
        if not sum(phase["accepted"] for phase in phases.values()) and answers_well(described, operation)
    ]
    assert refused == []


def answers_well(described: dict[str, Any], operation: str) -> bool:
    """Whether there is anything that an operation answers with a 2xx."""
    method, path = operation.split(" ", 1)
    return any(status.startswith("2") for status in described[path][method.lower()]["responses"])
