"""``trueline import`` on a data folder, from files to metrics."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import threading
import time
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cli.terminal import SECONDS
from trueline.importers.run import WORTH_A_PROCESS

if TYPE_CHECKING:
    from cli.terminal import Terminal

ALERTS = """time,name,time_label,event_label
1735689600,scan,false_positive,-
1735689601,login,brute_force,brute_force
1735689602,scan,false_positive,exfiltration
1735689603,login,scan,-
"""

MAPPING = """format = "csv"
time = "time"
time_unit = "s"
decision = "time_label"
decision_map = { false_positive = "benign", "*" = "attack" }
truth = "event_label"
truth_map = { "-" = "benign", "*" = "attack" }
[job]
labels = ["benign", "attack"]
"""

IMPORT = ("import", "alerts.csv", "--job", "alerts", "--create", "--mapping", "m.toml")


def metrics(terminal: Terminal, *arguments: str) -> dict[str, Any]:
    ended = terminal.run("metrics", *arguments, "--json")
    assert ended.code == 0, ended.err
    found: dict[str, Any] = json.loads(ended.out)
    return found


def test_importing_again_changes_nothing(terminal: Terminal) -> None:
    terminal.write("alerts.csv", ALERTS)
    terminal.write("m.toml", MAPPING)
    first = terminal.run(*IMPORT)
    assert (first.code, first.err) == (0, "")
    assert first.out.startswith("rows read 4, accepted 4, replaced 0, rejected 0; ")
    before = metrics(terminal, "alerts")
    assert before["confusion_matrix"] == [[1, 1], [1, 1]]
    assert before["total_events_with_consensus"] == 4
    assert (before["start_time"], before["end_time"]) == ("2025-01-01T00:00:00Z", "2025-01-01T00:00:03Z")

    again = terminal.run(*IMPORT)
    assert again.out.startswith("rows read 4, accepted 4, replaced 4, rejected 0; ")
    assert metrics(terminal, "alerts") == before
    assert metrics(terminal, "1", "--filter", "name is scan")["confusion_matrix"] == [[1, 0], [1, 0]]


def test_rejected_rows(terminal: Terminal) -> None:
    rows = "1735689604,short\n1735689605,a,b,c,d\nyesterday,a,false_positive,-\n,a,false_positive,-\n" + "x\n" * 3
    terminal.write("alerts.csv", ALERTS + rows)
    terminal.write("m.toml", MAPPING)
    ended = terminal.run(*IMPORT)
    assert ended.code == 1
    assert ended.out.startswith("rows read 11, accepted 4, replaced 0, rejected 7; ")
    assert ended.err.splitlines() == [
        "alerts.csv, line 6: 2 cells where the header has 4",
        "alerts.csv, line 7: 5 cells where the header has 4",
        "alerts.csv, line 8: time 'yesterday' is no number",
        "alerts.csv, line 9: no time in column 'time'",
        "alerts.csv, line 10: 1 cells where the header has 4",
        "and 2 more; all rejected rows are in alerts.csv.rejected.ndjson",
    ]
    written = (terminal.folder / "alerts.csv.rejected.ndjson").read_text().splitlines()
    assert len(written) == 7
    assert json.loads(written[2]) == {
        "file": "alerts.csv",
        "line": 8,
        "error": "time 'yesterday' is no number",
        "row": ["yesterday", "a", "false_positive", "-"],
    }


def test_the_job_refuses_what_the_mapping_let_through(terminal: Terminal) -> None:
    terminal.write("a.ndjson", '{"id": 1, "verdict": "benign"}\n{"id": 2, "verdict": "odd"}\n')
    ended = terminal.run(
        "import", "a.ndjson", "--job", "j", "--create", "--labels", "benign,attack", "--id", "id",
        "--decision", "verdict", "--rejected", "refused.ndjson",
    )  # fmt: skip
    assert ended.code == 1
    (refused,) = (terminal.folder / "refused.ndjson").read_text().splitlines()
    assert json.loads(refused)["line"] == 2
    assert json.loads(refused)["row"]["event_id"] == "2"
    assert "odd" in json.loads(refused)["error"]


def test_all_formats_at_once(terminal: Terminal) -> None:
    (terminal.folder / "a.csv.gz").write_bytes(gzip.compress(b"verdict\nbenign\n"))
    with zipfile.ZipFile(terminal.folder / "b.zip", "w") as archive:
        archive.writestr("in/one.tsv", "verdict\tx\nattack\t1\n")
        archive.writestr("in/two.jsonl", '{"verdict": "attack"}\n')
        archive.writestr("out.csv", "verdict\nbenign\n")
    ended = terminal.run(
        "import", "a.csv.gz", "b.zip:in/*", "--job", "j", "--create", "--labels", "benign,attack",
        "--decision", "verdict",
    )  # fmt: skip
    assert (ended.code, ended.err) == (0, "")
    assert metrics(terminal, "j")["confusion_matrix"] == [[1, 0], [0, 2]]


def test_lines_in_bulk_form(terminal: Terminal) -> None:
    line = {
        "event_id": "a",
        "raw_body": {"n": 1},
        "decision": {"label": "benign", "decided_at": "2025-01-01T00:00:00Z"},
        "votes": [{"analyst": "ana", "label": "attack", "at": "2025-01-01T00:00:00Z"}],
    }
    terminal.write("bulk.txt", json.dumps(line) + "\n\n{}\n")
    ended = terminal.run("import", "bulk.txt", "--bulk", "--job", "j", "--create", "--labels", "benign,attack")
    assert ended.code == 1
    assert "bulk.txt, line 3:" in ended.err
    assert metrics(terminal, "j")["confusion_matrix"] == [[0, 0], [1, 0]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nothing.csv", "--job", "j"), "nothing.csv is not there"),
        (("a.csv", "--job", "j"), "there is no job 'j': give --create with --labels to make it"),
        (("a.csv", "--job", "j", "--create"), "--create needs the labels"),
        (("a.csv", "--job", "j", "--create", "--labels", "one"), "at least two labels"),
        (("a.csv", "--job", "j", "--confidence", "c"), "confidence is given but no column for decision"),
        (("a.csv", "--job", "j", "--time-unit", "h"), "Invalid enum value 'h'"),
        (("a.csv", "--job", "j", "--create", "--labels", "a,b", "--time", "tme"), "did you mean 'time'?"),
        (("a.csv", "--job", "j", "--rejected", "a.csv"), "would replace a.csv"),
        (("a.csv", "--job", "j", "--server", "http://127.0.0.1:1"), "a server needs a key"),
        (("a.csv",), "--job"),
    ],
)
def test_wrong_usage(terminal: Terminal, arguments: tuple[str, ...], message: str) -> None:
    terminal.write("a.csv", "time\n1\n")
    ended = terminal.run("import", *arguments)
    assert ended.code == 2
    assert message in ended.err
    assert "Traceback" not in ended.err


def test_a_file_that_breaks_off(terminal: Terminal) -> None:
    (terminal.folder / "a.csv.gz").write_bytes(gzip.compress(b"time\n" * 1000)[:-10])
    ended = terminal.run("import", "a.csv.gz", "--job", "j", "--create", "--labels", "a,b")
    assert ended.code == 1
    assert ended.err.startswith("trueline: a.csv.gz cannot be read: ")


def test_a_large_file_is_read_in_another_process_with_the_same_outcome(terminal: Terminal) -> None:
    rows = [f"{number},{'xyz'[number % 3]}{'-' * 250},{'ab'[number % 7 % 2]}" for number in range(40_000)]
    rows[39_000] = "one cell"
    rows[17] = "17,x,neither"
    text = "\n".join(["n,name,verdict", *rows]).encode()
    assert len(text) > WORTH_A_PROCESS > len(gzip.compress(text))
    (terminal.folder / "large.csv").write_bytes(text)
    (terminal.folder / "small.csv.gz").write_bytes(gzip.compress(text))
    told = []
    for name, job in (("large.csv", "apart"), ("small.csv.gz", "here")):
        ended = terminal.run("import", name, "--job", job, "--create", "--labels", "a,b", "--decision", "verdict")
        assert ended.out.startswith("rows read 40,000, accepted 39,998, replaced 0, rejected 2; "), ended.err
        refused = [json.loads(line) for line in (terminal.folder / f"{name}.rejected.ndjson").read_text().splitlines()]
        assert [each["line"] for each in refused] == [19, 39_002]
        told.append((metrics(terminal, job)["confusion_matrix"], [each["error"] for each in refused]))
    assert told[0] == told[1]


def test_ctrl_c_ends_both_processes(terminal: Terminal) -> None:
    terminal.write("large.csv", "n,name\n" + f"1,{'-' * 2000}\n" * 50_000)
    # a suite that was started in the background ignores Ctrl-C, and so would what it starts
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    with subprocess.Popen(
        [sys.executable, "-m", "trueline.cli", "import", "large.csv", "--job", "j", "--create", "--labels", "a,b"],
        cwd=terminal.folder,
        env=terminal.environment(),
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as importing:
        signal.signal(signal.SIGINT, before)
        watchdog = threading.Timer(SECONDS, os.killpg, (importing.pid, signal.SIGKILL))
        watchdog.start()
        try:
            while not Path(f"/proc/{importing.pid}/task/{importing.pid}/children").read_text().split()[1:]:
                time.sleep(0.01)  # until the process that reads is there, beside the one that tracks its resources
            os.killpg(importing.pid, signal.SIGINT)
            _, err = importing.communicate()
        finally:
            watchdog.cancel()
    sentence = "trueline: interrupted; what was stored stays, importing again takes the rest\n"
    assert (importing.returncode, err) == (130, sentence)
    deadline = time.monotonic() + 10
    while _lives(importing.pid) and time.monotonic() < deadline:
        time.sleep(0.01)  # what tracks resources ends a moment after what it served
    assert not _lives(importing.pid)


def _lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def test_the_example_mapping_on_the_real_data(terminal: Terminal, shared_data: Path) -> None:
    archive = shared_data / "ait-ads" / "alerts_csv.zip"
    if not archive.exists():
        pytest.skip("the AIT Alert Data Set is not there")
    example = Path(__file__).parents[2] / "examples" / "ait-ads.toml"
    ended = terminal.run(
        "import", f"{archive}:*/russellmitchell_alerts.txt", "--job", "ait-ads", "--create", "--mapping", str(example)
    )
    assert ended.out.startswith("rows read 45,544, accepted 45,544, replaced 0, rejected 0; ")
    assert metrics(terminal, "ait-ads", "--truth", "explicit")["confusion_matrix"] == [[33525, 1057], [4, 10958]]
