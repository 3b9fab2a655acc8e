"""The connection to the engine."""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor
from importlib import resources
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from trueline.ledger.answers import Answers
from trueline.ledger.count import CountQuery
from trueline.ledger.engine import READ_ONCE
from trueline.ledger.errors import LedgerError, QueryTimeoutError
from trueline.ledger.job_tables import JobTables
from trueline.ledger.kept import KeptCounts
from trueline.ledger.kinds import KindQuery
from trueline.ledger.lookup import KEYS, KeyLookup
from trueline.ledger.store import open_engine

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from trueline.ledger.engine import Engine
    from trueline.ledger.store import Ledger
    from trueline.service.workspace import Workspace


@pytest.fixture
def hasty(workspace: Workspace) -> Iterator[Engine]:
    """An engine on the same folder that gives a query next to no time."""
    folder, database = workspace.settings.data / "ledger", workspace.settings.ledger_database
    opened = open_engine(
        "", folder, database, query_seconds=0.05, query_memory_bytes=2**30, cache_bytes=0, keep_free_bytes=0
    )
    yield opened
    opened.close()


def test_a_query_over_its_time_is_stopped(hasty: Engine, engine: Engine) -> None:
    began = time.monotonic()
    with pytest.raises(QueryTimeoutError, match="time budget"):
        hasty.rows("SELECT sum(sipHash64(number)) FROM numbers(1000000000000)")
    assert time.monotonic() - began < 5
    assert engine.rows("SELECT query FROM system.processes WHERE query LIKE 'SELECT sum(sipHash64%'") == []


def test_what_conditions_came_to_is_not_remembered_of_parts(engine: Engine) -> None:
    def remembered() -> int:
        rows = engine.rows("SELECT value FROM system.metrics WHERE metric = 'QueryConditionCacheEntries'")
        return int(rows[0][0])

    engine.command("CREATE TABLE with_conditions (n UInt64) ENGINE = MergeTree ORDER BY n")
    try:
        engine.insert("with_conditions", pa.table({"n": pa.array(range(100_000), pa.uint64())}))
        before = remembered()
        assert engine.rows("SELECT count() FROM with_conditions WHERE n % 1000 = 1001") == [(0,)]
        engine.insert_select(
            "INSERT INTO with_conditions SELECT n FROM with_conditions WHERE n % 1000 = {n:UInt64}", {"n": 1001}
        )
        assert remembered() == before
        engine.rows("SELECT count() FROM with_conditions WHERE n % 1000 = 1001 SETTINGS use_query_condition_cache = 1")
        assert remembered() > before
    finally:
        engine.command("DROP TABLE with_conditions")


def test_what_was_read_is_kept_decompressed_but_where_it_is_said_to_be_read_once(engine: Engine) -> None:
    def met() -> int:
        rows = engine.rows("SELECT value FROM system.events WHERE event = 'UncompressedCacheHits'")
        return int(rows[0][0]) if rows else 0

    def total(settings: dict[str, int] | None = None) -> object:
        query = "SELECT sum(n) AS total FROM kept_decompressed WHERE n % 2 = 0"
        return engine.table(query, settings=settings)["total"].to_pylist()

    engine.command("CREATE TABLE kept_decompressed (n UInt64) ENGINE = MergeTree ORDER BY n")
    try:
        engine.insert("kept_decompressed", pa.table({"n": pa.array(range(100_000), pa.uint64())}))
        totals = [total(READ_ONCE), total(READ_ONCE)]
        before = met()
        totals.append(total())
        assert met() == before  # nothing was kept of the two before
        totals.append(total())
        assert met() > before
        assert totals == [totals[0]] * 4
    finally:
        engine.command("DROP TABLE kept_decompressed SYNC")


def test_of_what_is_looked_for_by_many_keys_nothing_is_kept_decompressed() -> None:
    asked: list[object] = []

    class Engine:
        def put_in_memory(self, *_: object) -> None:
            pass

        def table(self, _: str, __: object, settings: object = None) -> None:
            asked.append(settings)

    lookup = KeyLookup(Engine())  # type: ignore[arg-type]
    for many in (128, 129):
        lookup.table(f"SELECT 1 WHERE 1 IN {KEYS}", range(many))
    assert asked == [None, READ_ONCE]


def test_what_is_kept_is_no_other_tables_of_the_same_name(engine: Engine) -> None:
    for value in (1, 2):
        engine.command("CREATE TABLE made_twice (n UInt64) ENGINE = MergeTree ORDER BY n")
        engine.insert("made_twice", pa.table({"n": pa.array([value] * 1000, pa.uint64())}))
        assert engine.rows("SELECT sum(n) FROM made_twice WHERE n > 0") == [(1000 * value,)]
        engine.command("DROP TABLE made_twice SYNC")


