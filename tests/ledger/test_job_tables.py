"""A job's table grows with its documents, up to a number of paths; beyond it filters find what they did before."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from trueline.ledger.job_tables import JobTables

if TYPE_CHECKING:
    from collections.abc import Callable

    from trueline.catalog.records import Job
    from trueline.ledger.engine import Engine
    from trueline.ledger.store import Ledger
    from trueline.service.workspace import Workspace

DOCUMENTS: list[dict[str, Any]] = [
    {"a": 1, "b": "x"},
    {"a": "5", "c": True, "d": {"e": 2.5}},
    {"d": {"e": [1, "two", None, {"f": 3}]}, "g": None, "h": []},
    {"d": {}, "i": ["true", False, 5.0], "": "empty"},
    {"a": {"b": 1}, "a.b": 1, "k'`\\": "quoted"},
    {"i": 2**70, "c": "true", "j": "2025-01-01"},
]
FIELDS = ["a", "b", "a.b", "c", "d", "d.e", "d.e.f", "g", "h", "i", "j", "", "k'`\\", "nowhere"]
ASKED: list[dict[str, Any]] = [
    {"operator": "exists"},
    {"operator": "not exists"},
    *({"operator": "is", "value": value} for value in (1, "1", "x", True, "true", 2.5, 5, "", "quoted", 2**70, "{")),
    {"operator": "is not one of", "value": ["two", 3, False]},
    *({"operator": operator, "value": value} for operator in ("contains", "starts with") for value in ("t", "", "{")),
    *({"operator": operator, "value": value} for operator in ("lt", "gte") for value in (3, 2.5, "2025-06-01")),
]


def sent(workspace: Workspace, title: str) -> Job:
    job = workspace.jobs.create(title=title, labels=["A", "B"])
    for number, document in enumerate(DOCUMENTS):
        line = {"event_id": str(number), "raw_body": document, "decision": {"label": "A"}}
        assert not workspace.ingest.bulk(job, [json.dumps(line).encode()]).rejected
    workspace.ingest.decide(job, "3", label="B")
    again = {"event_id": "1", "raw_body": DOCUMENTS[2]}
    assert workspace.ingest.bulk(job, [json.dumps(again).encode()]).replaced == 1
    return job


def found(workspace: Workspace, job: Job, asked: dict[str, Any]) -> list[list[int]]:
    matrix: list[list[int]] = workspace.metrics.job(job.id, filters=[asked])["confusion_matrix"]
    return matrix


def test_paths_beyond_the_columns_are_found_as_those_with_columns(
    workspace: Workspace, ledger: Ledger, fresh_title: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with_columns = sent(workspace, fresh_title())
    monkeypatch.setattr(ledger._tables, "_max_paths", 2)  # noqa: SLF001
    without = sent(workspace, fresh_title())
    assert columns(ledger.engine, without) == {"integer_a", "text_a", "text_b", "object_a"}
    assert len(columns(ledger.engine, with_columns)) > 12
    matching = 0
    for field in FIELDS:
        for asked in ASKED:
            expected = found(workspace, with_columns, {"field": field, **asked})
            assert found(workspace, without, {"field": field, **asked}) == expected, (field, asked)
            matching += 0 < sum(map(sum, expected)) < len(DOCUMENTS)
    assert matching > 50


@pytest.mark.parametrize("now", [2, 5, 2_048])
def test_a_job_whose_paths_overflowed_is_answered_alike_under_any_later_limit(
    now: int, workspace: Workspace, ledger: Ledger, fresh_title: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    alike = workspace.jobs.create(title=fresh_title(), labels=["A", "B"])
    job = workspace.jobs.create(title=fresh_title(), labels=["A", "B"])
    documents: list[dict[str, Any]] = [{"a": 1, "b": 2}, {"c": 3}, {"c": 4, "d": "x"}, {"d": "y", "e": 1}]
    for place, document in enumerate(documents):
        line = json.dumps({"event_id": str(place), "raw_body": document, "decision": {"label": "A"}}).encode()
        assert workspace.ingest.bulk(alike, [line]).accepted == 1
        monkeypatch.setattr(ledger._tables, "_max_paths", 2 if place < 2 else now)  # noqa: SLF001
        if place == 2:
            ledger._tables._tables.pop(job.id)  # noqa: SLF001 - as after a start
        assert workspace.ingest.bulk(job, [line]).accepted == 1
    assert columns(ledger.engine, job) == {"integer_a", "integer_b"}
    assert workspace.fields.breadth(job)["others_searched_slowly"]
    assert not workspace.fields.breadth(alike)["note"]
    for field in "abcdefg":
        for asked in ({"operator": "exists"}, {"operator": "is", "value": "x"}, {"operator": "gte", "value": 3}):
            expected = found(workspace, alike, {"field": field, **asked})
            assert found(workspace, job, {"field": field, **asked}) == expected


def test_a_batch_of_very_many_paths_fills_the_columns_and_no_more(
    workspace: Workspace, ledger: Ledger, fresh_title: Callable[[], str]
) -> None:
    job = workspace.jobs.create(title=fresh_title(), labels=["A", "B"])
    lines = [
        json.dumps(
            {
                "event_id": str(row),
                "raw_body": {f"p{row * 20 + place}": row for place in range(20)},
                "decision": {"label": "A"},
            }
        ).encode()
        for row in range(300)
    ]
    assert workspace.ingest.bulk(job, lines).accepted == 300
    again = json.dumps({"event_id": "x", "raw_body": {"p5999": 299, "p0": 0, "new": 0}, "decision": {"label": "B"}})
    assert workspace.ingest.bulk(job, [again.encode()]).accepted == 1
    assert len(columns(ledger.engine, job)) == 2_048
    assert workspace.fields.breadth(job) | {"note": ""} == {
        "searched_fast": 2_048,
        "at_most": 2_048,
        "others_searched_slowly": True,
        "note": "",
    }
    for path, value, matrix in [
        ("p0", 0, [[1, 0], [0, 1]]),
        ("p5998", 299, [[1, 0], [0, 0]]),
        ("p5999", 299, [[1, 0], [0, 1]]),
        ("new", 0, [[0, 0], [0, 1]]),
    ]:
        assert found(workspace, job, {"field": path, "operator": "is", "value": value}) == matrix
    files = ledger.engine._files  # noqa: SLF001
    assert files is not None
    sealed = files.seal._definitions.files  # noqa: SLF001 - after a kill they have to be those that are there
    assert {name: (files.folder / name).stat().st_size for name in sealed} == {
        name: size for name, (size, _) in sealed.items()
    }


def test_a_table_is_known_again_after_it_was_closed(
    workspace: Workspace, ledger: Ledger, fresh_title: Callable[[], str]
) -> None:
    job = sent(workspace, fresh_title())
    known, again = JobTables(ledger.engine).of(job.id), JobTables(ledger.engine).of(job.id)
    assert known == again
    assert known.columns == columns(ledger.engine, job)
    assert not known.has_others


def test_versions_that_were_replaced_keep_every_column_that_events_have(
    workspace: Workspace, ledger: Ledger, fresh_title: Callable[[], str]
) -> None:
    """Those that were there, those that came since, and those that a process ended before adding."""
    job = workspace.jobs.create(title=fresh_title(), labels=["A", "B"])
    for body in (b'{"a": 1}', b'{"b": "x"}', b'{"c": true}'):
        assert workspace.ingest.bulk(job, [b'{"event_id": "e", "raw_body": ' + body + b"}"]).accepted == 1
    replaced = f"replaced_{job.id}"
    assert ledger._tables.of(job.id).replaced == replaced  # noqa: SLF001
    kept = types(ledger.engine, job, "replaced")
    assert kept == types(ledger.engine, job)
    counting = "SELECT count() FROM {replaced:Identifier}"
    assert ledger.engine.rows(counting, {"replaced": replaced})[0][0] == 2
    ledger.engine.command(f"ALTER TABLE {replaced} DROP COLUMN boolean_c")
    assert JobTables(ledger.engine).of(job.id).replaced == replaced
    assert types(ledger.engine, job, "replaced") == kept


@pytest.mark.parametrize(("rows", "kind"), [(999, "LowCardinality(Nullable(String))"), (1_000, "Nullable(String)")])
def test_texts_that_are_all_different_get_no_dictionary(
    rows: int, kind: str, workspace: Workspace, ledger: Ledger, fresh_title: Callable[[], str]
) -> None:
    job = workspace.jobs.create(title=fresh_title(), labels=["A", "B"])
    lines = [b'{"event_id": "%d", "raw_body": {"id": "%d", "of": "%d"}}' % (n, n, n % 7) for n in range(rows)]
    assert workspace.ingest.bulk(job, lines).accepted == rows
    assert types(ledger.engine, job) == {"text_id": kind, "text_of": "LowCardinality(Nullable(String))"}


def columns(engine: Engine, job: Job) -> set[str]:
    return set(types(engine, job))


def types(engine: Engine, job: Job, table: str = "events") -> dict[str, str]:
    """The columns that the table of a job has for paths, with their types."""
    rows = engine.rows(
        "SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = {table:String}"
        " AND match(name, '^(text|integer|double|boolean|several|object)_')",
        {"table": f"{table}_{job.id}"},
    )
    return {row[0]: row[1] for row in rows}


def test_whole_numbers_join_the_doubles_of_their_path_unless_they_would_not_stay_the_same(
    workspace: Workspace, ledger: Ledger, fresh_title: Callable[[], str]
) -> None:
    job = workspace.jobs.create(title=fresh_title(), labels=["A", "B"])

    def send(*values: float) -> None:
        lines = [
            json.dumps({"event_id": str(value), "raw_body": {"n": value}, "decision": {"label": "A"}}).encode()
            for value in values
        ]
        assert workspace.ingest.bulk(job, lines).accepted == len(values)

    send(1, 2**53)  # before there are any doubles
    send(2, 2.5, 2**53 - 1, 2**53 + 1, -(2**53), 3.0)
    send(3)
    rows = ledger.engine.rows(
        "SELECT integer_n, double_n FROM {table:Identifier} ORDER BY integer_n, double_n", {"table": f"events_{job.id}"}
    )
    assert rows == [
        (-(2**53), None),
        (1, None),
        (2**53, None),
        (2**53 + 1, None),
        (None, 2.0),
        (None, 2.5),
        (None, 3.0),
        (None, 3.0),
        (None, 2.0**53 - 1),
    ]
    send(1)  # sent again: what is taken back is found where it is put back
    asked = {"field": "n", "operator": "lt", "value": 2}
    assert found(workspace, job, asked)[0][0] == 2
    for value, events in ((1, 1), (2, 1), (3, 2), (2**53 - 1, 1), (2**53, 1), (2**53 + 1, 1), ("3", 2)):
        assert found(workspace, job, {"field": "n", "operator": "is", "value": value})[0][0] == events, value
    assert found(workspace, job, {"field": "n", "operator": "starts with", "value": "3"})[0][0] == 2
    assert found(workspace, job, {"field": "n", "operator": "contains", "value": "."})[0][0] == 1
