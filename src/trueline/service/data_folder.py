"""The folder that all stores of one server lie in."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trueline.settings import Settings


def make_data_folder(settings: Settings) -> None:
    """Make the data folder, for its owner only, where there is none; one that is there stays as open as it is."""
    settings.data.parent.mkdir(parents=True, exist_ok=True)
    settings.data.mkdir(mode=0o700, exist_ok=True)
