"""What came of looking up advisories is said plainly, above all where nothing was looked up."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

AUDIT = Path(__file__).parent.parent.parent / "requirements" / "audit.py"
FINE = {"name": "a", "version": "1", "vulns": []}
FAULTY = {"name": "b", "version": "2", "vulns": [{"id": "X-1", "fix_versions": ["3"]}]}
SKIPPED = {"name": "c", "skip_reason": "not found"}


@pytest.mark.parametrize(
    ("said", "code", "told"),
    [
        ([FINE], 0, "run.txt: 1 packages looked up, 0 with known faults"),
        ([FINE, FAULTY], 1, "dev.txt: b 2: X-1, mended in 3"),
        ([FINE, SKIPPED], 2, "run.txt: NOT AUDITED: c: the index that answered does not know them"),
        ([], 2, "run.txt: NOT AUDITED: all"),
        (None, 2, "run.txt: NOT AUDITED: no answer from an index of advisories"),
    ],
)
def test_what_came_of_it_is_said_and_is_the_exit_code(
    said: list[object] | None, code: int, told: str, tmp_path: Path
) -> None:
    stand_in = tmp_path / "pip-audit"
    answer = "cannot connect" if said is None else json.dumps({"dependencies": said})
    stand_in.write_text(f"#!{sys.executable}\nprint({answer!r})\n", encoding="utf-8")
    stand_in.chmod(0o700)
    done = subprocess.run([sys.executable, AUDIT, stand_in], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == code
    assert told in done.stdout


def test_without_the_tool_nothing_is_audited() -> None:
    done = subprocess.run(
        [sys.executable, AUDIT, "/nothing/there"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert done.stdout.count("NOT AUDITED") == 2
