"""Scripts on a data folder, in processes of their own: the engine opens one a process."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import forking

SECONDS = 180


class Printed(NamedTuple):
    """What a script printed."""

    stdout: str
    stderr: str


def run(script: str, folder: Path, *, status: int = 0) -> Printed:
    """Run a script, told a folder, without settings of whoever runs the tests; gives what it printed.

    It must end with this status.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TRUELINE_")}
    code, out, err = forking.run(forking.Asked([str(folder)], str(Path.cwd()), environment, script), SECONDS)
    assert code == status, err
    return Printed(out, err)
