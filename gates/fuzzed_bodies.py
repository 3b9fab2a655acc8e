"""Bodies of bulk requests and NDJSON files, as a whole, held against a plain split of their bytes.

A line is what stands between two line feeds, whatever else is in it, and has the number that counting those gives. The
server and the importer each split in a way of their own; both must find the same lines under the same numbers, or those
who look a rejected line up look at another.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from hypothesis import strategies as st

from gate import BrokenError
from parsers import (
    GOOD_LINES,
    JOB,
    KEYS,
    LINES,
    ODD_PARTS,
    check_event,
    edited,
    is_plainly_flat,
    is_plainly_good,
    plainly,
)
from trueline.api.bodies import read_lines
from trueline.importers.mapping import ColumnMapping
from trueline.importers.ndjson import MAX_LINE, read_ndjson
from trueline.importers.rows import RejectedRow
from trueline.importers.sources import Opened, Source
from trueline.service.errors import TooLargeError
from trueline.service.feedback import Feedback
from trueline.service.prepared import prepare_events

if TYPE_CHECKING:
    from trueline.importers.rows import EncodedRow

BOM: Final = b"\xef\xbb\xbf"
_GOOD: Final = b'{"event_id":"x","raw_body":{"n":1}}'
_LONG: Final = 300_000
"""Bytes of a line that an importer's buffer does not hold."""
_ODD_LINES: Final = (
    *(b"", b" ", b"\t \t", b"\x0b\x0c", b"\0", BOM, b"\xff\xfe", BOM + _GOOD, BOM + BOM + _GOOD, b"\0" + _GOOD),
    *(b"\x0b" + _GOOD, _GOOD + b"\x0c", _GOOD + _GOOD, _GOOD + b"\r" + _GOOD, b'{"raw_body":\r{"n":\r1}\r}\r'),
    *('{"raw_body":{"v":"\u2028\u2029\u0085"}}'.encode(), b'{"raw_body":{"v":"\x1c\x1d\x1e"}}', "\u2028".encode()),
    *(b'{"analyst":"a","label":"Drop","event_id":"x"}', b'{"raw_body":{"v":"\\n\\r\\n"}}', b'{"raw_body":{"v":"\r"}}'),
    b'{"raw_body":{"v":"%b"}}' % (b"x" * _LONG),
    b" " * _LONG + _GOOD,
    b"\r" * _LONG,
    b"[" * _LONG,
)
_ENDINGS: Final = (
    *(b"\n", b"\n", b"\n", b"\r\n", b"\r\n"),
    *(b"\r", b"\n\r", b"\r\r\n", b"\n\n", b"\r\n\r\n", b"\n \n", b""),
)
_BUFFERED: Final = (1 << 18, 64, 3)
_SOURCE: Final = Source("fuzzed.ndjson", "fuzzed.ndjson", "ndjson", 0, Path("fuzzed.ndjson"))
_READS_VOTES: Final = Feedback(cast("Any", None), cast("Any", None))
"""What writes them would need stores; what reads them needs none."""
_SHOWN: Final = 1_000


class Body(NamedTuple):
    """The bytes of a request or a file, and how the file is read."""

    content: bytes
    most: int
    """Bytes that a line of the file may have."""
    buffered: int
    """Bytes that are read at once."""


def _made(
    pieces: list[tuple[bytes, bytes]], edits: list[tuple[int, int, bytes]], limit: tuple[int, int] | None
) -> Body:
    content = edited(b"".join(line + ending for line, ending in pieces), edits)
    lengths = [len(line) for line in plain_lines(content)]
    if limit is None or not lengths:
        return Body(content, MAX_LINE, _BUFFERED[0])
    place, beside = limit
    return Body(content, max(1, lengths[place % len(lengths)] + beside), _BUFFERED[place % len(_BUFFERED)])


