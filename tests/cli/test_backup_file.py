"""The file of a backup, on filesystems of any kind."""

from __future__ import annotations

import os
import re
from pathlib import Path
from shutil import disk_usage
from typing import TYPE_CHECKING

import pytest

from test_placing import without_second_names
from trueline.cli import progress
from trueline.cli.backup_file import write_backup
from trueline.cli.backups import kept_free
from trueline.cli.sentences import Refused
from trueline.cli.trueline import BackupStream

if TYPE_CHECKING:
    from trueline.service.workspace import Workspace


@pytest.mark.parametrize("has_second_names", [True, False])
def test_it_is_there_under_its_name_alone(
    has_second_names: bool, workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not has_second_names:
        monkeypatch.setattr(os, "link", without_second_names())
    file = tmp_path / "backup.tar"
    with workspace.backups.take() as backup:
        write_backup(BackupStream(backup.size, backup.chunks()), file)
    assert list(tmp_path.iterdir()) == [file]
    assert file.stat().st_size == backup.size
    assert file.stat().st_mode & 0o777 == 0o600


def test_on_the_ledger_s_disk_it_leaves_free_what_a_server_keeps_so(workspace: Workspace, tmp_path: Path) -> None:
    settings = workspace.settings
    assert kept_free(tmp_path, settings) == settings.keep_free_bytes > 0
    assert kept_free(Path("/proc"), settings) == 0
    assert kept_free(tmp_path, settings.model_copy(update={"data": tmp_path / "missing"})) == 0
    with (
        workspace.backups.take() as backup,
        pytest.raises(Refused, match=r"no room for the backup: .* are free, and .* are kept so for the ledger"),
    ):
        # what is free grows while other tests delete: all of the disk is never free
        write_backup(BackupStream(backup.size, backup.chunks()), tmp_path / "b.tar", disk_usage(tmp_path).total)
    assert list(tmp_path.iterdir()) == []


def test_how_far_it_has_come_is_said_line_by_line_where_there_is_no_terminal(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "_SECONDS_BETWEEN_LINES_OF_COPYING", 0.0)
    with workspace.backups.take() as backup:
        pieces = (chunk[at : at + 10_000] for chunk in backup.chunks() for at in range(0, len(chunk), 10_000))
        write_backup(BackupStream(backup.size, pieces), tmp_path / "backup.tar")
    said = capsys.readouterr().err.splitlines()
    of_each = re.compile(r"(backing up|checking): (\d+) %, [\d,]+ MB, [\d,]+ MB/s(, [\d,]+ s left)?")
    come = [(found[1], int(found[2])) for found in map(of_each.fullmatch, said) if found is not None]
    assert len(come) == len(said)
    written, checked = ([share for each, share in come if each == what] for what in ("backing up", "checking"))
    assert written == sorted(written)
    assert len(set(written)) > 2
    assert written[-1] == 100
    assert checked == sorted(checked) != []
