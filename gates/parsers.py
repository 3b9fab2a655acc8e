"""The parsers of dates, filters and lines, each held against its contract and another reading.

Hypothesis makes the inputs: texts that are nearly right, changed by a byte or two, and any others. What may come out of
a parser is what it documents, and nothing else; what it reads is what the oracle, `datetime.fromisoformat` and the
`json` module read, wherever they read it too.
"""

from __future__ import annotations

import json
import math
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from hypothesis import strategies as st

import oracle
import plain_values
from gate import BrokenError
from trueline.catalog.records import Grouping, Job
from trueline.filters.operators import OPERATORS, Takes
from trueline.filters.request import Filter, FilterError, parse_filters
from trueline.instants import format_instant, is_bare_date, parse_end, parse_instant, parse_micros, to_micros
from trueline.ledger.keys import KeyMaker
from trueline.service.lines import LineError, read_vote_line
from trueline.service.prepared import prepare_events

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

    from trueline.service.sent import CheckedEvent

_any_text: Final = st.text(max_size=30)
_digits: Final = st.text("0123456789", min_size=1, max_size=9)


def _changed(texts: SearchStrategy[str], alphabet: str) -> SearchStrategy[str]:
    """Texts with a few of their characters taken out, put in or replaced."""
    edits = st.lists(st.tuples(st.integers(0, 200), st.integers(0, 2), st.sampled_from(alphabet)), max_size=3)

    def change(text: str, made: list[tuple[int, int, str]]) -> str:
        for place, kind, character in made:
            at = place % (len(text) + 1)
            text = text[:at] + (character if kind else "") + text[at + (kind != 1) :]
        return text

    return st.builds(change, texts, edits)


# Dates

_moments = st.datetimes(datetime(1890, 1, 1), datetime(2310, 12, 31))  # noqa: DTZ001 - as texts
_fractions = st.just("") | st.builds("{}{}".format, st.sampled_from(".,"), _digits)
_zones = st.sampled_from(
    ["", "", "Z", "Z", "+02:00", "-0330", " 02:00", "+23:59", "-24:00", "+05:60", "+2", "z", "+00:00:01"]
)
_dates: Final = (
    st.builds(
        lambda moment, separator, fraction, zone: f"{moment:%m-%dT%H:%M:%S}".join(
            [f"{moment.year:04}-", fraction + zone]
        ).replace("T", separator),
        _moments,
        st.sampled_from(["T", "T", "T", " ", "t", ""]),
        _fractions,
        _zones,
    )
    | _moments.map(lambda moment: f"{moment.year:04}-{moment:%m-%d}")
    | _moments.map(lambda moment: f"{moment.year:04}-{moment:%m-%d %H:%M}")
    | st.builds("{:04}-{:02}-{:02}".format, st.integers(1890, 2310), st.integers(0, 13), st.integers(0, 32))
)
DATES: Final = _dates | _changed(_dates, "0123456789-+:.,TZ Wzé\n\0\uff12") | _any_text


def check_date(text: str) -> bool:
    """Hold the reading of one text against the contract; whether it is a date or time.

    Raises:
        BrokenError: it is read in another way than it should be.
    """
    wanted = plain_values.instant(text)
    try:
        moment = parse_instant(text)
    except ValueError as error:
        if wanted is not None:
            raise BrokenError(f"{text!r} is refused ({error}), and is {plain_values.iso(wanted)}") from None
        if text and len(text) <= 60 and repr(text) not in str(error):  # noqa: PLR2004 - as long as is shown
            raise BrokenError(f"the refusal of {text!r} does not name it: {error}") from None
        return False
    if moment.tzinfo is not UTC or to_micros(moment) != wanted or parse_micros(text) != wanted:
        raise BrokenError(f"{text!r} is read as {moment}, and is {plain_values.iso(wanted)}")
    if (again := parse_instant(format_instant(moment))) != moment:
        raise BrokenError(f"{text!r}, read, shown and read again, is {again} instead of {moment}")
    bare = len(text) == len("2025-01-01")
    if is_bare_date(text) != bare or (to_micros(parse_end(text)) - wanted) != (oracle.DAY if bare else 0):
        raise BrokenError(f"the end that {text!r} names is {parse_end(text)}")
    try:
        standard = datetime.fromisoformat(text)
    except ValueError:
        return True
    if (standard.replace(tzinfo=UTC) if standard.tzinfo is None else standard) != moment:
        raise BrokenError(f"{text!r} is read as {moment}, and by the standard library as {standard}")
    return True


