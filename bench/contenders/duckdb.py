"""DuckDB over a table of its own: documents as JSON, or what is asked of them as columns."""

from __future__ import annotations

import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from contenders import AbsentError
from contenders.scores import answer_from_counts
from stream import LABELS, UNDECIDED, consensus

if TYPE_CHECKING:
    from questions import Answer, Question
    from stream import Block, Grouping, Stream

_PATHS: Final = {
    "rule.name": "document->>'$.rule.name'",
    "event.risk_score": "try_cast(document->>'$.event.risk_score' AS DOUBLE)",
    "destination.bytes": "try_cast(document->>'$.destination.bytes' AS BIGINT)",
    "event.code": "document->>'$.event.code'",
    "process.command_line": "document->>'$.process.command_line'",
    "threat.indicator.type": "document->>'$.threat.indicator.type'",
}
_COLUMNS: Final = {
    "rule.name": "rule_name",
    "event.risk_score": "risk_score",
    "destination.bytes": "bytes",
    "event.code": "code",
    "process.command_line": "command_line",
    "threat.indicator.type": "indicator_type",
}
_CONDITIONS: Final = {
    "is": "{} = ?",
    "gt": "{} > ?",
    "contains": "contains({}, ?)",
    "exists": "{} IS NOT NULL",
}
_DECISION: Final = "arcanna.result_label"


class DuckDB:
    """Labels are an ENUM, subjects are integers; the consensus of what was voted on is joined when asked."""

    def __init__(self, *, columns: bool) -> None:
        self.title = "DuckDB, columns" if columns else "DuckDB, JSON"
        self._fields = {_DECISION: "decision"} | (_COLUMNS if columns else _PATHS)
        self._taken = ", ".join(f"{_PATHS[field]} AS {name}" for field, name in _COLUMNS.items())
        if not columns:
            self._taken = "document::JSON AS document"
        self._opened = ExitStack()

    def load(self, stream: Stream) -> None:
        """Fill one table, in the order of time."""
        try:
            import duckdb  # noqa: PLC0415 - so that the others can be measured without
        except ImportError as error:
            raise AbsentError("DuckDB is not installed (pip install duckdb)") from error
        folder = self._opened.enter_context(tempfile.TemporaryDirectory(prefix="trueline-duckdb-"))
        self._connection = self._opened.enter_context(duckdb.connect(Path(folder) / "events.duckdb"))
        # it would take four fifths of the memory, which Trueline's server is to share
        self._connection.execute("SET memory_limit = '10GB'")
        labels = ", ".join(f"'{label}'" for label in LABELS)
        self._connection.execute(f"CREATE TYPE label AS ENUM ({labels})")
        self._connection.execute(f"CREATE TYPE consensus_label AS ENUM ({labels}, '{UNDECIDED}')")
        selected = f"SELECT number, ts, bucket, decision::label AS decision, {self._taken} FROM batch"  # noqa: S608
        for number, block in enumerate(stream.blocks()):
            self._connection.register("batch", _table(block))
            self._connection.execute(
                f"{'INSERT INTO' if number else 'CREATE TABLE'} events{'' if number else ' AS'} {selected}"
            )
            self._connection.unregister("batch")
        self._connection.execute("CHECKPOINT")

    def weigh(self, stream: Stream, grouping: Grouping) -> None:
        """Fill the table of what was voted on."""
        self._subject = "number" if grouping == "event" else "bucket"
        self._left_out = stream.left_out(grouping)
        weighed = consensus([vote for votes in stream.votes(grouping) for vote in votes])
        batch = pa.table({"subject": pa.array(weighed.keys(), pa.int32()), "label": pa.array(weighed.values())})
        self._connection.execute(
            "CREATE OR REPLACE TABLE consensus (subject INTEGER PRIMARY KEY, label consensus_label NOT NULL)"
        )
        self._connection.register("batch", batch)
        self._connection.execute("INSERT INTO consensus SELECT * FROM batch")
        self._connection.unregister("batch")
        self._connection.execute("ANALYZE")

    def vote(self, label: str) -> float:
        """Write the consensus of the subject, durably."""
        started = time.perf_counter()
        self._connection.execute("INSERT OR REPLACE INTO consensus VALUES (?, ?)", [self._left_out, label])
        return time.perf_counter() - started

    def ask(self, question: Question) -> tuple[Answer, float]:
        """Count by decision and consensus, and score that."""
        started = time.perf_counter()
        where, values = self._where(question)
        rows = self._connection.execute(
            "SELECT decision, label, count(*) FROM events"  # noqa: S608 - of fixed parts; every value is bound
            f" LEFT JOIN consensus ON subject = {self._subject}{where} GROUP BY ALL",
            values,
        ).fetchall()
        answer = answer_from_counts(rows, question.truth)
        return answer, time.perf_counter() - started

    def close(self) -> None:
        """Close the database and remove its folder."""
        self._opened.close()

    def _where(self, question: Question) -> tuple[str, list[Any]]:
        conditions, values = [], list[Any]()
        if question.window is not None:
            conditions.append("ts >= ?::TIMESTAMP AND ts < ?::TIMESTAMP + INTERVAL 1 DAY")
            values.extend(question.window)
        for each in question.filters:
            conditions.append(_CONDITIONS[each["operator"]].format(self._fields[each["field"]]))
            if "value" in each:
                # a code is text here, so that a number and the text of it are the same
                values.append(str(each["value"]) if each["field"] == "event.code" else each["value"])
        return (f" WHERE {' AND '.join(conditions)}" if conditions else ""), values


def _table(block: Block) -> pa.Table:
    return pa.table(
        {
            "number": pa.array(np.arange(block.first, block.first + len(block.event_id), dtype=np.int32)),
            "ts": pa.array(block.micros.astype("datetime64[us]")),
            "bucket": pa.array(block.bucket.astype(np.int32)),
            "decision": pa.array(np.array(LABELS, dtype=object)[block.decision]),
            "document": pa.array(block.document).cast(pa.string()),
        }
    )
