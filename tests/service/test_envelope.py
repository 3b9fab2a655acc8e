"""What is said of an event beside its document."""

from __future__ import annotations

import json

import pytest

from trueline.service.envelope import enclosed
from trueline.service.lines import LineError


def test_a_document_of_which_nothing_is_said_stays_to_the_letter() -> None:
    assert enclosed(b'{ "a": 1.0 }', {}) == b'{ "a": 1.0 }'


def test_what_is_said_is_one_more_member_and_the_others_stay_to_the_letter() -> None:
    body = b'{"a": 1.0, "b": 123456789012345678901234567890, "c": {"d" : [1e2]}}'
    made = enclosed(body, {"title": "Port scan", "severity": 3})
    assert json.loads(made)["arcanna_envelope"] == {"title": "Port scan", "severity": 3}
    for part in (b'"a":1.0', b"123456789012345678901234567890", b'{"d" : [1e2]}'):
        assert part in made


def test_what_is_said_now_goes_over_what_an_exported_document_says() -> None:
    exported = enclosed(b'{"a":1}', {"title": "Port scan", "storage_tag": "north"})
    made = json.loads(enclosed(exported, {"storage_tag": "south"}))
    assert made == {"a": 1, "arcanna_envelope": {"title": "Port scan", "storage_tag": "south"}}


@pytest.mark.parametrize("body", [b'{"arcanna_envelope": "letter"}', b'{"arcanna_envelope": null}', b"[]"])
def test_a_document_that_needs_the_member_for_something_else_is_refused(body: bytes) -> None:
    with pytest.raises(LineError, match="arcanna_envelope is kept for title"):
        enclosed(body, {"title": "Port scan"})
