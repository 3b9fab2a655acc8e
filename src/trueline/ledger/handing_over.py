"""Rows on their way into the embedded engine, which takes them from a file.

The driver's own file has a name, in the folder for temporary ones: a process that is killed leaves it there, with all
that was in the rows, and where that folder is full or missing nothing can be written and not everything asked. These
have none: they end with the process, however that ends.
"""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from trueline.ledger.errors import LedgerBusyError, LedgerFullError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import IO


NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
"""What the system says of a disk that is full, or full for this user."""

_SHORT: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN})

_AT_ONCE: Final = 1 << 20
"""Bytes."""


@contextlib.contextmanager
def handed_over(rows: pa.Table, folder: Path | None) -> Iterator[str]:
    """Rows in Arrow's format for files; gives the path by which this process, and no other, may open it.

    Args:
        rows: What is handed over.
        folder: On whose disk; in memory where it is none, so that no disk needs room.

    Raises:
        LedgerFullError: the disk has no room for them.
        LedgerBusyError: the system is short of memory or open files.
    """
    with _unnamed(folder) as file:
        path = f"/proc/self/fd/{file.fileno()}"  # whoever opens it by that begins at its beginning
        _fill(path, rows, on_disk=folder is not None)
        yield path


def _unnamed(folder: Path | None) -> IO[bytes]:
    with _told(on_disk=folder is not None):
        return os.fdopen(os.memfd_create("rows"), "wb") if folder is None else tempfile.TemporaryFile(dir=folder)


def _fill(path: str, rows: pa.Table, *, on_disk: bool) -> None:
    # not through a file of Python's, which would be asked two or three times for each column
    with (
        _told(on_disk=on_disk),
        pa.output_stream(path, buffer_size=_AT_ONCE) as stream,
        pa.ipc.new_file(stream, rows.schema) as writer,
    ):
        writer.write_table(rows)


@contextlib.contextmanager
def _told(*, on_disk: bool) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if on_disk and error.errno in NO_ROOM:
            raise LedgerFullError from error
        if error.errno in _SHORT | NO_ROOM:
            raise LedgerBusyError("the system is short of memory or open files") from error
        raise
