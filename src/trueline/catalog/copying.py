"""A copy of a SQLite catalog as it is at a moment, whoever writes meanwhile."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING

from trueline.catalog.engine import WAIT_SECONDS
from trueline.catalog.errors import StoreUnavailable, UnsupportedStore

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import URL


def copy_sqlite(url: URL, target: Path) -> None:
    """Copy the database of an address into a new file; all of it is of one moment.

    Raises:
        UnsupportedStore: it is not in SQLite.
        StoreUnavailable: it cannot be read, or the copy not be written.
    """
    if url.get_backend_name() != "sqlite":
        raise UnsupportedStore("only a catalog in SQLite is copied; PostgreSQL has tools of its own")
    source = str(url.database)
    try:
        with (
            contextlib.closing(sqlite3.connect(source, timeout=WAIT_SECONDS)) as read,
            contextlib.closing(sqlite3.connect(target)) as written,
        ):
            read.backup(written)
    except sqlite3.Error as error:
        raise StoreUnavailable(source) from error
