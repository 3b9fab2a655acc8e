"""AIT alerts: `trueline import` brings the real alerts in, and the four counts come out exactly."""

from __future__ import annotations

import csv
import io
import json
import os
import shlex
import subprocess
import sys
import zipfile
from collections import Counter
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
RECIPE = PROJECT / "docs" / "recipes" / "ait-ads.md"
MEMBER = "russellmitchell_alerts.txt"
ROWS_OF_MEMBER = 45_544
PUBLISHED = {
    "true_positives": 1_745_038,
    "false_positives": 19_543,
    "false_negatives": 72_212,
    "true_negatives": 819_028,
}
LONG = "TRUELINE_TEST_LONG"


def trueline(folder: Path, *arguments: str, seconds: float) -> str:
    """Run the command on a data folder of its own and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "trueline.cli", *arguments, "--data", str(folder / "data")],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if not name.startswith("TRUELINE_")},
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def recipe(command: str) -> list[str]:
    """The arguments of a command as the recipe has it."""
    (line,) = [line for line in RECIPE.read_text(encoding="utf-8").splitlines() if line.startswith(command)]
    return shlex.split(line)[1:]


def imported(folder: Path, file: str, *, seconds: float) -> str:
    """Import as the recipe does, but this file, and return the summary."""
    command, archive, *options = recipe("trueline import ")
    assert (command, Path(archive).name) == ("import", "alerts_csv.zip")
    place = options.index("--mapping") + 1
    options[place] = str(PROJECT / options[place])
    return trueline(folder, command, file, *options, seconds=seconds)


def attack_counts(folder: Path, *asked: str) -> dict[str, int]:
    """What the recipe's question answers, with attack as the positive."""
    body = json.loads(trueline(folder, *recipe("trueline metrics "), "--json", *asked, seconds=120))
    attack = body["metrics_per_decision"]["attack"]
    counts = {name: attack[name] for name in PUBLISHED}
    assert sum(counts.values()) == body["total_events"] == body["total_events_with_consensus"]
    return counts


def counted(rows: list[dict[str, str]]) -> dict[str, int]:
    """The four counts from the rows themselves, attack the positive."""
    cells = Counter((row["event_label"] != "-", row["time_label"] != "false_positive") for row in rows)
    return {
        "true_positives": cells[True, True],
        "false_positives": cells[False, True],
        "false_negatives": cells[True, False],
        "true_negatives": cells[False, False],
    }


def test_one_testbed_imports_with_exact_counts(shared_data: Path, tmp_path: Path) -> None:
    archive = shared_data / "ait-ads" / "alerts_csv.zip"
    with zipfile.ZipFile(archive) as opened:
        rows = list(csv.DictReader(io.StringIO(opened.read(f"alerts_csv/{MEMBER}").decode())))
    assert len(rows) == ROWS_OF_MEMBER

    summary = imported(tmp_path, f"{archive}:*/{MEMBER}", seconds=300)

    assert f"accepted {ROWS_OF_MEMBER:,}, replaced 0, rejected 0" in summary
    assert attack_counts(tmp_path) == counted(rows)
    name = Counter(row["name"] for row in rows).most_common(1)[0][0]
    of_name = [row for row in rows if row["name"] == name]
    assert 0 < len(of_name) < len(rows)
    assert attack_counts(tmp_path, "--filter", f"name is {name}") == counted(of_name)


@pytest.mark.skipif(not os.environ.get(LONG), reason=f"imports 2.7 million alerts, minutes long: set {LONG}=1")
def test_the_whole_set_gives_the_published_counts(shared_data: Path, tmp_path: Path) -> None:
    summary = imported(tmp_path, str(shared_data / "ait-ads" / "alerts_csv.zip"), seconds=3_600)

    assert f"accepted {sum(PUBLISHED.values()):,}, replaced 0, rejected 0" in summary
    assert attack_counts(tmp_path) == PUBLISHED
