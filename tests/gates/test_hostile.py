"""Hostile documents are stored as they are or refused, and the gate would tell if one were lost or changed."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING

import httpx
import pytest

import hostile
from gate import BrokenError
from hostile import GATE, Came, Sender, Told, import_files
from hostile_documents import (
    CELLS,
    DEEP,
    LONG_PATH,
    MANY_PATHS,
    NO_JSON,
    NO_OBJECT,
    NO_UTF8,
    NUMBER,
    SURROGATE,
    TIME,
    Judged,
    classics,
    judged,
    made_up,
    named,
    readable,
)
from hostile_files import write_files

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DOCUMENTS = 8


def test_hostile_documents_are_stored_faithfully_or_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    figures = GATE.run(tmp_path, DOCUMENTS, 1)
    with capsys.disabled():
        print(f"\nhostile: {figures}")  # noqa: T201 - the figure of the gate


@pytest.mark.parametrize(
    ("raw", "stored"),
    [
        (b'{"__proto__": -0}', True),
        (b'{"a": 1, "a": [2]}', True),
        (b'{"a": 1e400}', False),
        (b'{"a": NaN}', False),
        (rb'{"a": "\ud800"}', False),
        (rb'{"a": ["\ud800"], "a": 1}', False),
        (b'{"a": "\xff"}', False),
        (b'{"%b": null}' % (b"x" * 10_240), True),
        (b'{"%b": {}}' % (b"x" * 1_025), False),
        (b'{"%b": {"%b": 1}}' % (b"x" * 600, b"y" * 600), False),
        (b'{"d":' * 64 + b"1" + b"}" * 64, True),
        (b'{"d":' * 65 + b"1" + b"}" * 65, False),
        (b'{"@timestamp": "soon"}', False),
        (b"[]", False),
    ],
)
def test_what_is_to_be_stored_is_told_without_the_product(raw: bytes, stored: bool) -> None:
    assert (readable(raw) is not None) == stored


def test_there_are_documents_of_both_kinds_and_a_reason_for_each_that_may_be_refused() -> None:
    found = [judged(each.encode(errors="surrogatepass")) for each in [*made_up(100, 1), *classics()]]
    kinds = [each.document is not None for each in found]
    assert 40 < sum(kinds) < len(kinds) - 40
    assert [not each.reasons for each in found] == kinds
    assert {reason for each in found for reason in each.reasons} == {
        *(SURROGATE, NO_UTF8, NUMBER, DEEP, LONG_PATH, MANY_PATHS, TIME, NO_JSON, NO_OBJECT)
    }


@pytest.mark.parametrize(
    ("raw", "reasons"),
    [
        (b'{"a": 1e400}', {NUMBER}),
        (b'{"a": %b}' % (b"9" * 5_000), {NUMBER}),
        (b'{"a": 1e400, "b": "\xff", "c": "\\ud800"}', {NUMBER, NO_UTF8, SURROGATE}),
        (b'{"a": 1e400, "b": }', {NUMBER, NO_JSON}),
        (b'{"b": , "a": 1e400}', {NO_JSON}),
        (b'{"a": NaN}', {NO_JSON}),
        (rb'{"a": "\ud83d\ude00\ude00"}', {SURROGATE}),
        (rb'{"a": "\ud83d\ude00", "a": }', {NO_JSON}),
        (b'{"a": "\0"}', {NO_JSON}),
        (b'{"%b": {"%b": 1}}' % (b"x" * 600, b"y" * 600), {LONG_PATH}),
        (b'{"d":' * 65 + b"1" + b"}" * 65, {DEEP}),
        (b'{"d":' + b"[" * 100_000 + b"]" * 100_000 + b"}", {DEEP}),
        (b'{"%b": %b}' % (b"x" * 1_025, b'{"d":' * 64 + b"1" + b"}" * 64), {DEEP, LONG_PATH}),
        (b'{"@timestamp": "soon"}', {TIME}),
        (b'{"@timestamp": "soon", "%b": 1}' % (b"x" * 1_025), {LONG_PATH}),
        (b"[]", {NO_OBJECT}),
        (b"", {NO_JSON, NO_OBJECT}),
    ],
)
def test_for_what_a_document_may_be_refused_is_told_without_the_product(raw: bytes, reasons: set[str]) -> None:
    assert judged(raw) == Judged(None, frozenset(reasons))


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ("JSON is malformed: invalid utf-16 surrogate pair (byte 9)", SURROGATE),
        ("JSON is malformed: unexpected end of hex escape (byte 9)", SURROGATE),
        ("the body is no JSON object: JSON is malformed: invalid character (byte 9)", NO_JSON),
        ("no JSON object", NO_OBJECT),
        ("2 cells where the header has 8", CELLS),
        ("no", None),
        ("", None),
    ],
)
def test_the_reason_that_an_error_names(error: str, reason: str | None) -> None:
    assert named(error) == reason


def sender(answer: Callable[[httpx.Request], httpx.Response]) -> Sender:
    client = httpx.Client(base_url="http://server", transport=httpx.MockTransport(answer))
    return Sender(client, random.Random(1), Came())  # noqa: S311 - test data


@pytest.mark.parametrize(
    ("raw", "status", "rejected", "match"),
    [
        (b'{"a": 1}', 200, [{"line": 2, "error": "no"}], "is refused"),
        (b'{"a": 1}', 200, [{"line": 1, "error": "no"}], "is refused"),
        (b'{"a": 1e400}', 200, [], "is taken"),
        (b'{"a": 1e400}', 500, [], "answered 500"),
        (b'{"a": 1e400}', 200, [{"line": 2, "error": "no"}], "is for something else"),
        (b'{"a": 1e400}', 200, [{"line": 2, "error": "JSON is malformed: invalid number"}], "is for something else"),
    ],
)
def test_a_line_that_is_not_judged_as_it_should_be_is_noticed(
    raw: bytes, status: int, rejected: list[dict[str, object]], match: str
) -> None:
    asked = sender(lambda _: httpx.Response(status, json={"accepted": 2, "replaced": 0, "rejected": rejected}))
    with pytest.raises(BrokenError, match=match):
        asked.in_bulk(Told(1), {"x": raw})


def test_a_line_that_is_refused_by_name_is_counted_by_its_reason() -> None:
    rejected = [{"line": 2, "error": "raw_body: Number out of range - at `$[...]`"}]
    came = Came()
    answer = httpx.MockTransport(lambda _: httpx.Response(200, json={"rejected": rejected}))
    client = httpx.Client(base_url="http://server", transport=answer)
    Sender(client, random.Random(1), came).in_bulk(Told(1), {"x": b'{"a": 1e400}'})  # noqa: S311 - test data
    assert (came.stored, came.refused) == (2, {NUMBER: 1})


@pytest.mark.parametrize("change", ["nothing", "a number", "a row", "a reason", "a rejected row"])
def test_an_import_that_changes_or_loses_rows_is_noticed(
    change: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = write_files(tmp_path)
    errors = {NO_UTF8: "the row is not UTF-8", CELLS: "2 cells where the header has 8"}

    def imported(_: str, file: str, *__: str, folder: Path) -> str:
        rejected = [
            {"line": number, "row": None, "error": "no" if change == "a reason" else errors[reason]}
            for number, row in rows[file.removeprefix("hostile.")].items()
            for reason in row.reasons
        ]
        lines = [json.dumps(each) for each in (rejected[1:] if change == "a rejected row" else rejected)]
        (folder / f"{file}.rejected.ndjson").write_text("\n".join(lines))
        return ""

    def answer(request: httpx.Request) -> httpx.Response:
        kinds = list(rows)
        if request.method == "GET" and request.url.path == "/api/v2/jobs":
            return httpx.Response(
                200, json=[{"job_id": job, "title": f"hostile {kind}"} for job, kind in enumerate(kinds)]
            )
        if request.url.path == "/api/v2/events/query":
            kind = kinds[json.loads(request.content)["job_ids"]]
            events = [
                {"event_id": f"hostile.{kind}:{number}", "raw_event": row.document}
                for number, row in rows[kind].items()
                if row.document is not None
            ]
            if change == "a number" and kind == "parquet":
                events[0]["raw_event"] = rows[kind][1].document | {"__proto__": 1.0}  # type: ignore[operator]
            return httpx.Response(200, json={"total_count": len(events) - (change == "a row"), "events": events})
        if request.url.path.endswith("/export"):
            _, _, _, _, job, name, _ = request.url.path.split("/")
            row = rows[kinds[int(job)]][int(name.rpartition(":")[2])]
            return httpx.Response(200, json={"arcanna_event": row.document})
        return httpx.Response(200, json={"corrected": 0})

    monkeypatch.setattr(hostile, "trueline", imported)
    monkeypatch.setattr(hostile, "write_files", lambda _: {kind: rows[kind] for kind in ("csv", "parquet")})
    if change == "nothing":
        files = import_files(tmp_path, "http://server", "key", sender(answer))
        assert [len(told.documents) for told in files] == [3, 3]
    else:
        with pytest.raises(BrokenError):
            import_files(tmp_path, "http://server", "key", sender(answer))


def test_a_document_that_is_read_back_as_another_is_noticed() -> None:
    told = Told(1, documents={"x": {"a": 1.0}})
    found = {"total_count": 1, "events": [{"event_id": "x", "raw_event": {"a": 1}}]}
    with pytest.raises(BrokenError, match="read back"):
        sender(lambda _: httpx.Response(200, json=found)).read_back(told)
    with pytest.raises(BrokenError, match="0 events"):
        sender(lambda _: httpx.Response(200, json=found | {"total_count": 0})).read_back(told)


def test_a_filter_that_finds_too_many_is_noticed() -> None:
    told = Told(1, documents={"x": {"a": 1.0}})
    answer = {"total_events": 7, "events": []}
    with pytest.raises(BrokenError, match="finds 7 instead of 0"):
        sender(lambda _: httpx.Response(200, json=answer)).compare(told, 1)
