"""A command that is forked is as one that is begun anew."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING

import pytest

from cli.forking import begin
from cli.terminal import Ended, Terminal

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
        (["import", "ünknown.csv", "--job", "j"], {}, 2),
    ],
)
def test_it_prints_and_ends_alike(arguments: list[str], settings: dict[str, str], code: int, tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    ended = terminal.run(*arguments, **settings)
    assert ended.code == code
    assert ended == begun_anew(terminal, *arguments, **settings)


def test_one_that_takes_longer_than_it_may_is_ended(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        begun = begin(["serve", "--port", "0"], tmp_path, terminal.environment(), out, err)
        with pytest.raises(TimeoutError):
            begun.wait(0.5)
    assert terminal.run("jobs", "list").code == 0  # nobody has its folder open any more
