"""Whether a process has the embedded ledger's folder open: the engine locks a file in it."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from trueline.ledger.errors import LedgerInUseError

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOCKED: Final = "status"


def is_in_use(folder: Path) -> bool:
    """Whether another process has it open."""
    try:
        with (folder / _LOCKED).open("rb") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return not _is_open_here(stream.fileno())
    except FileNotFoundError:
        pass
    return False


def _is_open_here(descriptor: int) -> bool:
    """Whether this process has the file of a descriptor open by another one, too.

    The number of a process that stands in the file does not tell: in two containers both may be number 1.
    """
    this = os.fstat(descriptor)
    for each in Path("/proc/self/fd").iterdir():
        other = int(each.name)
        with suppress(OSError):  # closed meanwhile
            if other != descriptor and os.path.samestat(os.fstat(other), this):
                return True
    return False


@contextmanager
def kept_closed(folder: Path) -> Iterator[None]:
    """Have no process open it meanwhile.

    Raises:
        LedgerInUseError: one has it open.
    """
    try:
        descriptor = os.open(folder / _LOCKED, os.O_RDONLY)
    except FileNotFoundError:
        yield
        return
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise LedgerInUseError(f"another process, most likely a running server, has {folder} open") from error
        yield
    finally:
        os.close(descriptor)
