"""Writes the lock files: versions and hashes for every platform, no index address."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
RUN, DEV = HERE / "run.txt", HERE / "dev.txt"
COMPILE = [
    *(sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11"),
    *("--generate-hashes", "--no-header", "--no-annotate", "--upgrade", str(HERE.parent / "pyproject.toml")),
]


def main() -> None:
    """Lock what runs, then what tests and checks need beside it."""
    for arguments in (
        ["--extra", "build", "--output-file", str(RUN)],
        ["--extra", "build", "--extra", "dev", "--constraint", str(RUN), "--output-file", str(DEV)],
    ):
        subprocess.run([*COMPILE, *arguments], check=True)  # noqa: S603 - the arguments are ours


if __name__ == "__main__":
    main()
