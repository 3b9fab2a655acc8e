"""The data folder is its owner's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trueline.service.data_folder import make_data_folder
from trueline.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path


def test_a_data_folder_is_made_for_its_owner_only(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "some" / "where" / "data")
    make_data_folder(settings)
    assert settings.data.stat().st_mode & 0o777 == 0o700
    make_data_folder(settings)


def test_one_that_is_there_stays_as_open_as_it_is(tmp_path: Path) -> None:
    tmp_path.chmod(0o750)
    make_data_folder(Settings(data=tmp_path))
    assert tmp_path.stat().st_mode & 0o777 == 0o750
