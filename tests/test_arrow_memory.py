"""Arrow allocates as all else does, once it is told to."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pyarrow as pa

from trueline.arrow_memory import allocate_by_system

if TYPE_CHECKING:
    from pathlib import Path

SERVED = """
import os, sys
from pathlib import Path
import pyarrow as pa
from trueline.api.server import serve
from trueline.settings import Settings

def ready(workspace, address):
    print(pa.default_memory_pool().backend_name, sys.getswitchinterval(), flush=True)
    os._exit(0)

serve(Settings(data=Path("data"), port=0), ready=ready)
"""


def test_columns_are_allocated_by_the_system() -> None:
    before = pa.default_memory_pool()
    try:
        allocate_by_system()
        assert pa.default_memory_pool().backend_name == "system"
    finally:
        pa.set_memory_pool(before)


def test_a_server_tells_it_so_and_has_threads_take_short_turns(tmp_path: Path) -> None:
    code = [sys.executable, "-c", SERVED]
    done = subprocess.run(code, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)
    assert done.stdout.splitlines()[-1:] == ["system 0.001"], done.stderr
