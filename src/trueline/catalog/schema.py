"""Brings a database to the schema that this version knows, or leaves it alone."""

from __future__ import annotations

import functools
import sqlite3
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import DatabaseError, OperationalError

from trueline.catalog.engine import looking, name_of, writing
from trueline.catalog.errors import StoreDamaged, StoreTooNew
from trueline.catalog.seal import is_intact

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Engine

# Alembic keeps the migration it is running in a global of its module.
_one_at_a_time = threading.Lock()


def refuse_newer(url: URL) -> None:
    """Refuse, with nothing written, a database at a schema not known here, or one that is damaged.

    Raises:
        StoreTooNew: a later version wrote it.
        StoreDamaged: it does not say what was written to it.
    """
    try:
        with looking(url) as connection:
            if connection is not None:
                _unapplied(connection, name_of(url))
                _refuse_damaged(connection, name_of(url))
    except DatabaseError as error:
        if isinstance(error, OperationalError) and not _says_damaged(error):
            raise
        raise StoreDamaged(name_of(url)) from error
    except UnicodeDecodeError as error:  # the driver reads names of columns and words of errors as they stand
        raise StoreDamaged(name_of(url)) from error


def _refuse_damaged(connection: Connection, store: str) -> None:
    if connection.dialect.name != "sqlite":
        return
    if Path(store).stat().st_size == 0 and not Path(f"{store}-wal").exists():
        raise StoreDamaged(store)
    if not is_intact(connection):
        raise StoreDamaged(store)


def _says_damaged(error: OperationalError) -> bool:
    """Whether a statement failed for what the file is, rather than for who else has it open."""
    # the driver gives no code where it cannot read a value at all
    code = getattr(error.orig, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
    return isinstance(error.orig, sqlite3.Error) and code in {
        sqlite3.SQLITE_ERROR,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_FORMAT,
    }


def upgrade(engine: Engine) -> None:
    """Apply the migrations that are missing, all of them or none.

    Raises:
        StoreTooNew: a later version was here first.
    """
    with _one_at_a_time, writing(engine) as connection:
        if _unapplied(connection, name_of(engine.url)):
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")


@functools.cache
def known() -> frozenset[str]:
    """The names of the schemas that this version can open."""
    return frozenset(script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions())


def newest_known() -> str:
    """The name of the schema that this version brings a database to."""
    return max(known())


def _unapplied(connection: Connection, store: str) -> bool:
    """Tell whether migrations are missing."""
    newest = newest_known()
    found = MigrationContext.configure(connection).get_current_heads()
    for revision in found:
        if revision not in known():
            raise StoreTooNew(store, revision, newest)
    return found != (newest,)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "trueline.catalog:migrations")
    config.set_main_option("path_separator", "os")
    return config
