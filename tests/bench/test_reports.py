"""The benchmark of reports, on a small stream: that it asks every question and says what it took."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

BENCH = Path(__file__).parent.parent.parent / "bench"


def test_each_question_is_timed() -> None:
    ended = subprocess.run(
        [sys.executable, str(BENCH / "reports.py"), "--rows", "2000", "--runs", "1"],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    rows = [line.split("|")[1:-1] for line in ended.stdout.splitlines() if line.startswith("| ")][2:]
    assert [row[0].strip() for row in rows][:2] == ["all time", "one day"]
    assert len(rows) == 12
    for _, metrics, report, bound in rows:
        assert float(metrics) > 0
        assert float(report) > 0
        assert float(bound.split()[0]) > 50
