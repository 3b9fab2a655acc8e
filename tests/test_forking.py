"""A command that is forked is as one that is begun anew."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from cli.terminal import Terminal
from forking import Asked, Forking, run
from processes import Anew, Process

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from processes import Ended


def begun_anew(terminal: Terminal, *arguments: str, **settings: str) -> Ended:
    return Anew().run(list(arguments), terminal.folder, terminal.environment(**settings), 120)


@pytest.mark.parametrize(
    ("arguments", "settings", "code"),
    [
        (["version"], {}, 0),
        (["jobs", "list", "--json"], {}, 0),
        (["jobs", "list"], {"TRUELINE_PORT": "none"}, 2),
        (["jobs", "sell"], {}, 2),
        (["metrics", "none"], {}, 1),
        (["keys", "list"], {}, 0),
        (["restore", "none.tar", "--data", "again"], {}, 1),
        (["import", "ünknown.csv", "--job", "j"], {}, 2),
    ],
)
def test_it_prints_and_ends_alike(arguments: list[str], settings: dict[str, str], code: int, tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    ended = terminal.run(*arguments, **settings)
    assert ended.code == code
    assert ended == begun_anew(terminal, *arguments, **settings)


@pytest.mark.parametrize(
    ("script", "code"),
    [
        ("import os, sys; print(sys.argv, os.getcwd(), os.environ['SET'], __name__)", 0),
        ("raise SystemExit(7)", 7),
        ("import os; os.kill(os.getpid(), 9)", -9),
        ("raise ValueError('no')", 1),
    ],
)
def test_so_does_a_script(script: str, code: int, tmp_path: Path) -> None:
    environment = {**os.environ, "SET": "ü"}
    anew = subprocess.run(
        [sys.executable, "-c", script, "given"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    ended = run(Asked(["given"], str(tmp_path), environment, script), 60)
    assert ended[:2] == (code, anew.stdout) == (anew.returncode, anew.stdout)
    assert ended[2].splitlines()[-1:] == anew.stderr.splitlines()[-1:]


def test_one_that_takes_longer_than_it_may_is_ended(tmp_path: Path) -> None:
    script = "import time; print('begun', flush=True); time.sleep(600)"
    script = f"import os; open('number', 'w').write(str(os.getpid())); {script}"
    with pytest.raises(subprocess.TimeoutExpired):
        run(Asked([], str(tmp_path), dict(os.environ), script), 10)
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "number").read_text()), 0)


def test_what_a_command_leaves_running_is_waited_for(tmp_path: Path) -> None:
    script = "import os, time\nif os.fork() == 0: time.sleep(0.3); print('late', flush=True)"
    assert run(Asked([], str(tmp_path), dict(os.environ), script), 60) == (0, "late\n", "")


def test_it_finds_the_modules_that_one_begun_anew_does(tmp_path: Path) -> None:
    ended = run(Asked([], str(tmp_path), dict(os.environ), "import trueline.cli, oracle"), 60)
    assert "No module named 'oracle'" in ended.err


@pytest.fixture(params=[Anew, Forking])
def process(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Process]:
    """A server that has begun, either way, and is ended at the latest when the test is."""
    environment = Terminal(tmp_path).environment()
    with (tmp_path / "log").open("wb") as log:
        begun = request.param().begin(["serve", "--port", "0"], tmp_path, environment, log)
    assert begun.stdout is not None
    with begun.stdout as said:
        try:
            assert said.readline().startswith("Trueline listens on")
            yield begun
        finally:
            begun.kill()
            begun.wait(60)


@pytest.mark.parametrize(("sig", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 0), (signal.SIGKILL, -signal.SIGKILL)])
def test_a_server_is_waited_for_and_ends_at_a_signal(process: Process, sig: int, code: int) -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.1)
    process.send_signal(sig)
    assert process.wait(60) == code
    process.kill()  # it has ended: nobody is hit
    assert process.wait(0) == code
