"""The folder of an embedded store: who has it open, what is in it, and how much room is left beside it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from trueline.ledger.errors import LedgerDamagedError
from trueline.ledger.in_use import is_in_use
from trueline.ledger.room import Room
from trueline.ledger.seal import Seal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

_PART: Final = re.compile(r"[^_]+_(?P<first>[0-9]+)_(?P<last>[0-9]+)_(?P<level>[0-9]+)(?:_[0-9]+)?")
_open_here: set[Path] = set()


class StoreFiles:
    """The files of an embedded store that is about to be opened, and is then open, in this process."""

    def __init__(self, folder: Path, keep_free_bytes: int) -> None:
        self.folder = folder
        self.room = Room(folder, keep_free_bytes)
        self.seal = Seal(folder)
        self._parts: list[Path] = []
        self._is_first = folder not in _open_here
        """The engine opens one folder a process, as often as one likes; who opens it first keeps its seal."""

    def open(self) -> None:
        """Look whether the store can be opened.

        Raises:
            LedgerFullError: there is not the room that is to be kept free.
            LedgerDamagedError: a file is not what was written.
        """
        self.room.check()
        if self._is_first and not is_in_use(self.folder):  # who has it open is told later, by the engine
            self._parts = [part for part in (self.folder / "store").glob("*/*/*") if _PART.fullmatch(part.name)]
            self.seal.open()

    def check_parts(self, active: Iterable[str]) -> None:
        """Hold the parts that the engine has loaded against those that there were.

        Raises:
            LedgerDamagedError: it put one aside and goes on without it.
        """
        loaded: dict[str, list[tuple[int, int]]] = {}
        for path in active:
            table, _, name = path.rstrip("/").rpartition("/")
            if (found := _PART.fullmatch(name)) is not None:
                loaded.setdefault(table, []).append((int(found["first"]), int(found["last"])))
        for part in self._parts:
            found = _PART.fullmatch(part.name)
            if found is None or str(part.parent) not in loaded:
                continue
            first, last = int(found["first"]), int(found["last"])
            if not any(begin <= first and last <= end for begin, end in loaded[str(part.parent)]):
                raise LedgerDamagedError(str(part), "the engine does not load it")

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