@pytest.mark.parametrize("failing", ["rows", "table"])
@pytest.mark.parametrize("following", ["rows", "table"])
def test_a_query_that_was_stopped_leaves_nothing_to_the_next_of_its_thread(
    failing: str, following: str, engine: Engine
) -> None:
    long = "SELECT number FROM numbers(4000000) WHERE throwIf(number = 3000000) = 0"
    for answer in (1, 2, 3):
        with pytest.raises(LedgerError):
            getattr(engine, failing)(long)
        found = getattr(engine, following)(f"SELECT {answer} AS number")
        assert (found if following == "rows" else found.to_pylist()) in ([(answer,)], [{"number": answer}])


def test_metrics_over_their_time_are_answered_503_with_when_to_try_again(
    hasty: Engine,
    ledger: Ledger,
    workspace: Workspace,
    client: httpx.Client,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job = workspace.jobs.create(title="Slow to count", labels=["A", "B"])
    lines = [b'{"raw_body": {}, "decision": {"label": "A"}}'] * 200
    assert workspace.ingest.bulk(job, lines).accepted == len(lines)
    tables = JobTables(hasty)
    slow = Answers(CountQuery(hasty, tables), KindQuery(hasty, tables), KeptCounts(hasty, tables, KeyLookup(hasty), 0))
    ask = hasty.rows

    def slowly(sql: str, *rest: object) -> object:
        return ask(sql.replace("WHERE 1", "WHERE sleepEachRow(0.01) = 0"), *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(hasty, "rows", slowly)
    with monkeypatch.context() as patched:
        patched.setattr(ledger, "answers", slow)
        answer = client.post(f"/api/v2/metrics/job?job_id={job.id}")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"].isdigit()
    assert answer.json() == {"error": "the query went over its time budget and was stopped"}
    assert client.post(f"/api/v2/metrics/job?job_id={job.id}").json()["total_events"] == len(lines)


def test_an_error_speaks_our_words_and_keeps_the_engines_for_the_log(engine: Engine) -> None:
    with pytest.raises(LedgerError) as failed:
        engine.rows("SELECT no_such_column FROM votes")
    assert str(failed.value) == "the ledger could not carry out a statement"
    assert "no_such_column" in str(failed.value.__cause__)


def test_many_parts_are_deleted_without_a_pool_of_threads(engine: Engine) -> None:
    def threads() -> int:
        return int(engine.rows("SELECT value FROM system.metrics WHERE metric = 'GlobalThread'")[0][0])

    engine.command("CREATE TABLE of_many_parts (n UInt64) ENGINE = MergeTree ORDER BY n")
    engine.command("SYSTEM STOP MERGES of_many_parts")
    for number in range(110):  # by default more than 100 outdated parts are deleted by 128 threads, which stay
        engine.command("INSERT INTO of_many_parts SELECT {n:UInt64}", {"n": number})
    before = threads()
    engine.command("DROP TABLE of_many_parts SYNC")
    assert threads() < before + 50


def test_parts_of_long_documents_are_merged_column_by_column(engine: Engine) -> None:
    """By default they are only where they have 131,072 rows, which long documents have in gigabytes."""
    columns = ", ".join(f"c{number} UInt64" for number in range(11))  # of fewer none is merged so
    engine.command(f"CREATE TABLE of_long_texts (n UInt64, text String, {columns}) ENGINE = MergeTree ORDER BY n")
    engine.command("SYSTEM STOP MERGES of_long_texts")
    for number in range(3):
        engine.command(
            "INSERT INTO of_long_texts (n, text) SELECT number, repeat('a', 20000) FROM numbers({n:UInt64}, 5000)",
            {"n": number},
        )
    engine.command("SYSTEM START MERGES of_long_texts")
    with ThreadPoolExecutor(1) as pool:
        merged = pool.submit(engine.command, "OPTIMIZE TABLE of_long_texts FINAL")
        met = set[str]()
        while not merged.done():
            merging = engine.rows("SELECT merge_algorithm FROM system.merges WHERE table = 'of_long_texts'")
            met |= {row[0] for row in merging}
        merged.result()
    engine.command("DROP TABLE of_long_texts SYNC")
    assert met - {"Undecided"} == {"Vertical"}


def test_the_engine_reads_its_configuration(engine: Engine) -> None:
    text = resources.files("trueline.ledger").joinpath("embedded.xml").read_text(encoding="utf-8")
    given = dict(re.findall(r"<(\w+)>(\d+)</", text))
    assert len(given) == 5
    rows = engine.rows("SELECT name, value FROM system.merge_tree_settings WHERE changed")
    assert given.items() <= {str(name): str(value) for name, value in rows}.items()
