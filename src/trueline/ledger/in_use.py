"""Whether a process has the embedded ledger's folder open: the engine locks a file in it."""

from __future__ import annotations

import fcntl
import os
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from trueline.ledger.errors import LedgerInUseError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_LOCKED: Final = "status"


def is_in_use(folder: Path) -> bool:
    """Whether another process has it open."""
    try:
        with (folder / _LOCKED).open("rb") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                holder = re.search(rb"PID: ([0-9]+)", stream.read())
                return holder is None or int(holder[1]) != os.getpid()
    except FileNotFoundError:
        pass
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
