"""The ledger's numbered schema files, applied in order at start."""

from __future__ import annotations

import re
from collections.abc import Callable  # noqa: TC003 - part of a constant's type
from datetime import UTC, datetime
from importlib import resources

from trueline.ledger.engine import Engine  # noqa: TC001 - part of the module's public signature
from trueline.ledger.errors import LedgerError, LedgerTooNewError
from trueline.ledger.merging import SYNCED, sync_merges
from trueline.ledger.moving import move_events

_BEFORE: dict[int, Callable[[Engine], None]] = {2: move_events, 8: sync_merges}
"""What has to be done before a file's statements, where statements alone cannot say it."""

_NAME = re.compile(r"([0-9]{4})_[a-z0-9_]+\.sql")


def schema_files() -> dict[int, str]:
    """The text of every schema file by its number."""
    files: dict[int, str] = {}
    for entry in (resources.files("trueline.ledger") / "schema").iterdir():
        found = _NAME.fullmatch(entry.name)
        if found is not None:
            files[int(found.group(1))] = entry.read_text(encoding="utf-8")
    return dict(sorted(files.items()))


def stored_version(engine: Engine) -> int:
    """The number of the last schema file applied to the store; 0 for an empty one."""
    if not engine.rows("SELECT 1 FROM system.tables WHERE database = currentDatabase() AND name = 'schema_version'"):
        return 0
    return int(engine.rows("SELECT max(version) FROM schema_version")[0][0])


def applied_at(engine: Engine, version: int) -> datetime:
    """When a schema file was applied to the store, to the second, cut off."""
    rows = engine.rows(
        "SELECT min(applied_at) FROM schema_version WHERE version = {version:UInt32}", {"version": version}
    )
    moment: datetime = rows[0][0]
    return moment.replace(tzinfo=UTC)


def check(engine: Engine) -> None:
    """Refuse a store written by a newer version, before anything is written to it.

    Raises:
        LedgerTooNewError: saying which version the store has and which are known here.
    """
    known = max(schema_files())
    stored = stored_version(engine)
    if stored > known:
        raise LedgerTooNewError(stored, known)


def migrate(engine: Engine) -> None:
    """Bring the store to the newest schema; a file that was cut short is simply applied again."""
    check(engine)
    stored = stored_version(engine)
    engine.define(
        "CREATE TABLE IF NOT EXISTS schema_version (version UInt32, applied_at DateTime DEFAULT now()) "
        f"ENGINE = MergeTree ORDER BY version SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, {SYNCED}"
    )
    for version, text in schema_files().items():
        if version > stored:
            if version in _BEFORE:
                _BEFORE[version](engine)
            if written := statements(text):
                engine.define(*written)
            engine.command("INSERT INTO schema_version (version) SELECT {version:UInt32}", {"version": version})
    if max(schema_files()) > stored:
        # in one piece, so that the engine has nothing to put together in a store that an older Trueline only looks at
        engine.command("OPTIMIZE TABLE schema_version FINAL")
    engine.note_version(max(schema_files()))


def statements(text: str) -> list[str]:
    """Split a schema file into its statements: each ends with a semicolon at the end of a line.

    Raises:
        LedgerError: text after the last semicolon.
    """
    bare = "\n".join(line.split("--", 1)[0].rstrip() for line in text.splitlines())
    *complete, rest = re.split(r";$", bare, flags=re.MULTILINE)
    if rest.strip():
        raise LedgerError("a schema file ends in the middle of a statement")
    return [statement.strip() for statement in complete]