# Filters

_scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | _any_text
    | _digits
    | DATES
    | st.sampled_from(["1e400", "-0", "007", " 5", "true", "\ud800", "2025-01-01", "1e3", "NaN", "9" * 4_000, 10**30])
)
_values = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=6,
)
_near_operators = _changed(st.sampled_from(sorted(OPERATORS)), "isnotgle e\0E")
_filters = st.fixed_dictionaries(
    {
        "field": _any_text | st.sampled_from(["a.b", "", "@timestamp", "arcanna.consensus", "\udfff"]),
        "operator": st.sampled_from(sorted(OPERATORS)) | _near_operators,
    },
    optional={"value": _values},
)
_ordered = st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _digits | _dates
_plain = st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _any_text
_values_taken = {
    Takes.NOTHING: st.none(),
    Takes.SCALAR: _plain,
    Takes.SCALARS: st.lists(_plain, min_size=1, max_size=4),
    Takes.ORDERED: _ordered,
}
_good_filters = st.sampled_from(list(OPERATORS.values())).flatmap(
    lambda operator: st.fixed_dictionaries(
        {"field": _any_text, "operator": st.just(operator.name), "value": _values_taken[operator.takes]}
    )
)
FILTERS: Final = (
    st.lists(_good_filters, max_size=70)
    | st.lists(_good_filters | _filters, max_size=4)
    | st.lists(_filters | _values, max_size=70)
    | _values
)


def _plainly_a_filter(item: object) -> bool:
    """Whether the definitions allow a filter, told without the product."""
    if not isinstance(item, dict) or not {"field", "operator"} <= set(item) <= {"field", "operator", "value"}:
        return False
    try:
        plain_values.check_filter(item)
        said: list[object] = [item["field"], item["operator"], item.get("value")]
        json.dumps(said, allow_nan=False, ensure_ascii=False).encode()
    except (plain_values.RefusedError, ValueError):
        return False
    return isinstance(item["field"], str) and isinstance(item["operator"], str)


def _as_sent(each: Filter) -> dict[str, object]:
    value = each.value
    shown = format_instant(value) if isinstance(value, datetime) else list(value) if isinstance(value, tuple) else value
    return {"field": each.field, "operator": each.operator.name, "value": shown}


def check_filters(raw: object) -> bool:
    """Hold the reading of a request's filters against the contract; whether they are taken.

    Raises:
        BrokenError: they are taken and should not be, or the other way round, or become something else.
    """
    items = raw if isinstance(raw, list) else []
    first_wrong = next((place for place, item in enumerate(items) if not _plainly_a_filter(item)), None)
    too_many = len(items) > 64  # noqa: PLR2004 - as is promised
    good = raw is None or (isinstance(raw, list) and first_wrong is None and not too_many)
    try:
        taken = parse_filters(raw)
    except FilterError as error:
        if good:
            raise BrokenError(f"{raw!r} is refused: {error}") from None
        wanted = first_wrong if isinstance(raw, list) and not too_many else None
        if error.position != wanted or not str(error):
            raise BrokenError(f"{raw!r} is refused at {error.position} instead of {wanted}: {error}") from None
        return False
    if not good:
        raise BrokenError(f"{raw!r} is taken as {taken}")
    if [each.field for each in taken] != [item["field"] for item in items]:
        raise BrokenError(f"{raw!r} is read as {taken}")
    for each, item in zip(taken, items, strict=True):
        _check_value(each, item.get("value"))
    if parse_filters([_as_sent(each) for each in taken]) != taken:
        raise BrokenError(f"{raw!r}, read and written and read again, is another than {taken}")
    return True


def _check_value(each: Filter, value: Any) -> None:  # noqa: ANN401 - JSON
    if each.operator.takes is not Takes.ORDERED:
        wanted: object = tuple(value) if isinstance(value, list) else value
    elif (wanted := plain_values.number(value)) is None:
        wanted = plain_values.instant(value)
    read = to_micros(each.value) if isinstance(each.value, datetime) else each.value
    if read != wanted or type(read) is not type(wanted):
        raise BrokenError(f"the value {value!r} of {each.operator.name} is read as {each.value!r}")


