"""Rows out of CSV and TSV."""

from __future__ import annotations

import csv
import io
from contextlib import suppress
from itertools import chain
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from trueline.importers.bulk_line import DOCUMENT_TIME, facts_encoder, row_encoder
from trueline.importers.columns import check_columns
from trueline.importers.errors import MappingError, RowError
from trueline.importers.rows import RejectedRow
from trueline.importers.values import number_or_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from trueline.importers.mapping import ColumnMapping
    from trueline.importers.rows import EncodedRow
    from trueline.importers.sources import Opened, Source
    from trueline.service.lines import EventRow

MAX_CELL: Final = 1 << 20
"""Characters of one cell: a quote that nobody closes swallows this much, not the rest of the file."""

_REMEMBERED: Final = 20_000


def read_delimited(source: Source, opened: Opened, mapping: ColumnMapping) -> Iterator[EncodedRow | RejectedRow]:
    """The rows of a CSV or TSV file, each as a bulk line or as rejected.

    A row is numbered by the line that it begins on; the header, if the file has one, is line 1. Rows with
    more or fewer cells than the header are rejected, and so is what breaks the rules of quoting. Empty
    lines are passed over.

    Raises:
        MappingError: The header is missing or names a column twice, or the mapping names a column it lacks.
    """
    delimiter = mapping.delimiter or ("\t" if source.format == "tsv" else ",")
    # a byte that is not UTF-8 must cost its own row only, so it is carried along until that row is encoded
    text = io.TextIOWrapper(opened.stream, encoding="utf-8-sig", errors="surrogateescape", newline="")
    try:
        yield from _encoded(divided(text, delimiter), mapping, source)
    finally:
        with suppress(ValueError):  # the stream is closed already
            text.detach()  # the stream is its opener's to close


def _encoded(
    rows: Iterator[tuple[int, Sequence[str]]], mapping: ColumnMapping, source: Source
) -> Iterator[EncodedRow | RejectedRow]:
    header = _header(rows, mapping, source.name)
    if header is None:
        return
    encode = _encoder(header, mapping, source)
    width = len(header)
    for number, row in rows:
        if isinstance(row, BrokenRow):
            yield RejectedRow(number, f"broken quoting or an overlong cell: {row[0]}", None)
        elif len(row) == width:
            try:
                yield number, encode(row, number)
            except RowError as error:
                yield RejectedRow(number, str(error), row)
        else:
            yield RejectedRow(number, f"{len(row)} cells where the header has {width}", row)


class BrokenRow(tuple[str]):
    """What cannot be divided into cells, with the reason as its only member."""

    __slots__ = ()


def divided(text: Iterator[str], delimiter: str) -> Iterator[tuple[int, Sequence[str]]]:
    """The rows of the text, each with the number of the line it begins on; empty lines are passed over.

    Up to the first quote a line is a row, and dividing it at the delimiters is what the csv module does, in
    half the time; from there on that module takes over.
    """
    for number, line in enumerate(text, 1):
        if '"' in line:
            yield from _quoted(chain((line,), text), delimiter, number)
            return
        row = line.rstrip("\r\n")
        if row:
            yield number, row.split(delimiter)


def _quoted(text: Iterator[str], delimiter: str, first: int) -> Iterator[tuple[int, Sequence[str]]]:
    csv.field_size_limit(MAX_CELL)
    rows = csv.reader(text, delimiter=delimiter, strict=True)
    while True:
        number = first + rows.line_num
        try:
            row = next(rows)
        except csv.Error as error:
            yield number, BrokenRow((str(error),))
        except StopIteration:
            return
        else:
            if row:
                yield number, row


def _header(rows: Iterator[tuple[int, Sequence[str]]], mapping: ColumnMapping, file: str) -> list[str] | None:
    header = mapping.header
    if header is None:
        _, first = next(rows, (0, None))
        if first is None:
            return None
        if isinstance(first, BrokenRow):
            raise MappingError(f"the header of {file} cannot be read: {first[0]}")
        header = list(first)
    twice = next((name for name in header if header.count(name) > 1), None)
    if twice is not None:
        raise MappingError(f"the header of {file} names the column {twice!r} twice")
    check_columns(mapping, header, file)
    return header


def _encoder(header: list[str], mapping: ColumnMapping, source: Source) -> Callable[[Sequence[str], int], EventRow]:
    places = {name: place for place, name in enumerate(header)}

    def column(name: str) -> Callable[[Sequence[str]], object] | None:
        return itemgetter(places[name]) if name in places else None

    facts = _remembering(facts_encoder(mapping, column), _fact_places(mapping, places))
    return row_encoder(mapping, column, facts, _body(header, mapping), source.row_name)


def _fact_places(mapping: ColumnMapping, places: dict[str, int]) -> list[int]:
    """Of the columns that the facts of a row are told by: all that are named, but for id and document."""
    told = replace(mapping, id=None, columns=None, drop=None).named_columns()
    names = {DOCUMENT_TIME, *told}
    return sorted(places[name] for name in names if name in places)


def _remembering(facts: Callable[[Sequence[str]], bytes], places: list[int]) -> Callable[[Sequence[str]], bytes]:
    """Rows that share time, decision and truth are many in a file of alerts: tell the same facts once.

    This saves more than half of the time that a row takes.
    """
    if not places:
        return facts
    cells = itemgetter(*places)
    known: dict[str | tuple[str, ...], bytes] = {}

    def remembered(row: Sequence[str]) -> bytes:
        key = cells(row)
        found = known.get(key)
        if found is None:
            if len(known) >= _REMEMBERED:
                known.clear()
            found = known[key] = facts(row)
        return found

    return remembered


def _body(header: list[str], mapping: ColumnMapping) -> Callable[[Sequence[str]], dict[str, Any]]:
    if mapping.columns is not None:
        kept = [name for name in header if name in mapping.columns]
    else:
        kept = [name for name in header if name not in (mapping.drop or ())]
    if kept == header and not mapping.infer_numbers:
        return lambda row: dict(zip(kept, row, strict=True))
    places = [header.index(name) for name in kept]
    if mapping.infer_numbers:
        return lambda row: dict(zip(kept, [number_or_text(row[place]) for place in places], strict=True))
    return lambda row: dict(zip(kept, [row[place] for place in places], strict=True))
