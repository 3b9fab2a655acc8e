"""A worker that decides: it fetches the events of a job that wait for a decision, and puts one on each.

    python examples/worker.py --job triage --key "$KEY" [--server http://127.0.0.1:9666] [--once]

Events wait that were sent without a decision, and those that somebody marked to be decided anew. The rule below stands
for whatever decides in your place: a classifier, a language model, a playbook. Copy this file and change `decide`.
"""

from __future__ import annotations

import argparse
import time
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import httpx

MODEL = "rule-level-1"
PAGE = 100


def decide(event: dict[str, Any]) -> tuple[str, float]:
    """Decide on one document: a label of the job, and how sure that is, in percent."""
    level = event.get("rule", {}).get("level", 0)
    if level >= 10:  # noqa: PLR2004 - the rule
        return "Escalate", 90.0
    return ("Investigate", 55.0) if level >= 5 else ("Drop", 80.0)  # noqa: PLR2004 - the rule


def sent(client: httpx.Client, method: str, path: str, body: object) -> httpx.Response:
    """Send a request; a server that is busy says when to try again, and is asked again then."""
    while (answer := client.request(method, path, json=body)).status_code in {429, 503}:
        time.sleep(float(answer.headers.get("Retry-After", "1")))
    return answer.raise_for_status()


def decide_all(client: httpx.Client, job: str) -> int:
    """Decide on every event of a job that waits; gives how many there were."""
    decided = 0
    while True:
        # always the first page: what is decided waits no longer
        wanted = {"job_ids": job, "awaiting_decision": True, "size": PAGE, "sort_order": "asc"}
        events = sent(client, "POST", "/api/v2/events/query", wanted).json()["events"]
        for event in events:
            label, confidence = decide(event["raw_event"])
            decision = {"label": label, "confidence": confidence, "model_id": MODEL}
            # with its time: the same decision again without one would be none
            decision |= {"decided_at": datetime.now(UTC).isoformat()}
            way = f"/api/v2/events/{event['job_id']}/{quote(event['event_id'], safe='')}/decision"
            sent(client, "PUT", way, decision)
        decided += len(events)
        if len(events) < PAGE:
            return decided


def main() -> None:
    """Decide until stopped, or once."""
    parser = argparse.ArgumentParser(description="Decide on the events of a job that wait for a decision.")
    parser.add_argument("--server", default="http://127.0.0.1:9666")
    parser.add_argument("--key", required=True, help="needs the scopes read:event_query and write:events")
    parser.add_argument("--job", required=True, help="id or exact title")
    parser.add_argument("--once", action="store_true", help="end when none waits")
    parser.add_argument("--seconds", type=float, default=5.0, help="between two looks")
    asked = parser.parse_args()
    with httpx.Client(base_url=asked.server, headers={"X-Arcanna-Api-Key": asked.key}, timeout=60) as client:
        while True:
            decided = decide_all(client, asked.job)
            if decided or asked.once:
                print(f"{decided} decided", flush=True)
            if asked.once:
                return
            time.sleep(asked.seconds)


if __name__ == "__main__":
    main()