# Lines

LABELS: Final = ("Drop", "Escalate")
JOB: Final = Job(1, "fuzzed", LABELS, Grouping.EVENT, (), 10.0, 1, 60.0, 1, datetime(2025, 1, 1, tzinfo=UTC))
KEYS: Final = KeyMaker(b"of the gate")
_jsons = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
_documents = st.dictionaries(st.text(max_size=6) | st.sampled_from(["a", "a.b", "@timestamp"]), _jsons, max_size=4)
_votes = st.lists(
    st.fixed_dictionaries(
        {"analyst": st.text(max_size=4), "label": st.sampled_from([*LABELS, "drop", None])},
        optional={"at": _dates, "note": st.text(max_size=4)},
    ),
    max_size=2,
)
_events = st.fixed_dictionaries(
    {"raw_body": _documents},
    optional={
        "event_id": st.text(max_size=5) | st.integers() | _jsons,
        "timestamp": _dates | _jsons,
        "bucket_id": st.text(max_size=3) | st.none(),
        "decision": st.fixed_dictionaries(
            {"label": st.sampled_from([*LABELS, "drop"])}, optional={"confidence": st.floats() | st.integers()}
        )
        | _jsons,
        "votes": _votes | _jsons,
        "odd": _jsons,
    },
)
ODD_PARTS: Final = (
    *(b'"\\ud800"', b'"\\ud83d\\ude00"', b"1e400", b"-0", b"01", b"NaN", b"Infinity", b"9" * 400, b"9" * 5_000),
    *(b"\xff", b"\xed\xa0\x80", b"\0", b"\xef\xbb\xbf", b'"\x01"', b"{}", b"[[[[", b"]" * 70, b"[" * 2_000, b"\\u0000"),
    *(b'"a":1,"a":2,', b"'", b"//", b",", b":", b"}", b"\r", b"-1e-400", b"1.7976931348623159e308", b"0.1e", b"true"),
)


def edited(text: bytes, made: list[tuple[int, int, bytes]]) -> bytes:
    """What becomes of bytes by edits: where each is, how many bytes it takes out, and what it puts there."""
    for place, dropped, part in made:
        at = place % (len(text) + 1)
        text = text[:at] + part + text[at + dropped :]
    return text


def _broken(line: bytes, made: list[tuple[int, int, bytes]]) -> bytes:
    return edited(line, made).replace(b"\n", b"")


_edits = st.lists(
    st.tuples(st.integers(0, 400), st.integers(0, 3), st.sampled_from(ODD_PARTS) | st.binary(max_size=2)), max_size=2
)
_written = st.booleans().flatmap(lambda plain: _events.map(lambda event: json.dumps(event, ensure_ascii=plain)))
_votes_alone = st.fixed_dictionaries({"analyst": st.text(max_size=3), "label": st.none() | st.text(max_size=4)}).map(
    json.dumps
)
GOOD_LINES: Final = st.fixed_dictionaries(
    {"raw_body": st.dictionaries(st.text(max_size=6), _jsons, max_size=4)},
    optional={"event_id": st.text(min_size=1, max_size=5) | st.integers(), "timestamp": _moments.map(str)},
).map(lambda event: json.dumps(event).encode())
LINES: Final = (
    GOOD_LINES
    | st.builds(_broken, GOOD_LINES, _edits)
    | st.builds(_broken, (_written | _votes_alone).map(lambda text: text.encode(errors="surrogatepass")), _edits)
    | st.binary(max_size=40)
)


def plainly(line: bytes) -> object:
    """What a line says by the `json` module.

    Raises:
        ValueError: it is no JSON (RFC 8259) in UTF-8, or has numbers that a double cannot hold.
    """

    def number(text: str) -> float:
        if not math.isfinite(read := float(text)):
            raise ValueError(f"{text} is beyond a double")
        return read

    def refuse(name: str) -> None:
        raise ValueError(f"{name} is no JSON")

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(said := dict(pairs)) < len(pairs):
            json.dumps(pairs, ensure_ascii=False).encode()  # what a later key hides is to be a text, too
        return said

    text = line.decode()
    said = json.loads(text, parse_float=number, parse_constant=refuse, object_pairs_hook=members)
    json.dumps(said, ensure_ascii=False).encode()  # no lone surrogate
    return said


