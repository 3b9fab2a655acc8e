"""Stores of earlier schema versions are migrated and tell the same; those of later ones are refused, untouched.

A store is made and asked. Then it is taken back, a version at a time, to what it was in earlier versions: what the
files of the schema brought is taken out again, and the result held against a store that only the files of that version
made. It is opened and asked again, and then each of its tables, those of jobs too, must be what it is in the store that
was made.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from damaged import Probe, check_whole, difference, make
from gate import BrokenError, Gate

if TYPE_CHECKING:
    from pathlib import Path

TAKEN_FROM_LEDGER: Final[dict[int, tuple[str, ...]]] = {
    9: (),
    8: ("ALTER TABLE {each} RESET SETTING min_rows_to_fsync_after_merge",),
    7: (),
    6: ("DROP TABLE audit_draws SYNC",),
    5: ("DROP TABLE {replaced} SYNC",),
    4: ("DROP TABLE reprocess_requests SYNC",),
    3: tuple(f"ALTER TABLE votes DROP COLUMN {name}" for name in ("review_probability", "review_reason", "note")),
}
"""What takes each file of the ledger's schema out again; `{each}` stands for each of its tables in turn, `{replaced}`
for each of those that keep what was replaced."""

_REPLACED_SINCE: Final = 5
"""The version of the ledger that first kept it."""

_CATALOG: Final[dict[int, tuple[str, ...]]] = {
    7: ("DROP TABLE its_ledger",),
    6: (),
    5: ("ALTER TABLE models DROP COLUMN activated",),
    4: tuple(
        f"ALTER TABLE jobs DROP COLUMN {name}"
        for name in ("cost_matrix", "time_zone", "labels_ordered", "headline_label")
    ),
    3: ("DROP TABLE model_metrics",),
    2: (
        *(
            f"ALTER TABLE jobs DROP COLUMN {name}"
            for name in (
                "status", "description", "label_colors", "advanced_settings",
                "last_train_started_at", "last_train_finished_at", "last_train_error",
            )
        ),
        "DROP TABLE deleted_jobs",
    ),
}  # fmt: skip
"""Likewise of the catalog's."""

_TAKE_BACK: Final = """
import json, sqlite3, sys
from contextlib import closing
from pathlib import Path
from alembic import command
from trueline.catalog import schema
from trueline.catalog.engine import connect, parse_dsn, sqlite_dsn, writing
from trueline.ledger.merging import unsynced_tables
from trueline.ledger.migrations import schema_files, statements
from trueline.ledger.store import open_engine

folder, told = Path(sys.argv[1]), json.loads(sys.argv[2])
limits = {"query_seconds": 30, "query_memory_bytes": 2**30, "cache_bytes": 0, "keep_free_bytes": 0}
engine = open_engine("", folder / "ledger", "trueline", **limits)
tables = "SELECT name FROM system.tables WHERE database = 'trueline' AND engine LIKE '%MergeTree'"
meant = {"{each}": tables, "{replaced}": tables + " AND match(name, '^replaced_[0-9]+$')"}
for statement in told["ledger"]:
    word = next((word for word in meant if word in statement), None)
    for (name,) in engine.rows(meant[word]) if word else [("",)]:
        engine.command(statement.replace(word, name) if word else statement)
if told["version"] < 8 and len(unsynced_tables(engine)) != len(engine.rows(tables)):
    raise SystemExit("tables that are still told to sync what is merged")
engine.command(f"ALTER TABLE schema_version DELETE WHERE version > {told['version']} SETTINGS mutations_sync = 2")
COLUMNS = '''SELECT table, name, type FROM system.columns
    WHERE database = '{}' AND NOT match(table, '^(events|replaced)_[0-9]') AND table != 'schema_version'
    ORDER BY table, position'''
found = engine.rows(COLUMNS.format("trueline"))
engine.command("CREATE DATABASE made")
for version, text in schema_files().items():
    if version > told["version"]:
        break
    for statement in statements(text):
        for word in ("TABLE IF NOT EXISTS ", "TABLE IF EXISTS ", "ALTER TABLE "):
            statement = statement.replace(word, word + "made.", 1)
        engine.command(statement.replace(" AS events", " AS made.events"))
if list(map(tuple, found)) != list(map(tuple, engine.rows(COLUMNS.format("made")))):
    raise SystemExit("the ledger was not taken back to what its schema makes")
engine.command("DROP DATABASE made SYNC")
engine.close()
for seal in folder.glob("ledger.*seal"):
    seal.unlink()

def columns(file):
    with closing(sqlite3.connect(file)) as catalog:
        tables = [row[0] for row in catalog.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1")]
        columns = "SELECT name, type FROM pragma_table_info(?)"
        return {table: catalog.execute(columns, (table,)).fetchall() for table in tables}

file = folder / "catalog.sqlite3"
with closing(sqlite3.connect(file)) as catalog, catalog:
    for statement in told["catalog"]:
        catalog.execute(statement)
    catalog.execute("UPDATE alembic_version SET version_num = ?", (told["revision"],))
    catalog.execute("PRAGMA user_version = 0")
made = folder / "made.sqlite3"
other = connect(parse_dsn(sqlite_dsn(made)))
with writing(other) as connection:
    config = schema._config()
    config.attributes["connection"] = connection
    command.upgrade(config, told["revision"])
other.dispose()
if columns(file) != columns(made):
    raise SystemExit(f"the catalog was not taken back to what its migrations make: {columns(file)} {columns(made)}")
made.unlink()
"""

