"""Documents made ready for filters: flat, one column a path, every value plainly of one kind.

A path is the keys on the way to a value joined by dots, through nesting and literal dots alike, and through
every list; so the values a filter on a path asks about stand together under that path. Three things keep
the engine from reading more into a document than was sent:

- a path's column name holds ASCII letters, digits, ``_`` and escapes only, so no path can mean anything else;
- texts carry a tag in front, so that none looks like a date or a number to the engine's type inference;
- whatever is not one plain text, boolean, 64-bit integer or everyday float (several values at one path,
  larger integers, extreme floats) stands as a list of tagged texts in a second column of the path.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from trueline.filters.numbers import number_text

if TYPE_CHECKING:
    from collections.abc import Mapping

TEXT_TAG, NUMBER_TAG, BOOLEAN_TAG = "=", "#", "?"
SEVERAL = "~"
"""Ends the name of a path's second column."""

MAX_DEPTH = 64
MAX_PATHS = 2_048
MAX_PATH_LENGTH = 1_024
MIN_INTEGER, MAX_INTEGER = -(2**63), 2**63 - 1
_EXACT_FLOAT = 2**53
_SMALLEST_PLAIN_FLOAT, _LARGEST_PLAIN_FLOAT = 1e-6, 1e21
_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_")

_encode = msgspec.json.Encoder().encode


class DocumentError(ValueError):
    """A document that cannot be kept searchable."""


class _ColumnNames(dict[str, str]):
    """The names of the columns of paths met of late."""

    _MOST = 65_536

    def __missing__(self, path: str) -> str:
        if len(path) > MAX_PATH_LENGTH:
            raise DocumentError(f"the path {path[:40]!r}… is longer than {MAX_PATH_LENGTH} characters")
        if len(self) >= self._MOST:
            self.clear()
        name = self[path] = column_name(path)
        return name


_NAMES = _ColumnNames()


def column_name(path: str) -> str:
    """The name of a path's column: each byte that is no ASCII letter, digit or ``_`` becomes ``-XX``.

    Different paths have different names; the empty path is ``-``.
    """
    return "".join(chr(byte) if byte in _PLAIN else f"-{byte:02X}" for byte in path.encode()) or "-"


def searchable(document: dict[str, Any]) -> tuple[str, list[str]]:
    """The document as the engine keeps it for filters: its columns as JSON, and the paths that hold objects.

    Raises:
        DocumentError: nested too deeply, too many or too long paths.
    """
    try:  # flat and all text, as rows of a table are
        texts = {_NAMES[key]: TEXT_TAG + value for key, value in document.items()}
        if len(texts) <= MAX_PATHS:
            return _encode(texts).decode(), []
    except TypeError:
        pass
    plain: dict[str, Any] = {}
    found: list[str] = []
    if _collect_plain(document, "", plain, found, 1) and len(plain) + len(found) <= MAX_PATHS:
        return _encode(plain).decode(), found
    values: dict[str, Any] = {}
    objects: set[str] = set()
    _collect(document, "", values, objects, 1)
    if len(values) + len(objects) > MAX_PATHS:
        raise DocumentError(f"the document has more than {MAX_PATHS} distinct paths")
    columns: dict[str, Any] = {}
    for path, value in values.items():
        kind = type(value)
        if kind is str:
            columns[_NAMES[path]] = TEXT_TAG + value
        elif kind is bool:
            columns[_NAMES[path]] = value
        elif kind is list:
            columns[_NAMES[path] + SEVERAL] = [tagged(member) for member in value]
        else:
            number = _plain_number(value)
            if number is None:
                columns[_NAMES[path] + SEVERAL] = [tagged(value)]
            else:
                columns[_NAMES[path]] = number
    return _encode(columns).decode(), sorted(objects)


def tagged(value: str | float | bool) -> str:
    """A value as one text that keeps its kind."""
    if isinstance(value, str):
        return TEXT_TAG + value
    if isinstance(value, bool):
        return BOOLEAN_TAG + ("true" if value else "false")
    return NUMBER_TAG + number_text(value)


def values_at(document: dict[str, Any], path: str) -> list[str]:
    """The values a path reaches in a document, each as a tagged text, in the order of the document."""
    values: dict[str, Any] = {}
    _collect(document, "", values, set(), 1)
    found = values.get(path, [])
    return [tagged(value) for value in (found if isinstance(found, list) else [found])]


def _plain_number(value: float) -> int | float | None:
    """The number as the engine's own type keeps it exactly and writes it alike; None where it does not."""
    if isinstance(value, int):
        return value if MIN_INTEGER <= value <= MAX_INTEGER else None
    if value.is_integer() and abs(value) < _EXACT_FLOAT:
        return int(value)
    return value if _SMALLEST_PLAIN_FLOAT <= abs(value) < _LARGEST_PLAIN_FLOAT else None


def _collect_plain(
    document: Mapping[str, Any], prefix: str, columns: dict[str, Any], objects: list[str], depth: int
) -> bool:
    """Collect the columns of a document without lists, repeated paths and unusual numbers, as most are.

    Several times as fast as `_collect`; False where that is needed, and then what was collected is void.
    """
    for key, value in document.items():
        path = prefix + key
        kept: Any = value
        if isinstance(value, str):
            kept = TEXT_TAG + value
        elif isinstance(value, dict):
            objects.append(path)
            if depth >= MAX_DEPTH or not _collect_plain(value, f"{path}.", columns, objects, depth + 1):
                return False
            continue
        elif value is None:
            continue
        elif isinstance(value, list):
            return False
        elif not isinstance(value, bool):
            kept = _plain_number(value)
        name = _NAMES[path]
        if kept is None or name in columns:
            return False
        columns[name] = kept
    return len(objects) == len(set(objects))


def _collect(
    value: dict[str, Any] | list[Any], path: str, values: dict[str, Any], objects: set[str], depth: int
) -> None:
    if depth > MAX_DEPTH:
        raise DocumentError(f"the document is nested more than {MAX_DEPTH} deep")
    if isinstance(value, dict):
        prefix = f"{path}." if depth > 1 else ""
        members = [(prefix + key, member) for key, member in value.items()]
    else:
        members = [(path, member) for member in value]
    for at, member in members:
        if isinstance(member, dict | list):
            if isinstance(member, dict):
                objects.add(at)
            _collect(member, at, values, objects, depth + 1)
        elif member is not None:
            _keep(member, at, values)


def _keep(value: object, path: str, values: dict[str, Any]) -> None:
    if path not in values:
        values[path] = value
    elif isinstance(values[path], list):
        values[path].append(value)
    else:
        values[path] = [values[path], value]
