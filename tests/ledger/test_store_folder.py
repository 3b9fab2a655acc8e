"""A data folder: made, opened again, in use, and too new. Each in processes of their own."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from typing import TYPE_CHECKING

import scripts
from trueline.ledger.migrations import schema_files

if TYPE_CHECKING:
    from pathlib import Path

PREAMBLE = """
import sys
from pathlib import Path
from trueline.service.workspace import Workspace
from trueline.service.errors import StartError
from trueline.settings import Settings
folder = Path(sys.argv[1])
settings = Settings(data=folder)
def refusal():
    try:
        with Workspace.open(settings):
            return "opened"
    except StartError as error:
        return str(error)
"""
NEWEST = max(schema_files())
TABLES = "SELECT name FROM system.tables WHERE database = 'trueline' ORDER BY name"
LOOK = f"""
with Workspace.open(settings) as w:
    engine = w._ledger.engine
    print(w.metrics.job("kept")["total_events"], engine.rows("SELECT count(), max(version) FROM schema_version")[0],
          [row[0] for row in engine.rows({TABLES!r})], engine.rows("SELECT count() FROM store_identity")[0][0])
"""  # noqa: S608
MAKE = """
with Workspace.open(settings) as w:
    assert w.first_key() and not w.first_key()
    job = w.jobs.create(title="kept", labels=["A", "B"])
    w.ingest.bulk(job, [b'{"event_id": "e", "raw_body": {}, "decision": {"label": "A"}}'])
"""
NEWER = """
with Workspace.open(settings) as w:
    w._ledger.engine.command("INSERT INTO schema_version (version) SELECT 9999")
"""
HOLD = """
with Workspace.open(settings):
    print("open", flush=True)
    sys.stdin.readline()
"""


def run(folder: Path, script: str) -> str:
    """Run a script on a data folder; what it prints."""
    return scripts.run(PREAMBLE + script, folder).stdout


def test_a_store_opened_again_is_as_it_was_left(tmp_path: Path) -> None:
    first, again = run(tmp_path / "not there yet", MAKE + LOOK), run(tmp_path / "not there yet", LOOK)
    assert first == again
    assert first.startswith(f"1 ({NEWEST}, {NEWEST}) ['audit_draws', 'consensus', 'events_1',")
    assert first.endswith(" 1\n")


def test_a_second_process_is_refused_with_a_sentence_that_names_the_folder(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PREAMBLE + HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        refused = run(tmp_path, "print(refusal())")
        holder.stdin.write("\n")
    assert refused == f"another process, most likely a running server, has {tmp_path / 'ledger'} open\n"


def test_a_store_of_a_newer_version_is_refused_and_unharmed(tmp_path: Path) -> None:
    run(tmp_path, MAKE + NEWER)
    before = contents(tmp_path)
    refused = run(tmp_path, "print(refusal())")
    assert f"schema version 9999, this Trueline knows versions up to {NEWEST}:" in refused
    assert "is left as it is" in refused
    assert contents(tmp_path) == before


def contents(folder: Path) -> dict[str, str]:
    """What stands in the catalog, in the definitions of the ledger's tables and in their parts, by file."""
    places = ("secret", "catalog.sqlite3", "ledger/**/*.sql", "ledger/store/**/*.bin", "ledger/store/**/checksums.txt")
    found = {place: [file for file in folder.glob(place) if "tmp" not in file.parent.name] for place in places}
    assert all(found.values())
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for files in found.values()
        for file in files
    }
