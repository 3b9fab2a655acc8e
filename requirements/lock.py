"""Writes the lock files: versions and hashes for every platform, no index address."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
PROJECT = HERE.parent / "pyproject.toml"
RUN, DEV, CLIENTS, AUDIT = HERE / "run.txt", HERE / "dev.txt", HERE / "clients.txt", HERE / "audit.txt"
COMPILE = [
    *(sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11"),
    *("--generate-hashes", "--no-header", "--no-annotate", "--upgrade"),
]


def main() -> None:
    """Lock what runs, then what tests and checks need beside it, then what needs nothing of ours."""
    for arguments in (
        [str(PROJECT), "--extra", "build", "--output-file", str(RUN)],
        [str(PROJECT), "--extra", "build", "--extra", "dev", "--constraint", str(RUN), "--output-file", str(DEV)],
        ["--group", f"{PROJECT}:clients", "--output-file", str(CLIENTS)],
        ["--group", f"{PROJECT}:audit", "--output-file", str(AUDIT)],
    ):
        subprocess.run([*COMPILE, *arguments], check=True)  # noqa: S603 - the arguments are ours


if __name__ == "__main__":
    main()
