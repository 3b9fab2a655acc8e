"""The columns that documents are laid out in: one for each path and kind of value.

A path is the keys on the way to a value joined by dots, through nesting and literal dots alike, and through
every list; so the values a filter on a path asks about stand together under that path. Each kind of value has
a column of its own, so that nothing is read into a value that was not sent:

- a path's column name holds ASCII letters, digits, ``_`` and escapes only, so no path can mean anything else;
- one text, 64-bit integer, everyday float or boolean stands in the column of its path and kind;
- a long text stands in one of its own, as the column of texts is made for those that come again;
- whatever is not (several values at one path, larger integers, extreme floats) stands in a column of lists of
  texts, each with a tag in front that keeps its kind;
- where a path holds an object, a column says so.
"""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from trueline.filters.numbers import number_text, parse_number

if TYPE_CHECKING:
    from collections.abc import Sequence

TEXT_TAG, NUMBER_TAG, BOOLEAN_TAG, OBJECT_TAG = "=", "#", "?", "{"

MAX_PATH_LENGTH = 1_024
LONGEST_TEXT: Final = 512
"""Characters of a text that stands in the column of texts. That has dictionaries of thousands of texts, and a merge has
one of them for each part that it reads, however long the texts are."""
MIN_INTEGER, MAX_INTEGER = -(2**63), 2**63 - 1
EXACT_FLOAT: Final = 2**53
"""Integers below it, and above its negative, are the same as doubles."""
_SMALLEST_PLAIN_FLOAT, _LARGEST_PLAIN_FLOAT = 1e-6, 1e21
_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_")


class ValueKind(StrEnum):
    """What a column of a path holds; the value begins the column's name."""

    TEXT = "text"
    LONG_TEXT = "longtext"
    INTEGER = "integer"
    DOUBLE = "double"
    BOOLEAN = "boolean"
    SEVERAL = "several"
    OBJECT = "object"


TEXTS: Final = frozenset({ValueKind.TEXT, ValueKind.LONG_TEXT})
"""The kinds of texts: what holds for one holds for the other."""

ARROW_TYPES: Final = {
    ValueKind.TEXT: pa.string(),
    ValueKind.LONG_TEXT: pa.string(),
    ValueKind.INTEGER: pa.int64(),
    ValueKind.DOUBLE: pa.float64(),
    ValueKind.BOOLEAN: pa.bool_(),
    ValueKind.SEVERAL: pa.list_(pa.string()),
    ValueKind.OBJECT: pa.bool_(),
}


@lru_cache(maxsize=16_384)  # documents share most of their paths
def escaped(path: str) -> str:
    """A path as part of a column's name: each byte that is no ASCII letter, digit or ``_`` becomes ``-XX``.

    Different paths have different names; the empty path is ``-``.
    """
    return "".join(chr(byte) if byte in _PLAIN else f"-{byte:02X}" for byte in path.encode()) or "-"


def path_of(name: str) -> str:
    """The path whose `escaped` form this is."""
    if name == "-":
        return ""
    first, *others = name.split("-")
    return (first.encode() + b"".join(bytes([int(each[:2], 16)]) + each[2:].encode() for each in others)).decode()


def column_name(kind: ValueKind, path: str) -> str:
    """The name of the column of a path's values of one kind."""
    return f"{kind}_{escaped(path)}"


def parts_of(column: str) -> tuple[ValueKind, str]:
    """The kind and the `escaped` path that a column's name says."""
    kind, _, name = column.partition("_")
    return ValueKind(kind), name


def tagged(value: str | float | bool) -> str:
    """A value as one text that keeps its kind."""
    if isinstance(value, str):
        return TEXT_TAG + value
    if isinstance(value, bool):
        return BOOLEAN_TAG + ("true" if value else "false")
    return NUMBER_TAG + number_text(value)


def untagged(value: str) -> str | float | bool:
    """The value that a tagged text keeps."""
    tag, bare = value[:1], value[1:]
    if tag == TEXT_TAG:
        return bare
    if tag == BOOLEAN_TAG:
        return bare == "true"
    number = parse_number(bare)
    if number is None:
        raise ValueError(f"{value!r} is no value of a document")
    return number


