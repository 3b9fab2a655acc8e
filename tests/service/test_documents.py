"""The documents of a request, read by what those before them were like."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from trueline.ledger import layouts
from trueline.ledger.documents import DocumentError, laid_out, searchable
from trueline.ledger.layouts import Fitted
from trueline.service.documents import LEARNED_FROM, DocumentReader
from trueline.service.lines import LineError


def firewall(number: int) -> dict[str, Any]:
    return {"source": {"ip": f"10.0.0.{number % 256}", "port": number}, "action": "deny", "bytes": number / 2}


def mail(number: int) -> dict[str, Any]:
    return {"from": f"{number}@example.org", "headers": {"subject": "x"}, "size": number, "tags": ["a", number]}


def stray(number: int) -> dict[str, Any]:
    return {f"key {number}": {"of its own": number}}


def bodies(documents: list[dict[str, Any]]) -> list[bytes]:
    return [json.dumps(document).encode() for document in documents]


def fitted(read: list[Any]) -> int:
    return sum(isinstance(each.made, Fitted) for each in read)


def test_few_documents_are_read_without_a_layout() -> None:
    reader = DocumentReader(64)
    assert not fitted([reader.read(each) for each in bodies([firewall(n) for n in range(LEARNED_FROM)])])


def test_what_comes_after_is_read_by_it() -> None:
    reader = DocumentReader(64)
    read = [reader.read(each) for each in bodies([firewall(n) for n in range(1_000)])]
    assert fitted(read) == 1_000 - LEARNED_FROM


def test_another_kind_of_documents_gets_a_layout_too() -> None:
    reader = DocumentReader(64)
    documents = [firewall(n) for n in range(200)] + [mail(n) for n in range(500)] + [firewall(n) for n in range(200)]
    read = [reader.read(each) for each in bodies(documents)]
    assert fitted(read[400:]) > 400


def test_two_kinds_in_turns_share_one() -> None:
    reader = DocumentReader(64)
    read = [reader.read(each) for each in bodies([(mail if n % 2 else firewall)(n) for n in range(1_000)])]
    assert fitted(read) == 1_000 - LEARNED_FROM


def test_documents_without_anything_in_common_are_read_without_one() -> None:
    reader = DocumentReader(64)
    assert not fitted([reader.read(each) for each in bodies([stray(n) for n in range(1_000)])])


@pytest.mark.parametrize("seed", range(4))
def test_whatever_comes_is_laid_out_as_if_read_alone(seed: int) -> None:
    draw = random.Random(seed)  # noqa: S311
    makes = [firewall, mail, stray]
    documents = []
    for first in range(0, 1_200, 150):
        weights = [draw.random() for _ in makes]
        documents += [draw.choices(makes, weights)[0](n) for n in range(first, first + 150)]
    reader = DocumentReader(64)
    found = laid_out([reader.read(each).made for each in bodies(documents)]).to_pylist()
    alone = laid_out([searchable(each) for each in documents]).to_pylist()
    assert [{k: v for k, v in row.items() if v is not None} for row in found] == [
        {k: v for k, v in row.items() if v is not None} for row in alone
    ]


def test_what_stands_at_a_key_of_its_own_is_told_alike_before_and_after() -> None:
    reader = DocumentReader(64)
    texts = bodies([{"t": f"{n}", "o": {"n": n}, "b": None, "n": n} for n in range(2 * LEARNED_FROM)])
    read = [reader.read(each) for each in texts]
    assert [each.at("t") for each in read] == [f"{n}" for n in range(2 * LEARNED_FROM)]
    for each in (read[0], read[-1]):
        assert (each.at("b"), each.at("nothing"), each.at("n")) in {(None, None, 0), (None, None, 127)}
        assert not isinstance(each.at("o"), str | None)
    assert reader.read(b'{"t":null,"n":1}').at("t") is None
    assert reader.read(b'{"n":1}').at("o") is None


def test_very_many_keys_are_not_learned(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[int] = []
    learn = layouts._Known.learn  # noqa: SLF001

    def noted(known: layouts._Known, document: dict[str, Any], among: dict[str, Any]) -> int:
        met = learn(known, document, among)
        kept.append(known.size)
        return met

    monkeypatch.setattr(layouts._Known, "learn", noted)  # noqa: SLF001
    reader = DocumentReader(64)
    wide = [{"p": {f"{n} {place}": None for place in range(2_000)}} for n in range(LEARNED_FROM)]
    assert not fitted([reader.read(each) for each in bodies(wide)])
    assert max(kept) <= layouts.MOST_PLACES + 1


def test_the_same_keys_in_another_order_have_the_same_layout() -> None:
    keys = ["a", "b", "c", "d"]
    made = []
    for turn in range(4):
        reader = DocumentReader(64)
        some = bodies([{key: {"n": n} for key in keys[turn:] + keys[:turn]} for n in range(LEARNED_FROM + 1)])
        made.append([reader.read(each) for each in some][-1].made)
    assert len({id(each.layout) for each in made if isinstance(each, Fitted)}) == 1
    assert all(isinstance(each, Fitted) for each in made)


def test_what_cannot_be_read_is_refused_before_and_after_there_is_a_layout() -> None:
    reader = DocumentReader(3)
    good = bodies([{"a": n, "b": "x"} for n in range(2 * LEARNED_FROM)])
    for _ in range(2):
        for body in good:
            reader.read(body)
        with pytest.raises(LineError, match="raw_body"):
            reader.read(b'{"a":1')
        with pytest.raises(DocumentError, match="nested more than 3 deep"):
            reader.read(b'{"a":{"b":{"c":{}}}}')
        with pytest.raises(DocumentError, match="nested more than 3 deep"):
            reader.read(b'{"a":[[[1]]],"b":"x"}')
