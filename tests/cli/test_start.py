"""A command begins quickly: it loads what it needs, and nothing of what others do."""

from __future__ import annotations

import itertools
import re
import subprocess
import sys
from pathlib import Path

import pytest

from processes import served

ARENA = 64 * 1024 * 1024

OTHERWISE = """
import sys
from pathlib import Path
from trueline.api.server import serve
from trueline.settings import Settings
serve(Settings(data=Path(sys.argv[1]), port=0))
"""

HEAVY = {"chdb", "clickhouse_connect", "pyarrow", "numpy", "scipy", "sqlalchemy", "alembic", "fastapi", "uvicorn"}


def loaded_by(statement: str) -> set[str]:
    ended = subprocess.run(
        [sys.executable, "-c", f"{statement}\nimport sys\nprint(*sys.modules)"],
        check=True,
        capture_output=True,
        text=True,
    )
    return set(ended.stdout.split())


def test_no_command_loads_an_engine_or_a_framework_before_it_is_run() -> None:
    loaded = loaded_by("import trueline.cli")
    assert "typer" in loaded
    assert not HEAVY & loaded


def test_neither_does_working_through_a_server() -> None:
    loaded = loaded_by("import httpx\nfrom trueline.cli.remote import RemoteTrueline\nRemoteTrueline(httpx.Client())")
    assert not HEAVY & loaded


def test_a_data_folder_loads_no_special_functions_and_nothing_to_migrate_with(tmp_path: Path) -> None:
    opening = (
        "from pathlib import Path\nimport trueline.cli.jobs\nfrom trueline.cli.connection import opened, settings_for\n"
        f"with opened(settings_for(Path({str(tmp_path / 'data')!r}))) as workspace: workspace.jobs.all()"
    )
    assert "alembic" in loaded_by(opening)  # which makes it
    loaded = loaded_by(opening)
    assert {"scipy", "chdb", "sqlalchemy"} <= loaded
    assert not {"scipy.special", "alembic"} & loaded


def arenas(process: int) -> list[int]:
    """Where those of a process begin, but for the first: each has a reserve of 64 MiB, and uses a part of it."""
    maps = Path(f"/proc/{process}/maps").read_text(encoding="utf-8")
    areas = [
        (int(begin, 16), int(end, 16), allowed)
        for begin, end, allowed in re.findall(r"^(\w+)-(\w+) (\S+)", maps, re.MULTILINE)
    ]
    return [
        begin
        for (begin, used_to, used), (reserved_from, end, reserved) in itertools.pairwise(areas)
        if begin % ARENA == 0
        and (used_to, end) == (reserved_from, begin + ARENA)
        and (used, reserved) == ("rw-p", "---p")
    ]


@pytest.mark.parametrize("command", ["serve", "demo", "forked"])
def test_threads_of_a_server_allocate_from_one_arena(tmp_path: Path, command: str) -> None:
    arguments = [sys.executable, "-m", "trueline.cli", command, "--data", str(tmp_path / "data"), "--port", "0"]
    # a forked one has those of the process that it was forked from, too: gates measure its memory
    with served(tmp_path / "data", command=None if command == "forked" else arguments) as (_, process):
        assert arenas(process) == []


def test_otherwise_they_have_several(tmp_path: Path) -> None:
    arguments = [sys.executable, "-c", OTHERWISE, str(tmp_path / "data")]
    with served(tmp_path / "data", command=arguments) as (_, process):
        assert arenas(process)
