"""A checksum over all that a SQLite catalog says, kept in the database itself and part of each transaction.

SQLite notices when the structure of its file is damaged, and not when a value is another one.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import Connection

UNSEALED = 0
"""What a database says that was never sealed."""


def seal(connection: Connection) -> None:
    """Seal what the database says at the end of a transaction."""
    made = _checksum(connection)
    if _stored(connection) != made:
        connection.exec_driver_sql(f"PRAGMA user_version = {made}")


def is_intact(connection: Connection) -> bool:
    """Whether the file is sound and says what it said when it was last written."""
    if connection.exec_driver_sql("PRAGMA integrity_check").scalars().all() != ["ok"]:
        return False
    return _stored(connection) in {UNSEALED, _checksum(connection)}


def _stored(connection: Connection) -> int:
    return int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())


def _checksum(connection: Connection) -> int:
    """CRC-32 of every row of every table, and of their definitions; signed as SQLite has it, and never 0."""
    definitions = connection.exec_driver_sql("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY name").all()
    made = zlib.crc32(repr([tuple(row) for row in definitions]).encode("utf-8", "surrogatepass"))
    for kind, name, *_ in definitions:
        if kind == "table":
            for row in connection.exec_driver_sql(f'SELECT * FROM "{name}" ORDER BY rowid'):  # noqa: S608 - its own
                made = zlib.crc32(repr(tuple(row)).encode("utf-8", "surrogatepass"), made)
    return (made if made < 2**31 else made - 2**32) or 1
