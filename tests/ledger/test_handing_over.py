"""Rows on their way into the engine."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from trueline.ledger.errors import LedgerBusyError, LedgerFullError
from trueline.ledger.handing_over import handed_over

if TYPE_CHECKING:
    from trueline.ledger.engine import Engine

ROWS = pa.table({"n": pa.array([1, 2], pa.uint64()), "text": ["known here alone", None]})
KILLED = """
import os, signal, sys
from pathlib import Path
import pyarrow as pa
from trueline.ledger.handing_over import handed_over
with handed_over(pa.table({"text": ["known here alone"]}), Path(sys.argv[1])):
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("disk", [True, False], ids=["disk", "memory"])
def test_they_are_read_by_the_path_and_have_no_name(tmp_path: Path, *, disk: bool) -> None:
    with handed_over(ROWS, tmp_path if disk else None) as path:
        assert pa.ipc.open_file(path).read_all() == ROWS
        assert pa.ipc.open_file(path).read_all() == ROWS
        assert list(tmp_path.iterdir()) == []
    assert not Path(path).exists()


def test_nothing_of_them_is_left_by_a_process_that_is_killed(tmp_path: Path) -> None:
    ended = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], timeout=60, check=False)
    assert ended.returncode < 0
    assert list(tmp_path.iterdir()) == []


def test_the_engine_takes_them_where_there_is_no_folder_for_temporary_files(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    engine.command("CREATE TABLE taken (n UInt64, text Nullable(String)) ENGINE = MergeTree ORDER BY n")
    try:
        engine.insert("taken", ROWS)
        assert engine.table("SELECT n, text FROM taken ORDER BY n")["text"].to_pylist() == ["known here alone", None]
    finally:
        engine.command("DROP TABLE taken")
    engine.put_in_memory("wanted_keys", pa.table({"key": pa.array([7, 8], pa.uint64())}))
    assert engine.rows("SELECT key FROM wanted_keys ORDER BY key") == [(7,), (8,)]


@pytest.mark.parametrize("count", [1, 1_000_000], ids=["when it is flushed", "when it is written"])
def test_a_disk_without_room_for_them_is_full(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, count: int) -> None:
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: Path("/dev/full").open("wb"))  # noqa: SIM115
    with pytest.raises(LedgerFullError), handed_over(pa.table({"n": range(count)}), tmp_path):
        pytest.fail("there was room")


def test_memory_without_room_is_no_full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.memfd_create", lambda _: os.open("/dev/full", os.O_WRONLY))
    with pytest.raises(LedgerBusyError, match="short of memory"), handed_over(ROWS, None):
        pytest.fail("there was room")


def test_a_system_short_of_open_files_is_busy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse(**_: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    with pytest.raises(LedgerBusyError, match="open files"), handed_over(ROWS, tmp_path):
        pytest.fail("there was one")
