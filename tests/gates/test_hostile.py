"""Hostile documents are stored as they are or refused, and the gate would tell if one were lost or changed."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import httpx
import pytest

from gate import BrokenError
from hostile import GATE, Came, Sender, Told
from hostile_documents import classics, made_up, readable

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


def test_there_are_documents_of_both_kinds() -> None:
    kinds = [readable(each.encode(errors="surrogatepass")) is not None for each in [*made_up(100, 1), *classics()]]
    assert 40 < sum(kinds) < len(kinds) - 40


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
    ],
)
def test_a_line_that_is_not_judged_as_it_should_be_is_noticed(
    raw: bytes, status: int, rejected: list[dict[str, object]], match: str
) -> None:
    asked = sender(lambda _: httpx.Response(status, json={"accepted": 2, "replaced": 0, "rejected": rejected}))
    with pytest.raises(BrokenError, match=match):
        asked.in_bulk(Told(1), {"x": raw})


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
