"""Parts that are merged or rewritten are synced before those that they stand for are dropped, as inserted ones are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from trueline.ledger.engine import Engine

SYNCED: Final = "min_rows_to_fsync_after_merge = 1"
"""The setting of a table that has the engine do so after merges and mutations of any size: each has a row or more."""

_UNSYNCED: Final = """
SELECT name FROM system.tables
WHERE database = currentDatabase() AND engine LIKE '%MergeTree' AND position(engine_full, {setting:String}) = 0
ORDER BY name"""


def unsynced_tables(engine: Engine) -> list[str]:
    """The tables of which merged parts are not synced."""
    return [row[0] for row in engine.rows(_UNSYNCED, {"setting": SYNCED})]


def sync_merges(engine: Engine) -> None:
    """Have every table do so that was made before that was asked of them."""
    if tables := unsynced_tables(engine):
        engine.define(*(f"ALTER TABLE `{name}` MODIFY SETTING {SYNCED}" for name in tables))
