"""The API against its own description, asked by schemathesis until so many cases were made up.

Each round is a run of all its phases with a seed of its own, against one server with jobs that are in use. The tests do
one small round: see tests/api/test_schemathesis.py.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx

from gate import BrokenError, Gate
from processes import served, trueline
from trueline import demo

if TYPE_CHECKING:
    from collections.abc import Iterator

ASKING: Final = Path(__file__).parent.parent / "tests" / "api"
"""Where schemathesis is told how to ask."""
_EXAMPLES_A_ROUND: Final = 40
"""For each operation, of the phases that make cases up."""
_FEWEST_EXAMPLES: Final = 16
"""As many as it takes that every operation is also answered well."""
_CASES_AN_EXAMPLE: Final = 45
_ROUND_SECONDS: Final = 7_200


def put_in_use(client: httpx.Client) -> None:
    """Make the jobs that schemathesis.toml names, with events, votes, models and draws in them."""
    demo.load(client)
    job = {"job_id": 77, "title": "A job by bucket", "labels": ["Drop", "Investigate", "Escalate"]}
    parts = {"grouping": "bucket", "decision_points": ["nested.list"], "min_votes": 2}
    client.post("/api/v2/jobs", json=job | parts).raise_for_status()
    client.post("/api/v2/jobs", json={"job_id": 78, "title": "Stopped", "labels": ["a", "b"]}).raise_for_status()
    lines = [json.dumps(each) for each in bucket_events()]
    client.post("/api/v2/jobs/77/events/bulk", content="\n".join(lines)).raise_for_status()
    client.post("/api/v2/jobs/77/models", json={"model_id": "of the bucket job"}).raise_for_status()
    for number in (1234, 77):
        body = {"job_id": number, "raw_body": {"n": 1}}
        client.post("/api/v1/events/waiting", json=body).raise_for_status()
        draw = {"decision": "Drop", "count": 2, "seed": "week 48"}
        client.post(f"/api/v2/jobs/{number}/audit/draws", json=draw).raise_for_status()


def bucket_events() -> Iterator[dict[str, Any]]:
    """Bulk lines of documents with lists in them, some with votes."""
    for number in range(30):
        yield {
            "event_id": f"alert-{number:04}",  # as in the example: any event of the dictionary is in any job of it
            "timestamp": f"2025-01-01T{number % 24:02}:00:00Z",
            "raw_body": {"nested": {"list": [number % 4, {"deep": "x"}]}, "a.b": number, "severity": str(number)},
            "decision": {"label": ["Drop", "Escalate"][number % 2], "confidence": 3 * number, "outlier": not number},
            "votes": [{"analyst": name, "label": "Drop"} for name in ("ana", "ben")[: number % 3]],
        }


def ask(address: str, key: str, folder: Path, examples: int, seed: int | None) -> dict[str, Any]:
    """What schemathesis found in all its phases, as its report says it; without a seed it takes one of its own."""
    ended = subprocess.run(  # noqa: S603 - our own command
        [
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", ASKING / "schemathesis.toml"),
            *("run", f"{address}/openapi.json", "--header", f"X-Arcanna-Api-Key: {key}"),
            *("--max-examples", str(examples), *(() if seed is None else ("--seed", str(seed)))),
            *("--no-color", "--report-json-path", folder / "report.json"),
        ],
        cwd=folder,
        env=os.environ | {"SCHEMATHESIS_HOOKS": str(ASKING / "schemathesis_hooks.py")},
        capture_output=True,
        text=True,
        timeout=_ROUND_SECONDS,
        check=False,
    )
    report = folder / "report.json"
    if not report.exists():
        raise BrokenError(f"schemathesis did not run: {ended.stdout[-2_000:]} {ended.stderr[-2_000:]}")
    print(ended.stdout[-20_000:], ended.stderr[-5_000:], file=sys.stderr)  # shown where a test fails
    found: dict[str, Any] = json.loads(report.read_text())
    report.unlink()
    return found


def check(report: dict[str, Any]) -> int:
    """Hold a report against the promise; how many cases there were.

    Raises:
        BrokenError: an answer breaks what is described, or not all was asked in all phases.
    """
    for name in ("failures", "errors"):
        if report[name]:
            raise BrokenError(f"{len(report[name])} {name}, the first: {json.dumps(report[name][0])[:2_000]}")
    phases = {name: phase["status"] for name, phase in report["phases"].items()}
    if not report["complete"] or phases != dict.fromkeys(("examples", "coverage", "fuzzing", "stateful"), "success"):
        raise BrokenError(f"not all was asked: {phases}")
    if report["operations"]["tested"] != report["operations"]["total"]:
        raise BrokenError(f"not every operation was asked: {report['operations']}")
    cases: int = report["test_cases"]["generated"]
    return cases


def _run(folder: Path, count: int, seed: int) -> str:
    cases = rounds = 0
    key = trueline("keys", "create", "gate", "--data", str(folder / "data"), folder=folder).strip()
    with served(folder / "data") as (address, _):
        with httpx.Client(base_url=address, headers={"X-Arcanna-Api-Key": key}, timeout=120) as client:
            put_in_use(client)
        while cases < count:
            examples = min(_EXAMPLES_A_ROUND, max(_FEWEST_EXAMPLES, (count - cases) // _CASES_AN_EXAMPLE))
            report = ask(address, key, folder, examples, seed * 1_000 + rounds)
            cases += check(report)
            rounds += 1
            print(f"  {cases:,} cases in {rounds} rounds", flush=True)
    return f"{cases:,} cases in {rounds} rounds over {report['operations']['total']} operations, no answer unexpected"


GATE: Final = Gate(
    name="schemes",
    promise="whatever the API is asked, it answers as its own description says",
    full=100_000,
    unit="cases",
    run=_run,
)