_TABLES: Final = """
import json, sys
from pathlib import Path
from trueline.ledger.store import open_engine
limits = {"query_seconds": 30, "query_memory_bytes": 2**30, "cache_bytes": 0, "keep_free_bytes": 0}
engine = open_engine("", Path(sys.argv[1]) / "ledger", "trueline", **limits)
made = engine.rows("SELECT name, create_table_query FROM system.tables WHERE database = 'trueline'")
engine.close()
print(json.dumps(dict(made)))
"""

_NEWER_LEDGER: Final = """
import sys
from pathlib import Path
from trueline.ledger.store import open_engine
limits = {"query_seconds": 30, "query_memory_bytes": 2**30, "cache_bytes": 0, "keep_free_bytes": 0}
engine = open_engine("", Path(sys.argv[1]) / "ledger", "trueline", **limits)
engine.command("INSERT INTO schema_version (version) SELECT 9999")
engine.note_version(9999)
engine.close()
"""

_NEWER_CATALOG: Final = """
import sys
from pathlib import Path
from trueline.catalog.engine import connect, parse_dsn, sqlite_dsn, writing
engine = connect(parse_dsn(sqlite_dsn(Path(sys.argv[1]) / "catalog.sqlite3")))
with writing(engine) as connection:
    connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
engine.dispose()
"""

_OF_BEING_OPEN: Final = ("status", "catalog.sqlite3-shm")
"""Files that are there while a store is open: the engine's lock, and the index of SQLite's log."""
_LOG: Final = "catalog.sqlite3-wal"
"""SQLite's log, which is there too, and has nothing in it."""


Tables: TypeAlias = "dict[str, tuple[str, list[str]]]"
"""What makes each table, by its name, and its settings: in order, as one that was set anew stands behind all others."""


