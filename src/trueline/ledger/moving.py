"""The events of a store of schema version 1, which had one table for all jobs, moved into a table for each job."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from trueline.ledger.columns import beside
from trueline.ledger.documents import laid_out, searchable
from trueline.ledger.job_tables import JobTables

if TYPE_CHECKING:
    from trueline.ledger.engine import Engine

_ROWS_AT_ONCE = 50_000
_MOVED = """
SELECT * EXCEPT (job_id, document, objects) FROM events
WHERE job_id = {job:UInt64} AND event_key % {parts:UInt64} = {part:UInt64}"""

_read = msgspec.json.Decoder(dict[str, object]).decode


def move_events(engine: Engine) -> None:
    """Move every version of every event; the old table stays as it is.

    What a move that was cut short had brought is taken away first, so that each version is there once.
    """
    if not engine.rows("SELECT 1 FROM system.tables WHERE database = currentDatabase() AND name = 'events'"):
        return
    tables = JobTables(engine)
    for job_id, rows in engine.rows("SELECT job_id, count() FROM events GROUP BY job_id ORDER BY job_id"):
        name = tables.of(job_id).name
        engine.command(f"TRUNCATE TABLE {name}")
        parts = int(rows) // _ROWS_AT_ONCE + 1
        for part in range(parts):
            moved = engine.table(_MOVED, {"job": job_id, "parts": parts, "part": part})
            documents = laid_out([searchable(_read(body)) for body in moved["raw_body"].to_pylist()])
            engine.insert(name, beside(moved, tables.placed(job_id, documents)).combine_chunks())
