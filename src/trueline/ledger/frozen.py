"""The embedded ledger as it is at a moment: its files, which nothing changes any more, under names of their own.

The engine never changes a file of a table once it stands in it, so a second name for each is a copy, made in moments.
"""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING, Final

from trueline.ledger.errors import LedgerError

if TYPE_CHECKING:
    from pathlib import Path

    from trueline.ledger.engine import Engine

_PREFIX: Final = "trueline_backup_"
"""In letters that the engine leaves as they are in the name of a folder."""

_SHADOW: Final = "shadow"

_WORTH_NOTHING: Final = "pings"
"""The table of what was written to see whether writing goes; the engine empties it now and then."""


def freeze(engine: Engine, folder: Path, name: str) -> Path:
    """Give all there is in the ledger a second name; the folder that has them, laid out as the ledger's is.

    No write may be under way. `thaw` takes them away again.

    Args:
        engine: The embedded engine.
        folder: Where it keeps its files.
        name: Of this copy, in letters and digits.

    Raises:
        LedgerError: a table cannot be frozen, or is not where it is expected.
    """
    if re.fullmatch("[0-9a-z]+", name) is None:
        raise LedgerError(f"{name!r} is no name for a copy of the ledger")
    frozen = folder / _SHADOW / f"{_PREFIX}{name}"
    frozen.mkdir(parents=True)
    try:
        _freeze(engine, folder, frozen)
    except BaseException:
        thaw(frozen)
        raise
    return frozen


def _freeze(engine: Engine, folder: Path, frozen: Path) -> None:
    tables = engine.rows(
        "SELECT name, metadata_path, data_paths FROM system.tables WHERE database = currentDatabase() ORDER BY name"
    )
    filled = {
        row[0]
        for row in engine.rows("SELECT table FROM system.parts WHERE database = currentDatabase() AND active AND rows")
    }
    for table, definition, places in tables:
        _copy(folder, frozen, definition)
        if places and table != _WORTH_NOTHING:
            engine.command(f"ALTER TABLE `{table}` FREEZE WITH NAME '{frozen.name}'")
        within = [place.removeprefix(f"{folder.resolve()}/") for place in places]
        for place in within:
            _copy(folder, frozen, f"{place}format_version.txt")
        if table in filled - {_WORTH_NOTHING} and not any(
            list((frozen / place).glob("*/checksums.txt")) for place in within
        ):
            raise LedgerError(f"the engine kept no copy of the table {table} where it is expected")
    ((database,),) = engine.rows("SELECT currentDatabase()")
    _copy(folder, frozen, f"metadata/{database}.sql")


def thaw(frozen: Path) -> None:
    """Take the second names away; the files go with the last of theirs."""
    if frozen.exists():
        shutil.rmtree(frozen)


def thaw_left(folder: Path) -> None:
    """Take away what is left of copies that were cut short; only while none is being made."""
    for left in (folder / _SHADOW).glob(f"{_PREFIX}*"):
        thaw(left)


def _copy(folder: Path, frozen: Path, path: str) -> None:
    """Copy a small file that the engine replaces as it goes."""
    target = frozen / path
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        shutil.copyfile(folder / path, target)
    except OSError as error:
        raise LedgerError(f"the ledger has no {path} where it is expected") from error