BODIES: Final = st.builds(
    _made,
    st.lists(
        st.tuples(GOOD_LINES | GOOD_LINES | LINES | st.sampled_from(_ODD_LINES), st.sampled_from(_ENDINGS)), max_size=8
    ),
    st.lists(
        st.tuples(
            st.integers(0, 1_000),
            st.integers(0, 2),
            st.sampled_from([b"\n", b"\r", b"\r\n", BOM, b"\0", b"\xff"]) | st.sampled_from(ODD_PARTS),
        ),
        max_size=2,
    )
    | st.just([(0, 0, BOM)]),
    st.none() | st.tuples(st.integers(0, 23), st.integers(-2, 2)),
)


def plain_lines(content: bytes) -> list[bytes]:
    """What stands before each line feed, and what is left behind the last one, if anything is."""
    lines: list[bytes] = []
    begins = 0
    while (ends := content.find(b"\n", begins)) >= 0:
        lines.append(content[begins:ends])
        begins = ends + 1
    return [*lines, content[begins:]] if begins < len(content) else lines


def check_body(body: Body) -> bool:
    """Hold what the server and the importer read in a body against its plain lines; whether any event was taken.

    Raises:
        BrokenError: a line is lost, read as another, or told by another number; or too many are let through.
    """
    lines = plain_lines(body.content)
    split = _split(body.content, lines)
    taken = _check_events(lines, split)
    _check_votes(lines, split)
    _check_file(body, lines)
    _check_bulk_file(body, lines)
    return taken


def _split(content: bytes, lines: list[bytes]) -> list[bytes]:
    """What the server splits a body into.

    Raises:
        BrokenError: into others than those up to the last one that has anything, or into more than it may.
    """
    counted = max((number for number, line in enumerate(lines, 1) if line.strip(b"\r")), default=1)
    wanted = [line.rstrip(b"\r") for line in lines[:counted]] or [b""]
    try:
        split = read_lines(content, counted)
    except TooLargeError as error:
        raise BrokenError(f"{_shown(content)} has {counted} lines, and is refused: {error}") from None
    if [line.rstrip(b"\r") for line in split] != wanted:
        raise BrokenError(f"{_shown(content)} has {counted} lines, and is split into {_shown(split)}")
    try:
        read_lines(content, counted - 1)
    except TooLargeError as error:
        if f"at most {counted - 1} lines, not {counted}" not in str(error):
            raise BrokenError(f"{counted} lines are refused where one less is taken, with {error}") from None
        return split
    raise BrokenError(f"{_shown(content)} has {counted} lines, and is taken where {counted - 1} may be")


def _check_numbers(lines: list[bytes], taken: list[int], rejected: list[tuple[int, str]]) -> None:
    """Each line that is not blank is taken or rejected, once, in its turn.

    Raises:
        BrokenError: some line is not.
    """
    wanted = [number for number, line in enumerate(lines, 1) if line.strip()]
    came = sorted([*taken, *(number for number, _ in rejected)])
    if came != wanted or taken != sorted(taken):
        raise BrokenError(f"of {_shown(lines)} {taken} are taken and {rejected} are rejected, instead of {wanted}")
    if nameless := [number for number, error in rejected if not error]:
        raise BrokenError(f"of {_shown(lines)} the lines {nameless} are rejected, and nothing says why")


def _check_events(lines: list[bytes], split: list[bytes]) -> bool:
    prepared = prepare_events(JOB, KEYS, split)
    events = prepared.events()
    rejected = [(each.line, each.error) for each in prepared.rejected]
    _check_numbers(lines, [event.line for event in events], rejected)
    for event in events:
        check_event(lines[event.line - 1], event)
    for number, error in rejected:
        if is_plainly_good(lines[number - 1]):
            raise BrokenError(f"line {number} of {_shown(lines)} is rejected: {error}")
    return bool(events)


def _check_votes(lines: list[bytes], split: list[bytes]) -> None:
    prepared = _READS_VOTES.prepare(JOB, split)
    rejected = [(each.line, each.error) for each in prepared.rejected]
    _check_numbers(lines, [vote.line for vote in prepared.votes], rejected)
    for vote in prepared.votes:
        said: Any = plainly(lines[vote.line - 1])
        if (said["analyst"], said["label"]) != (vote.analyst, vote.label):
            raise BrokenError(f"line {vote.line} of {_shown(lines)} is read as {vote}")