def are_exact(integers: pa.ChunkedArray) -> pa.ChunkedArray:
    """Which of some integers are the same as doubles."""
    return pc.and_(pc.less(integers, EXACT_FLOAT), pc.greater(integers, -EXACT_FLOAT))


def placed(value: Any) -> tuple[ValueKind, Any]:  # noqa: ANN401 - any value of JSON
    """The kind of column that a value of a path stands in, a list where it has several, and how it stands there."""
    if isinstance(value, str):
        return (ValueKind.TEXT if len(value) <= LONGEST_TEXT else ValueKind.LONG_TEXT), value
    if isinstance(value, bool):
        return ValueKind.BOOLEAN, value
    if isinstance(value, list):
        return ValueKind.SEVERAL, [tagged(member) for member in value]
    number = plain_number(value)
    if number is None:
        return ValueKind.SEVERAL, [tagged(value)]
    return (ValueKind.INTEGER if isinstance(number, int) else ValueKind.DOUBLE), number


def plain_number(value: float) -> int | float | None:
    """The number as the engine's own type keeps it exactly and writes it alike; None where it does not."""
    if isinstance(value, int):
        return value if MIN_INTEGER <= value <= MAX_INTEGER else None
    if value == 0:
        return 0.0
    return value if _SMALLEST_PLAIN_FLOAT <= abs(value) < _LARGEST_PLAIN_FLOAT else None


_KINDS: Final[dict[type, ValueKind]] = {
    str: ValueKind.TEXT,
    int: ValueKind.INTEGER,
    float: ValueKind.DOUBLE,
    bool: ValueKind.BOOLEAN,
}


def kind_of(value: type) -> ValueKind:
    """The kind of column that values of a type stand in, but for long texts and unusual numbers."""
    return _KINDS[value]


def columns_of(kind: ValueKind, path: str, values: Sequence[Any]) -> dict[str, pa.Array]:
    """The columns of values of one kind at one path, escaped; None where there is none.

    Long texts have one of their own; numbers that theirs does not keep, see `plain_number`, stand among the lists.
    """
    name = f"{kind}_{path}"
    try:
        column = pa.array(values, ARROW_TYPES[kind])
        missing = column.null_count
    except OverflowError:  # integers past 64 bits
        plain = [None if value is None or plain_number(value) is None else value for value in values]
        column = pa.array(plain, pa.int64())
        missing = values.count(None)
    if kind is ValueKind.TEXT:
        short, long = _by_length(column)
        return {name: short} if long is None else {name: short, f"{ValueKind.LONG_TEXT}_{path}": long}
    if kind is ValueKind.DOUBLE:
        column = _plain_floats(column)
    columns = {name: column}
    if column.null_count > missing:
        unusual = [None if value is None or plain_number(value) is not None else [tagged(value)] for value in values]
        columns[f"{ValueKind.SEVERAL}_{path}"] = pa.array(unusual, ARROW_TYPES[ValueKind.SEVERAL])
    return columns


def _plain_floats(column: pa.Array) -> pa.Array:
    """Floats as `plain_number` has them: extreme ones left out."""
    size = pc.abs(column)
    everyday = pc.and_(pc.greater_equal(size, _SMALLEST_PLAIN_FLOAT), pc.less(size, _LARGEST_PLAIN_FLOAT))
    zero = pc.equal(size, 0.0)
    # -0 becomes 0
    plain = pc.if_else(zero, 0.0, column)
    return pc.if_else(pc.or_(everyday, zero), plain, pa.scalar(None, pa.float64()))


def _by_length(texts: pa.StringArray) -> tuple[pa.StringArray, pa.StringArray | None]:
    """The short ones and the long ones, each in its row; None where none is long."""
    if (pc.max(pc.binary_length(texts)).as_py() or 0) <= LONGEST_TEXT:
        return texts, None
    are_long = pc.greater(pc.utf8_length(texts), LONGEST_TEXT)  # null where there is none
    if not pc.any(are_long).as_py():
        return texts, None
    none = pa.scalar(None, texts.type)
    if pc.all(are_long).as_py():  # as most often; without a copy of what may be megabytes
        return pa.nulls(len(texts), texts.type), texts
    return pc.if_else(are_long, none, texts), pc.if_else(are_long, texts, none)
