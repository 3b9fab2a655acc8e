"""The folder of an embedded store: who has it open, what is in it, and how much room is left beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trueline.ledger.in_use import is_in_use
from trueline.ledger.room import Room
from trueline.ledger.seal import Seal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_open_here: set[Path] = set()
_FORMAT = b"1"
"""Of the folders of tables, as the engine writes it into each."""


class StoreFiles:
    """The files of an embedded store that is about to be opened, and is then open, in this process."""

    def __init__(self, folder: Path, keep_free_bytes: int, known_version: int) -> None:
        self.folder = folder
        self._known_version = known_version
        self.room = Room(folder, keep_free_bytes)
        self.seal = Seal(folder)
        self._is_first = folder not in _open_here
        """The engine opens one folder a process, as often as one likes; who opens it first keeps its seal."""

    def open(self) -> None:
        """Look whether the store can be opened.

        Raises:
            LedgerFullError: there is not the room that is to be kept free.
            LedgerTooNewError: the store has a schema of a later version.
            LedgerDamagedError: a file is not what was written.
        """
        self.room.check()
        if self._is_first and not is_in_use(self.folder):  # who has it open is told later, by the engine
            self.seal.open(self._known_version)

    def check_parts(self) -> None:
        """Look whether the engine has put parts aside when it opened.

        Raises:
            LedgerDamagedError: it has, and goes on without them.
        """
        if self._is_first:
            self.seal.check_opened()

    @property
    def unsealed(self) -> frozenset[str]:
        """The folders of parts that are in no seal, as a process was killed that wrote them, by their paths in it."""
        return self.seal.unsealed

    def unopened(self) -> Path:
        """What is most likely to blame where the engine does not open the store, of which it says nothing."""
        versions = sorted((self.folder / "store").glob("*/*/format_version.txt"))
        return next((file for file in versions if file.read_bytes() != _FORMAT), self.folder)

    def keep(self, stop_merging: Callable[[], None], start_merging: Callable[[], None]) -> None:
        """The store is open from now on."""
        self.room.watch(stop_merging, start_merging)
        if self._is_first:
            _open_here.add(self.folder)
            self.seal.keep()

    def close(self) -> None:
        """The engine has let go of the store."""
        if self._is_first:
            _open_here.discard(self.folder)
            self.seal.close()