def _check_file(body: Body, lines: list[bytes]) -> None:
    """Hold the documents of a file against its lines."""
    sendable = []
    for number, line, row in _rows(body, lines, ColumnMapping()):
        if isinstance(row, RejectedRow):
            if _is_plainly_a_document(line):
                raise BrokenError(f"line {number} of {_shown(lines)} is rejected: {row.error}")
            continue
        try:
            said = plainly(line)
        except (ValueError, RecursionError) as error:
            raise BrokenError(f"line {number} of {_shown(lines)} is taken, and is no JSON: {error}") from None
        if not isinstance(said, dict) or row != b'{"event_id":"fuzzed.ndjson:%d","raw_body":%b}' % (number, line):
            raise BrokenError(f"line {number} of {_shown(lines)} is sent on as {_shown(row)}")
        sendable.append(row)
    _check_sendable(sendable)


def _check_bulk_file(body: Body, lines: list[bytes]) -> None:
    """Hold the lines of a file in the form of the bulk route against it: they go through as they are."""
    sendable = []
    for number, line, row in _rows(body, lines, ColumnMapping(bulk=True)):
        if isinstance(row, RejectedRow):
            if b"\r" not in line or "carriage return" not in row.error:
                raise BrokenError(f"line {number} of {_shown(lines)} is rejected: {row.error}")
        elif row != line or b"\r" in line:
            raise BrokenError(f"line {number} of {_shown(lines)} goes through as {_shown(row)}")
        else:
            sendable.append(row)
    _check_sendable(sendable)


def _rows(body: Body, lines: list[bytes], mapping: ColumnMapping) -> list[tuple[int, bytes, bytes | RejectedRow]]:
    """What the importer makes of each line that is neither blank nor too long: number, line without margins, and row.

    Raises:
        BrokenError: it passes over other lines than the blank ones, numbers any otherwise, rejects too long ones for
            something else, or shows another line than it rejects.
    """
    stream = io.BufferedReader(cast("io.RawIOBase", io.BytesIO(body.content)), body.buffered)
    came = list(read_ndjson(_SOURCE, Opened(stream, stream.tell), mapping, body.most))
    inner = [(line.removeprefix(BOM) if number == 1 else line).strip() for number, line in enumerate(lines, 1)]
    too_long = {number for number, line in enumerate(lines, 1) if len(line) > body.most}
    wanted = [number for number, line in enumerate(inner, 1) if line or number in too_long]
    if [_number(row) for row in came] != wanted:
        raise BrokenError(f"of {_shown(lines)} there are {_shown(came)} instead of {wanted}, {body[1:]}")
    rows: list[tuple[int, bytes, bytes | RejectedRow]] = []
    for row in came:
        number, line = _number(row), inner[_number(row) - 1]
        if number in too_long:
            if not isinstance(row, RejectedRow) or f"longer than {body.most} bytes" not in row.error:
                raise BrokenError(f"line {number} of {_shown(lines)} is not refused for its length: {_shown(row)}")
            continue
        if isinstance(row, RejectedRow):
            if row.row != line[:_SHOWN].decode(errors="replace"):
                raise BrokenError(f"line {number} of {_shown(lines)} is rejected as {row.row!r:.1000}: {row.error}")
            rows.append((number, line, row))
        else:
            rows.append((number, line, bytes(row[1])))
    return rows


def _number(row: EncodedRow | RejectedRow) -> int:
    return row.number if isinstance(row, RejectedRow) else row[0]


def _check_sendable(lines: list[bytes]) -> None:
    """What an importer posts, the server takes apart again into the same lines."""
    if lines and (split := read_lines(b"\n".join(lines) + b"\n", len(lines))) != lines:
        raise BrokenError(f"{_shown(lines)} is posted, and arrives as {_shown(split)}")


def _is_plainly_a_document(line: bytes) -> bool:
    """Whether a line is, beyond doubt, a document that should be sent on; if its time is text, the server reads it."""
    try:
        said = plainly(line)
    except (ValueError, RecursionError):
        return False
    return isinstance(said, dict) and isinstance(said.get("@timestamp", ""), str | None) and is_plainly_flat(line)


def _shown(value: object) -> str:
    return f"{value!r:.2000}"
