"""``--filter``: field, the longest operator, value."""

from __future__ import annotations

from typing import Any

import pytest

from trueline.cli.filter_flag import parse_filter_flag
from trueline.cli.sentences import Misuse


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("severity is high", ("severity", "is", "high")),
        ("severity is not high", ("severity", "is not", "high")),
        ('severity is one of ["a", 5]', ("severity", "is one of", ["a", 5])),
        ('severity is not one of ["a"]', ("severity", "is not one of", ["a"])),
        ("Compromised Entity starts with web 1", ("Compromised Entity", "starts with", "web 1")),
        ("name not contains is not", ("name", "not contains", "is not")),
        ("name contains 5", ("name", "contains", "5")),
        ("count gte 5", ("count", "gte", 5)),
        ("count lt 0.5", ("count", "lt", 0.5)),
        ("@timestamp gt 2025-01-01", ("@timestamp", "gt", "2025-01-01")),
        ("flag is true", ("flag", "is", True)),
        ("name is null", ("name", "is", "null")),
        ("name is 007", ("name", "is", "007")),
        ('name is "x"', ("name", "is", '"x"')),
        ("name is NaN", ("name", "is", "NaN")),
    ],
)
def test_filters(text: str, expected: tuple[Any, ...]) -> None:
    assert parse_filter_flag(text) == dict(zip(("field", "operator", "value"), expected, strict=True))


@pytest.mark.parametrize("operator", ["exists", "not exists"])
def test_exists_takes_no_value(operator: str) -> None:
    assert parse_filter_flag(f"a.b {operator}") == {"field": "a.b", "operator": operator}
    with pytest.raises(Misuse, match="takes none"):
        parse_filter_flag(f"a.b {operator} x")


@pytest.mark.parametrize(
    ("text", "message"),
    [("severity", "is not FIELD"), ("severity equals 5", "operators are is, "), ("severity is", "lacks a value")],
)
def test_what_is_no_filter(text: str, message: str) -> None:
    with pytest.raises(Misuse, match=message):
        parse_filter_flag(text)
