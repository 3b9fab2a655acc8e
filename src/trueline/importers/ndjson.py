"""Rows out of NDJSON: one JSON object a line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from trueline.importers.bulk_line import facts_encoder, line_encoder
from trueline.importers.columns import at_path, body_of
from trueline.importers.errors import RowError
from trueline.importers.rows import RejectedRow
from trueline.service.lines import no_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from trueline.importers.columns import Document
    from trueline.importers.mapping import ColumnMapping
    from trueline.importers.rows import EncodedRow
    from trueline.importers.sources import Opened, Source

MAX_LINE = 32 * 1024 * 1024
"""Bytes of one line without its end: what one bulk request may carry at most."""

_BOM = b"\xef\xbb\xbf"
_SHOWN = 1000


def read_ndjson(
    source: Source, opened: Opened, mapping: ColumnMapping, max_line: int = MAX_LINE
) -> Iterator[EncodedRow | RejectedRow]:
    """The lines of an NDJSON file, each as a bulk line or as rejected; empty lines are passed over.

    A document of which nothing is left out goes through byte for byte, so that no number changes its digits.
    """
    encode = _verbatim if mapping.bulk else _encoder(mapping, source)
    readline = opened.stream.readline
    number = 0
    while line := readline(max_line + 1):
        number += 1
        if len(line) > max_line and not line.endswith(b"\n"):
            while not line.endswith(b"\n") and (more := readline(max_line)):
                line = more
            yield RejectedRow(number, f"the line is longer than {max_line} bytes", None)
            continue
        if number == 1:
            line = line.removeprefix(_BOM)
        line = line.strip()
        if not line:
            continue
        try:
            yield number, encode(line, number)
        except RowError as error:
            yield RejectedRow(number, str(error), line[:_SHOWN].decode(errors="replace"))


def _verbatim(line: bytes, _number: int) -> bytes:
    if b"\r" in line:
        raise RowError("a carriage return in the middle of the line")
    return line


def _encoder(mapping: ColumnMapping, source: Source) -> Callable[[bytes, int], bytes]:
    decode = msgspec.json.Decoder(dict[str, object]).decode
    reduced = body_of(mapping)

    def body(row: tuple[bytes, Document]) -> object:
        line, document = row
        return msgspec.Raw(line) if reduced is None else reduced(document)

    def column(name: str) -> Callable[[tuple[bytes, Document]], object]:
        value = at_path(name)
        return lambda row: value(row[1])

    encode = line_encoder(mapping, column, facts_encoder(mapping, column), body, source.row_name)

    def encode_line(line: bytes, number: int) -> bytes:
        try:
            document = decode(line)
        except msgspec.ValidationError as error:
            raise RowError(_no_document(line, error)) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise RowError(f"no JSON: {no_json(error, line)}") from None
        return encode((line, document), number)

    return encode_line


def _no_document(line: bytes, error: msgspec.ValidationError) -> str:
    return str(error) if line.startswith(b"{") else "no JSON object"
