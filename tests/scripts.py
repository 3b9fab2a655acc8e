"""Scripts on a data folder, in processes of their own: the engine opens one a process."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

SECONDS = 180


def run(script: str, folder: Path, *, status: int = 0) -> subprocess.CompletedProcess[str]:
    """Run a script, told a folder, without settings of whoever runs the tests; it must end with this status."""
    ended = subprocess.run(
        [sys.executable, "-c", script, str(folder)],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        env={name: value for name, value in os.environ.items() if not name.startswith("TRUELINE_")},
    )
    assert ended.returncode == status, ended.stderr
    return ended
