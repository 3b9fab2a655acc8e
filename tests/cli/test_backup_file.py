"""The file of a backup, on filesystems of any kind."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from test_placing import without_second_names
from trueline.cli.backup_file import write_backup
from trueline.cli.trueline import BackupStream

if TYPE_CHECKING:
    from pathlib import Path

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
