"""Reaching into documents by dot path, and keeping or dropping parts of them."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from trueline.importers.errors import MappingError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from trueline.importers.mapping import ColumnMapping

Document = dict[str, object]


def at_path(path: str) -> Callable[[Document], object]:
    """A function from a document to its value at a dot path, ``None`` where there is none.

    A key that itself contains dots is found by its literal name, which goes before nesting.
    """
    if "." not in path:
        return lambda document: document.get(path)

    def value(document: Document) -> object:
        trail = _trail(document, path)
        if trail is None:
            return None
        found: object = document
        for key in trail:
            found = found[key]  # type: ignore[index]  # the trail was walked through objects
        return found

    return value


def body_of(mapping: ColumnMapping) -> Callable[[Document], Document] | None:
    """A function from a document to what of it is kept; ``None`` where that is all of it."""
    if mapping.columns is not None:
        kept = tuple(mapping.columns)
        return lambda document: _only(document, kept)
    if mapping.drop is not None:
        dropped = tuple(mapping.drop)
        return lambda document: _without(document, dropped)
    return None


def check_columns(mapping: ColumnMapping, header: Sequence[str], file: str) -> None:
    """Refuse a mapping that names a column which the file does not have.

    Raises:
        MappingError: It names the column, the file and the nearest name there is.
    """
    for column in mapping.named_columns():
        if column not in header:
            raise MappingError(f"{file} has no column {column!r}{near_miss(column, header)}")


def near_miss(name: str, names: Iterable[str]) -> str:
    """The end of a sentence about an unknown name: the nearest one, else the ones there are."""
    known = list(names)
    near = difflib.get_close_matches(name, known, n=1)
    if near:
        return f"; did you mean {near[0]!r}?"
    return f"; it has {', '.join(known[:20])}" if known else ""


def _trail(document: Document, path: str) -> tuple[str, ...] | None:
    if path in document:
        return (path,)
    dot = path.find(".")
    while dot != -1:
        inner = document.get(path[:dot])
        if isinstance(inner, dict):
            rest = _trail(inner, path[dot + 1 :])
            if rest is not None:
                return (path[:dot], *rest)
        dot = path.find(".", dot + 1)
    return None


def _only(document: Document, paths: tuple[str, ...]) -> Document:
    kept: Document = {}
    for path in paths:
        trail = _trail(document, path)
        if trail is None:
            continue
        source, target = document, kept
        for key in trail[:-1]:
            source = source[key]  # type: ignore[assignment]  # the trail was walked through objects
            target = target.setdefault(key, {})  # type: ignore[assignment]
        target[trail[-1]] = source[trail[-1]]
    return kept


def _without(document: Document, paths: tuple[str, ...]) -> Document:
    for path in paths:
        trail = _trail(document, path)
        if trail is None:
            continue
        inner = document
        for key in trail[:-1]:
            inner = inner[key]  # type: ignore[assignment]  # the trail was walked through objects
        del inner[trail[-1]]
    return document
