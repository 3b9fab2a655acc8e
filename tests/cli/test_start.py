"""A command begins quickly: it loads what it needs, and nothing of what others do."""

from __future__ import annotations

import subprocess
import sys

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


def test_special_functions_are_not_loaded_with_a_data_folder() -> None:
    loaded = loaded_by("import trueline.service.workspace")
    assert "scipy" in loaded
    assert "scipy.special" not in loaded