def migrate_and_compare(folder: Path, steps: int, seed: int) -> str:  # noqa: ARG001 - nothing here is by chance
    """Take a store back so many versions, one after the other, and open it at each; and refuse two later ones.

    Raises:
        BrokenError: the numbers are others, or a later version was opened or touched.
    """
    key = make(folder / "made", "closed")
    probe = Probe(key)
    try:
        good = _asked(probe, folder, "made")
        made = tables(folder / "asked made")
        if not {"events_1", "replaced_1"} <= made.keys():
            raise BrokenError(f"the store that was made has not each kind of table: {sorted(made)}")
        ledger, catalog = list(TAKEN_FROM_LEDGER.items()), list(_CATALOG.items())
        opened = []
        for step in range(1, min(steps, len(ledger)) + 1):
            of_catalog = catalog[: min(step, len(catalog))]  # it has not as many
            version, revision = ledger[step - 1][0] - 1, of_catalog[-1][0] - 1
            told = {
                "ledger": [each for _, statements in ledger[:step] for each in statements],
                "catalog": [each for _, statements in of_catalog for each in statements],
                "version": version,
                "revision": f"{revision:04}",
            }
            name = f"ledger {version}, catalog {revision:04}"
            shutil.copytree(folder / "made", folder / name, symlinks=True)
            _run_script(_TAKE_BACK, folder / name, told)
            for time in ("first", "second"):
                said = probe.ask(folder / name)
                if said != good:
                    raise BrokenError(f"{name}, opened for the {time} time: {_difference(said, good)}")
            _check_tables(name, tables(folder / name), made, version)
            opened.append(name)
        for script in (_NEWER_LEDGER, _NEWER_CATALOG):
            _refuse_newer(probe, folder, script)
    finally:
        probe.close()
    return (
        f"the same answers, and tables as they are made now, from {'; '.join(opened)}; a newer ledger and a newer "
        "catalog refused, no byte changed"
    )


def tables(folder: Path) -> Tables:
    """The tables of a store's ledger."""
    told: dict[str, str] = json.loads(_run_script(_TABLES, folder))
    return {name: _made_by(statement) for name, statement in told.items()}


def _made_by(statement: str) -> tuple[str, list[str]]:
    made, _, settings = statement.partition(" SETTINGS ")
    return made, sorted(settings.split(", "))


def _check_tables(name: str, found: Tables, made: Tables, version: int) -> None:
    """What is migrated must be made as what is new; before it was kept, no job had a table of what was replaced."""
    wanted = {each: how for each, how in made.items() if version >= _REPLACED_SINCE or not each.startswith("replaced_")}
    for each in sorted(found.keys() | wanted.keys()):
        if found.get(each) != wanted.get(each):
            raise BrokenError(f"{name}, migrated: {each} is {difference(found.get(each), wanted.get(each))}")


def _refuse_newer(probe: Probe, folder: Path, script: str) -> None:
    newer = folder / "newer"
    shutil.copytree(folder / "made", newer, symlinks=True)
    _run_script(script, newer)
    before = contents(newer)
    said = probe.ask(newer)
    if "9999" not in said.get("refused", "") or "newer" not in said["refused"] + "newer" * ("later" in said["refused"]):
        raise BrokenError(f"a newer store is not refused with a sentence: {said}")
    after = contents(newer)
    if before != after:
        changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
        raise BrokenError(f"a newer store was touched: {sorted(changed)}")
    shutil.rmtree(newer)


def contents(folder: Path) -> dict[str, str]:
    """The digests of all files of a data folder but those of a store being open, by path."""
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in folder.rglob("*")
        if file.is_file() and not (file.name in _OF_BEING_OPEN or (file.name == _LOG and not file.stat().st_size))
    }


def _asked(probe: Probe, folder: Path, name: str) -> dict[str, Any]:
    copy = folder / f"asked {name}"
    shutil.copytree(folder / name, copy, symlinks=True)
    said = probe.ask(copy)
    check_whole(said, f"the store {name}")
    return said


def _difference(said: dict[str, Any], good: dict[str, Any]) -> str:
    if not_opened := said.get("refused") or said.get("raised"):
        return str(not_opened)
    other = next((name for name in good if said.get(name) != good[name]), None)
    return f"{other}: {difference(said.get(other), good[other])}" if other is not None else f"{said}"


def _run_script(script: str, folder: Path, told: object = None) -> str:
    done = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-c", script, str(folder), json.dumps(told)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-2_000:])
    return done.stdout


GATE: Final = Gate(
    name="versions",
    promise="a store of an earlier schema is migrated and tells the same; one of a later is refused, untouched",
    full=7,
    unit="versions back",
    run=migrate_and_compare,
)
