"""Brings a database to the schema that this version knows, or leaves it alone."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from trueline.catalog.engine import looking, name_of, writing
from trueline.catalog.errors import StoreTooNew

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Engine

# Alembic keeps the migration it is running in a global of its module.
_one_at_a_time = threading.Lock()


def refuse_newer(url: URL) -> None:
    """Raise StoreTooNew, with nothing written, when the database is at a schema not known here."""
    scripts = ScriptDirectory.from_config(_config())
    with looking(url) as connection:
        if connection is not None:
            _unapplied(connection, scripts, name_of(url))


def upgrade(engine: Engine) -> None:
    """Apply the migrations that are missing, all of them or none.

    Raises:
        StoreTooNew: a later version was here first.
    """
    config = _config()
    scripts = ScriptDirectory.from_config(config)
    with _one_at_a_time, writing(engine) as connection:
        if _unapplied(connection, scripts, name_of(engine.url)):
            config.attributes["connection"] = connection
            command.upgrade(config, "head")


def known() -> frozenset[str]:
    """The names of the schemas that this version can open."""
    return frozenset(script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions())


def newest_known() -> str:
    """The name of the schema that this version brings a database to."""
    return max(known())


def _unapplied(connection: Connection, scripts: ScriptDirectory, store: str) -> bool:
    """Tell whether migrations are missing."""
    there = {script.revision for script in scripts.walk_revisions()}
    newest = max(there)
    found = MigrationContext.configure(connection).get_current_heads()
    for revision in found:
        if revision not in there:
            raise StoreTooNew(store, revision, newest)
    return found != (newest,)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "trueline.catalog:migrations")
    config.set_main_option("path_separator", "os")
    return config
