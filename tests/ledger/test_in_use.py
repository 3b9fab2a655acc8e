"""Whether a folder is open is asked of the lock that the engine holds."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from trueline.ledger.errors import LedgerInUseError
from trueline.ledger.in_use import is_in_use, kept_closed

if TYPE_CHECKING:
    from pathlib import Path

    from trueline.service.workspace import Workspace

HOLD = """
import fcntl, sys
stream = open(sys.argv[1] + "/status", "w+")
stream.write(f"PID: {sys.argv[2]}\\n")
stream.flush()
fcntl.flock(stream, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.readline()
"""


def test_a_folder_that_was_never_open_is_free(tmp_path: Path) -> None:
    assert not is_in_use(tmp_path)
    with kept_closed(tmp_path):
        pass


def test_a_folder_that_another_process_has_open(tmp_path: Path) -> None:
    with subprocess.Popen(
        # the number of this process, as one in another container may have it
        [sys.executable, "-c", HOLD, str(tmp_path), str(os.getpid())],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        assert is_in_use(tmp_path)
        with pytest.raises(LedgerInUseError, match=r"has .* open"), kept_closed(tmp_path):
            pytest.fail("it was open")
        holder.stdin.write("\n")
    assert not is_in_use(tmp_path)
    with kept_closed(tmp_path):
        pass


def test_the_engine_still_locks_the_file_that_is_asked_for(workspace: Workspace) -> None:
    folder = workspace.settings.data / "ledger"
    with pytest.raises(LedgerInUseError), kept_closed(folder):
        pytest.fail("it is open")
    assert not is_in_use(folder)  # not by another process
