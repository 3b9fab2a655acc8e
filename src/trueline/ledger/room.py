"""Room on the disk of an embedded store, some of which is kept free.

The engine does not notice that a file of a merge or an insert finds no room: it goes on, and puts an empty part in the
place of full ones. So it may never come that far. While less is free than is kept, nothing is written and nothing
merged; what is kept has to be more than is written beside Trueline before merging has stopped.
"""

from __future__ import annotations

import contextlib
import os
import threading
from typing import TYPE_CHECKING, Final

import structlog

from trueline.ledger.errors import LedgerError, LedgerFullError, LedgerFullOfFilesError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_MOST_FILES_KEPT: Final = 10_000
"""Files are kept free, too: what is merged has a few for each column, and there are thousands of paths."""

_SHARE_OF_FILES: Final = 10
"""Of a disk that takes few, no more than a tenth of them."""

_LOOK_EVERY: Final = 0.02
"""Seconds. 256 MiB are not written in that time, and in as long again as stopping takes."""

_LOOK_AGAIN: Final = 1.0
"""Seconds after a look that failed, of which each is logged."""

_ENOUGH_AGAIN: Final = 1.25
"""Times of what is kept, so that merging does not start and stop with each of them."""


_log = structlog.get_logger("trueline.ledger")


class Room:
    """What is free on the disk of a folder, and whether that is enough."""

    def __init__(self, folder: Path, kept_free: int) -> None:
        self._folder = folder
        self._kept_free = kept_free
        self._taken = 0
        """Bytes that are being written, and may or may not be on the disk yet."""
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._watcher: threading.Thread | None = None

    def check(self, size: int = 0) -> None:
        """Pass where there is room to write so many bytes, beside what others are writing.

        Raises:
            LedgerFullError: there would be less than is kept free.
        """
        disk = os.statvfs(self._folder)
        free = _free_bytes(disk)
        if free - self._taken - size < self._kept_free:
            raise LedgerFullError(free, self._kept_free)
        if disk.f_favail < _kept_files(disk):
            raise LedgerFullOfFilesError(disk.f_favail, _kept_files(disk))

    @contextlib.contextmanager
    def taken(self, size: int) -> Iterator[None]:
        """While so many bytes are written, others find room beside them only.

        Raises:
            LedgerFullError: there would be less than is kept free.
        """
        with self._lock:
            self.check(size)
            self._taken += size
        try:
            yield
        finally:
            with self._lock:
                self._taken -= size

    def watch(self, stop_merging: Callable[[], None], start_merging: Callable[[], None]) -> None:
        """From now on, have merging stopped while there is no room for it."""
        self._watcher = threading.Thread(
            target=self._look, args=(stop_merging, start_merging), name="room on the disk", daemon=True
        )
        self._watcher.start()

    def close(self) -> None:
        """Look no more."""
        self._ended.set()
        if self._watcher is not None:
            self._watcher.join()

    def _look(self, stop_merging: Callable[[], None], start_merging: Callable[[], None]) -> None:
        stopped = False
        pause = _LOOK_EVERY
        while not self._ended.wait(pause):
            pause = _LOOK_EVERY
            try:
                enough = self._is_enough(_ENOUGH_AGAIN if stopped else 1)
                if not stopped and not enough:
                    stop_merging()
                    stopped = True
                elif stopped and enough:
                    start_merging()
                    stopped = False
            except (OSError, LedgerError):  # tried again: merging may neither go on without room nor stay off for good
                _log.exception("merging could not be stopped or started")
                pause = _LOOK_AGAIN

    def _is_enough(self, times: float) -> bool:
        """Whether so many times what is kept is free."""
        disk = os.statvfs(self._folder)
        return _free_bytes(disk) >= self._kept_free * times and disk.f_favail >= _kept_files(disk) * times


def _free_bytes(disk: os.statvfs_result) -> int:
    return disk.f_bavail * disk.f_frsize


def _kept_files(disk: os.statvfs_result) -> int:
    """How many files have to be free; none where a disk makes room for them as it goes, which tells of none."""
    return min(_MOST_FILES_KEPT, disk.f_files // _SHARE_OF_FILES)
