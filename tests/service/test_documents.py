"""The documents of a request, read by what those before them were like."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

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
    return sum(isinstance(each, Fitted) for each in read)


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
    found = laid_out([reader.read(each) for each in bodies(documents)]).to_pylist()
    alone = laid_out([searchable(each) for each in documents]).to_pylist()
    assert [{k: v for k, v in row.items() if v is not None} for row in found] == [
        {k: v for k, v in row.items() if v is not None} for row in alone
    ]


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
