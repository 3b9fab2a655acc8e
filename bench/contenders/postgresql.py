"""PostgreSQL: documents as jsonb, an index for every question that one helps with."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final

import pg8000.native

from contenders import AbsentError
from contenders.scores import answer_from_counts
from postgres import PostgresMissing, running_postgres
from stream import LABELS, UNDECIDED, consensus

if TYPE_CHECKING:
    from collections.abc import Iterator

    from questions import Answer, Question
    from stream import Block, Grouping, Stream

_MOST_SHARED_MEGABYTES: Final = 4_096
_SETTINGS: Final = {
    "effective_cache_size": "12GB",
    "work_mem": "256MB",
    "maintenance_work_mem": "1GB",
    "max_parallel_workers_per_gather": "2",
    "max_parallel_maintenance_workers": "2",
    "random_page_cost": "1.1",
    "effective_io_concurrency": "200",
    "max_wal_size": "16GB",
    "fsync": "on",  # so that a vote is durable, as with the others
    "wal_level": "minimal",  # a table made and filled in one transaction needs no log
    "max_wal_senders": "0",
    "jit": "off",  # at a million events it made the heavy questions slower, all but one
    "autovacuum": "off",  # once the table is vacuumed, nothing of it changes
}
_FIELDS: Final = {
    "arcanna.result_label": "decision",
    "rule.name": "(document #>> '{rule,name}')",
    "event.risk_score": "((document #>> '{event,risk_score}')::float8)",
    "destination.bytes": "((document #>> '{destination,bytes}')::bigint)",
    "event.code": "(document #>> '{event,code}')",
    "process.command_line": "(document #>> '{process,command_line}')",
    "threat.indicator.type": "(document #>> '{threat,indicator,type}')",
}
_CONDITIONS: Final = {
    "is": "{} = :{}",
    "gt": "{} > :{}",
    "contains": "strpos({}, :{}) > 0",
    "exists": "{} IS NOT NULL",
}
_INDEXES: Final = (
    "(ts) INCLUDE (decision, bucket, number)",
    "(decision) INCLUDE (bucket, number)",
    f"({_FIELDS['rule.name']}, ts)",
    f"({_FIELDS['event.risk_score']})",
    f"({_FIELDS['destination.bytes']})",
    f"({_FIELDS['event.code']})",
    f"(number) WHERE {_FIELDS['threat.indicator.type']} IS NOT NULL",
)
"""Those of the first line hold all that a question without a path needs, so that no document is read for it."""


class PostgreSQL:
    """Labels are an enum, subjects are integers; the consensus of what was voted on is joined when asked."""

    title: str = "PostgreSQL"

    def __init__(self) -> None:
        self._running = ExitStack()

    def load(self, stream: Stream) -> None:
        """Start a server, copy everything into one table, index it, vacuum and analyse."""
        megabytes = min(_MOST_SHARED_MEGABYTES, 128 + len(stream) // 2_000)
        try:
            server = self._running.enter_context(
                running_postgres(_SETTINGS | {"shared_buffers": f"{megabytes}MB"}, "UTC")
            )
        except PostgresMissing as reason:
            raise AbsentError(str(reason)) from None
        self._connection = pg8000.native.Connection("trueline", "127.0.0.1", "postgres", server.port)
        self._running.callback(self._connection.close)
        run = self._connection.run
        labels = ", ".join(f"'{label}'" for label in LABELS)
        run(f"CREATE TYPE label AS ENUM ({labels})")
        run(f"CREATE TYPE consensus_label AS ENUM ({labels}, '{UNDECIDED}')")
        run("BEGIN")
        run("CREATE TABLE events (ts timestamptz, number int, bucket int, decision label, document jsonb)")
        run("COPY events FROM STDIN", stream=_lines(stream))
        run("COMMIT")
        for index in _INDEXES:
            run(f"CREATE INDEX ON events {index}")
        run("VACUUM (ANALYZE, FREEZE) events")

    def weigh(self, stream: Stream, grouping: Grouping) -> None:
        """Fill the table of what was voted on."""
        self._subject = "number" if grouping == "event" else "bucket"
        self._left_out = stream.left_out(grouping)
        weighed = consensus([vote for votes in stream.votes(grouping) for vote in votes])
        run = self._connection.run
        run("DROP TABLE IF EXISTS consensus")
        run("CREATE TABLE consensus (subject int PRIMARY KEY, label consensus_label NOT NULL)")
        run("COPY consensus FROM STDIN", stream=[f"{subject}\t{label}\n" for subject, label in weighed.items()])
        run("VACUUM ANALYZE consensus")

    def vote(self, label: str) -> float:
        """Write the consensus of the subject."""
        started = time.perf_counter()
        self._connection.run(
            "INSERT INTO consensus VALUES (:subject, CAST(:label AS consensus_label))"
            " ON CONFLICT (subject) DO UPDATE SET label = excluded.label",
            subject=self._left_out,
            label=label,
        )
        return time.perf_counter() - started

    def ask(self, question: Question) -> tuple[Answer, float]:
        """Count by decision and consensus, and score that."""
        started = time.perf_counter()
        where, values = _where(question)
        rows = self._connection.run(
            "SELECT decision, label, count(*) FROM events"  # noqa: S608 - of fixed parts; every value is bound
            f" LEFT JOIN consensus ON subject = {self._subject}{where} GROUP BY decision, label",
            **values,
        )
        answer = answer_from_counts(((row[0], row[1], row[2]) for row in rows), question.truth)
        return answer, time.perf_counter() - started

    def close(self) -> None:
        """Stop the server and remove its folder."""
        self._running.close()


def _where(question: Question) -> tuple[str, dict[str, Any]]:
    conditions, values = [], dict[str, Any]()
    if question.window is not None:
        values["first"], values["last"] = question.window
        conditions.append("ts >= CAST(:first AS timestamptz) AND ts < CAST(:last AS timestamptz) + interval '1 day'")
    for place, each in enumerate(question.filters):
        name = f"value{place}"
        bound = f"CAST(:{name} AS label)" if each["field"] == "arcanna.result_label" else f":{name}"
        condition = _CONDITIONS[each["operator"]].replace(":{}", bound)
        conditions.append(condition.format(_FIELDS[each["field"]]))
        if "value" in each:
            # a code is text here, so that a number and the text of it are the same
            values[name] = str(each["value"]) if each["field"] == "event.code" else each["value"]
    return (f" WHERE {' AND '.join(conditions)}" if conditions else ""), values


def _lines(stream: Stream) -> Iterator[bytes]:
    for block in stream.blocks():
        yield "".join(_rows(block)).encode("ascii")


def _rows(block: Block) -> Iterator[str]:
    moments = block.micros.astype("datetime64[us]").astype(str).tolist()
    decisions = [LABELS[place] for place in block.decision.tolist()]
    rows = zip(moments, block.bucket.tolist(), decisions, block.document, strict=True)
    for number, (moment, bucket, decision, document) in enumerate(rows, block.first):
        escaped = document.replace("\\", "\\\\")
        yield f"{moment}+00\t{number}\t{bucket}\t{decision}\t{escaped}\n"