def check_line(line: bytes) -> bool:
    """Hold the reading of one line of a bulk request against the contract; whether it is taken as an event.

    Raises:
        BrokenError: it is taken and is no JSON, or it says something else, or the lines around it suffer.
    """
    before, after = b'{"event_id": "before", "raw_body": {"n": 1}}', b'{"event_id": "after", "raw_body": {"n": 2}}'
    prepared = prepare_events(JOB, KEYS, [before, line, after])
    events = {event.line: event for event in prepared.events()}
    if not {1, 3} <= set(events) <= {1, 2, 3}:
        raise BrokenError(f"of the good lines around {line!r}, {sorted(events)} are taken")
    if prepared.documents.num_rows != len(events):
        raise BrokenError(f"{prepared.documents.num_rows} documents came of {len(events)} events, with {line!r}")
    _check_vote_line(line)
    if 2 not in events:  # noqa: PLR2004 - the line
        rejected = [(each.line, bool(each.error)) for each in prepared.rejected]
        if rejected != ([(2, True)] if line.strip() else []):
            raise BrokenError(f"{line!r} is not taken, and rejected is {prepared.rejected}")
        if is_plainly_good(line):
            raise BrokenError(f"{line!r} is rejected: {prepared.rejected[0].error}")
        return False
    check_event(line, events[2])
    return True


def check_event(line: bytes, event: CheckedEvent) -> None:
    """Hold an event against the line that it was read from.

    Raises:
        BrokenError: the line is no JSON, or it says something else.
    """
    try:
        said: Any = plainly(line)
        document = plainly(event.raw_body)
    except (ValueError, RecursionError) as error:
        raise BrokenError(f"{line!r} is taken, and is no JSON: {error}") from None
    if not oracle_equal(said["raw_body"], document):
        raise BrokenError(f"the document of {line!r} is kept as {event.raw_body!r}")
    if (named := said.get("event_id")) is not None and str(named) != event.event_id:
        raise BrokenError(f"{line!r} is kept under {event.event_id!r}")
    given = said.get("timestamp")
    given = said["raw_body"].get("@timestamp") if given is None else given
    if event.ts != (None if given is None else plain_values.instant(given)):
        raise BrokenError(f"{line!r} is kept at {event.ts}")


def oracle_equal(one: object, other: object) -> bool:
    """Whether two documents are the same, to the kind of each number and the order of keys."""
    return json.dumps(one) == json.dumps(other)


def _check_vote_line(line: bytes) -> None:
    try:
        vote = read_vote_line(line)
    except LineError as error:
        if not str(error):
            raise BrokenError(f"{line!r} is no vote, and nothing says why") from None
        return
    said: Any = plainly(line)
    if (said["analyst"], said["label"]) != (vote.analyst, vote.label):
        raise BrokenError(f"{line!r} is read as {vote}")


_MOST_BRACKETS: Final = 60
_MOST_CHARACTERS: Final = 1_000
"""Of all keys together, and of an id: no path is too long then."""
_KEY: Final = re.compile(rb'"(?:[^"\\]|\\.)*"\s*:', re.DOTALL)


def is_plainly_good(line: bytes) -> bool:
    """Whether a line is, beyond doubt, an event that should be taken."""
    try:
        said = plainly(line)
    except (ValueError, RecursionError):
        return False
    if not isinstance(said, dict) or not {"raw_body"} <= set(said) <= {"raw_body", "event_id", "timestamp"}:
        return False
    document, named, given = said["raw_body"], said.get("event_id"), said.get("timestamp")
    if not isinstance(document, dict) or not is_plainly_flat(line):
        return False
    own = document.get("@timestamp") if given is None else given
    return (own is None or plain_values.instant(own) is not None) and (
        named is None
        or (isinstance(named, str | int) and not isinstance(named, bool) and 0 < len(str(named)) <= _MOST_CHARACTERS)
    )


def is_plainly_flat(line: bytes) -> bool:
    """Whether what a line says is, beyond doubt, not nested too deeply and without too long paths."""
    brackets = line.count(b"{") + line.count(b"[")
    return brackets <= _MOST_BRACKETS and sum(map(len, _KEY.findall(line))) <= _MOST_CHARACTERS
