"""Brings a database to the schema that this version knows, or leaves it alone."""

from __future__ import annotations

import functools
import re
import sqlite3
import threading
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import column, inspect, select, table
from sqlalchemy.exc import DatabaseError, OperationalError

from trueline.catalog.engine import looking, name_of, writing
from trueline.catalog.errors import StoreDamaged, StoreTooNew
from trueline.catalog.seal import is_intact

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy import URL, Connection, Engine

_APPLIED = table("alembic_version", column("version_num"))
"""Alembic's own table, which is read without Alembic: to load that takes a fifth of a second."""
_REVISION = re.compile(r"v([0-9]{4})_\w+\.py")

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
            from alembic import command  # noqa: PLC0415 - most starts have nothing to apply

            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")


@functools.cache
def known() -> frozenset[str]:
    """The names of the schemas that this version can open."""
    files = resources.files("trueline.catalog.migrations.versions").iterdir()
    return frozenset(found[1] for each in files if (found := _REVISION.fullmatch(each.name)))


def newest_known() -> str:
    """The name of the schema that this version brings a database to."""
    return max(known())


def _unapplied(connection: Connection, store: str) -> bool:
    """Tell whether migrations are missing."""
    newest = newest_known()
    is_new = not inspect(connection).has_table(_APPLIED.name)
    found = [] if is_new else list(connection.scalars(select(_APPLIED.c.version_num)))
    for revision in found:
        if revision not in known():
            raise StoreTooNew(store, revision, newest)
    return found != [newest]


def _config() -> Config:
    from alembic.config import Config  # noqa: PLC0415 - as above

    config = Config()
    config.set_main_option("script_location", "trueline.catalog:migrations")
    config.set_main_option("path_separator", "os")
    return config
