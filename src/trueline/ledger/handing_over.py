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
from typing import TYPE_CHECKING

import pyarrow as pa

from trueline.ledger.errors import LedgerFullError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import IO


@contextlib.contextmanager
def handed_over(rows: pa.Table, folder: Path | None) -> Iterator[str]:
    """Rows in Arrow's format for files; gives the path by which this process, and no other, may open it.

    Args:
        rows: What is handed over.
        folder: On whose disk; in memory where it is none, so that no disk needs room.

    Raises:
        LedgerFullError: the disk has no room for them.
    """
    try:
        with _unnamed(folder) as file:
            with pa.ipc.new_file(file, rows.schema) as writer:
                writer.write_table(rows)
            file.flush()
            yield f"/proc/self/fd/{file.fileno()}"  # opened anew by that, it is read from its beginning
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise LedgerFullError from error
        raise


def _unnamed(folder: Path | None) -> IO[bytes]:
    if folder is None:
        return os.fdopen(os.memfd_create("rows"), "wb")
    return tempfile.TemporaryFile(dir=folder)
