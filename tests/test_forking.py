"""A command that is forked is as one that is begun anew."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from cli.terminal import Terminal
from forking import Asked, run
from processes import Ended

if TYPE_CHECKING:
    from pathlib import Path


def begun_anew(terminal: Terminal, *arguments: str, **settings: str) -> Ended:
    ended = subprocess.run(
        [sys.executable, "-m", "trueline.cli", *arguments],
        cwd=terminal.folder,
        env=terminal.environment(**settings),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return Ended(ended.returncode, ended.stdout, ended.stderr)


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
    with pytest.raises(subprocess.TimeoutExpired):
        run(Asked([], str(tmp_path), dict(os.environ), script), 1)


def test_what_a_command_leaves_running_is_waited_for(tmp_path: Path) -> None:
    script = "import os, time\nif os.fork() == 0: time.sleep(0.3); print('late', flush=True)"
    assert run(Asked([], str(tmp_path), dict(os.environ), script), 60) == (0, "late\n", "")
