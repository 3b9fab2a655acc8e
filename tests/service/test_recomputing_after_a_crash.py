"""Recomputations that a crash cut short: queued again at the next start, in processes of their own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import scripts

if TYPE_CHECKING:
    from pathlib import Path

PREAMBLE = """
import json, logging, os, sys, threading, time
from pathlib import Path
from trueline.log import log_to_stderr
from trueline.service.workspace import Workspace
from trueline.settings import Settings
log_to_stderr(logging.WARNING)
settings = Settings(data=Path(sys.argv[1]))
"""
KILLED_MIDWAY = """
w = Workspace.open(settings)
job = w.jobs.create(title="kept", labels=["A", "B"])
def send(name):
    line = {"event_id": name, "raw_body": {}, "decision": {"label": "A", "model_id": "m"}}
    w.ingest.bulk(job, [json.dumps(line).encode()])
send("first")
first, second = (w.training.register(job, model_id=name) for name in ("m", "n"))
w.model_metrics.recompute(first).result(60)
send("second")
begun = threading.Event()
def hang(*_):
    begun.set()
    time.sleep(600)
w._ledger.count.parts = hang
states = [w.model_metrics.request(job, model).status for model in (first, second)]
assert begun.wait(60)
print(json.dumps([*states, w.model_metrics.report(job, first)]), flush=True)
os._exit(9)
"""
OPENED_AGAIN = """
with Workspace.open(settings) as w:
    job = w.jobs.get("kept")
    models = w.training.models(job)
    deadline = time.monotonic() + 60
    while any((told := [w.model_metrics.report(job, model) for model in models])[n]["is_recomputing_metrics"]
              for n in range(2)):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    print(json.dumps(told))
"""
CLOSED_WHILE_ONE_WAITS = """
w = Workspace.open(settings)
job = w.jobs.get("kept")
first, second = w.training.models(job)
begun, let_go, parts = threading.Event(), threading.Event(), w._ledger.count.parts
def held(*asked):
    begun.set()
    let_go.wait(60)
    return parts(*asked)
w._ledger.count.parts = held
before = w.model_metrics.report(job, second)["last_recomputed_timestamp"]
for model in (first, second):
    w.model_metrics.request(job, model)
assert begun.wait(60)
threading.Timer(0.2, let_go.set).start()
w.close()
print(json.dumps(before))
"""


def run(folder: Path, script: str, *, status: int = 0) -> Any:  # noqa: ANN401 - any JSON
    return json.loads(scripts.run(PREAMBLE + script, folder, status=status).stdout)


def test_what_was_queued_or_in_progress_is_computed_after_the_next_start(tmp_path: Path) -> None:
    *states, before = run(tmp_path, KILLED_MIDWAY, status=9)
    assert states == ["queued", "queued"]
    assert (before["recompute_status"], before["confusion_matrix"]) == ("in_progress", [[1, 0], [0, 0]])
    first, second = run(tmp_path, OPENED_AGAIN)
    assert [first["recompute_status"], second["recompute_status"]] == ["completed", "completed"]
    assert (first["confusion_matrix"], second["confusion_matrix"]) == ([[2, 0], [0, 0]], [[0, 0], [0, 0]])
    assert first["last_recomputed_timestamp"] > before["last_recomputed_timestamp"]

    last = run(tmp_path, CLOSED_WHILE_ONE_WAITS)
    first, second = run(tmp_path, OPENED_AGAIN)
    assert [first["recompute_status"], second["recompute_status"]] == ["completed", "completed"]
    assert second["last_recomputed_timestamp"] > last
