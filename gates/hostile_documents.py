"""Documents that are known to break things, and whether each is to be stored, or for what it may be refused.

What is hostile is made by Hypothesis from keys, texts and numbers that are known to break things, as JSON text, so that
keys may be there twice and numbers be beyond all. Whether a document is to be stored, the `json` module and the limits
say. One with several faults may be refused for any that whoever reads it meets before knowing of the others.
"""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

import plain_values
from limited import DOCUMENTED
from parsers import plainly

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST_PATH: Final = 1_024
_MOST_PATHS: Final = 10_000

KEYS: Final = (
    *("__proto__", "constructor", "", " ", ".", "..", "a", "a.b", "a..b", ".a", "a.", "b", "null", "0", "-1", "$ref"),
    *("a'b", 'a"b', "a`b", "a\\b", "\\", "`", "'", '"', "a\0b", "\0", "\n", "\r", "\t", "\x7f", "\ufeff", "\u2028"),
    *("{v:String}", "%(v)s", "?", "--", "/*", ";", "a[0]", "[]", "a b", "\u00e4", "\U0001f600", "e\u0301", "\u202e"),
    *(
        "k.keyword",
        "arcanna.consensus",
        "arcanna",
        "@timestamp",
        "raw_body",
        "event_id",
        "text_a",
        "other_paths",
        "sign",
    ),
    *(
        "other_paths",
        "sign",
        "-",
        "-2E",
        "a-2Eb",
        "String",
        "x" * 1_024,
        "\u00e4" * 1_024,
        "x" * 1_025,
        "x" * 10_240,
        "y" * 600,
    ),
)
TEXTS: Final = (
    *("", "NaN", "Infinity", "1e400", "5", "5.0", "007", "true", "null", "2025-01-01", "2025-01-01T25:00:00Z", "[]"),
    *("9999-12-31", "0000-00-00", "\0", "a\0b", "'; DROP TABLE events_1; --", "{}", "=x", "#5", "{", "?true", "\\N"),
    *("\ufeff", "\u2028", "\U0001f600", "\ud83d\ude00", "x" * 70_000, "%", "_", "\\", "'", "`", "\x7f", "\u00e4" * 40),
)
SCALARS: Final = (
    *("1e400", "-1e400", "-0", "-0.0", "1e-400", "5e-324", "1.7976931348623157e308", "1.7976931348623159e308", "1E5"),
    *(str(2**53 + 1), str(2**63 - 1), str(2**63), str(-(2**63) - 1), str(2**64), str(10**30), "9" * 400, "9" * 5_000),
    *("1e20", "1e21", "123456789012345678901.0", "0.1", "5.0", "5", "1" + "0" * 22, "true", "false", "null"),
    *("NaN", "Infinity", "-Infinity", "01", ".5", "5.", "+5", "0x10", "1_000", "'x'", "undefined", ""),
    *(
        '"\\ud800"',
        '"\\udc00 and more"',
        '"\\ud83d\\ude00"',
        '"\\u0000"',
        '"\\x41"',
        '"tab\t"',
        '"open',
        "{",
        "]",
        "[}",
    ),
)
_WELL_FORMED: Final = tuple(each for each in SCALARS[:31] if "400" not in each and "159e308" not in each)


def _written(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(text)
    return json.dumps(text, ensure_ascii=len(text) % 2 == 0)


_keys = st.sampled_from([_written(key) for key in KEYS[:50]]) | st.sampled_from(["a", "b", "a.b", "c"]).map(_written)
_odd_keys = st.sampled_from([_written(key) for key in KEYS] + ['"\\ud800"', '"\\u0000\\u0000"']) | st.text(
    max_size=9
).map(_written)
_scalars = (
    st.sampled_from([_written(text) for text in TEXTS] + list(_WELL_FORMED))
    | st.sampled_from([_written(text) for text in TEXTS[:12]])
    | st.integers().map(str)
    | st.floats(allow_nan=False, allow_infinity=False).map(repr)
    | st.text(max_size=9).map(_written)
)


def _nested(scalars: st.SearchStrategy[str], keys: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Objects as JSON text; keys may be there twice."""

    def an_object(members: list[tuple[str, str]]) -> str:
        return "{" + ",".join(f"{key}:{value}" for key, value in members) + "}"

    values = st.recursive(
        scalars,
        lambda inner: st.one_of(
            st.lists(inner, max_size=4).map(lambda members: f"[{','.join(members)}]"),
            st.lists(st.tuples(keys, inner), max_size=4).map(an_object),
        ),
        max_leaves=8,
    )
    return st.lists(st.tuples(keys, values), max_size=6).map(an_object)


DOCUMENTS: Final = (
    _nested(_scalars, _keys)
    | _nested(_scalars, _keys | _odd_keys)
    | _nested(_scalars | st.sampled_from(SCALARS), _odd_keys)
)


def classics() -> list[str]:
    """Documents that each break one thing."""
    found = [f"{{{_written(key)}: 1}}" for key in KEYS]
    found += [f'{{"v": {scalar}}}' for scalar in SCALARS]
    found += [f'{{"v": {_written(text)}}}' for text in TEXTS]
    for depth in (DOCUMENTED.max_json_depth, DOCUMENTED.max_json_depth + 1, 1_000, 100_000):
        found += ['{"d":' * depth + "1" + "}" * depth, '{"d":' + "[" * (depth - 1) + "]" * (depth - 1) + "}"]
    found += [json.dumps({f"k{number}": number for number in range(many)}) for many in (3_000, 10_000, 10_001, 100_000)]
    found += [
        '{"a.b": 1, "a": {"b": 2}}',
        '{"a": {"b": 1}, "a.b": "2"}',
        '{"a": 1, "a": {"b": 1}, "a": [1]}',
        '{"a": [[[1, [2]], []], {"b": [{"b": 3}, null]}]}',
        '{"a": [1, "1", true, null, 1.5, {"a": 1}, [{"a": "x"}]]}',
        '{"v": 99999999999999999999, "v.v": 1e20, "w": {"x": 1e300}, "w.x": 1180591620717411303424}',
        f'{{"v": [{", ".join(["1"] * 50_000)}]}}',
        "[]",
        "null",
        '"text"',
        "1",
        "",
        "{",
        "{}}",
        '{"a": 1,}',
        "{'a': 1}",
        "{} {}",
        "\ufeff{}",
        '{"v": "\ud800"}',  # written as bytes that are no UTF-8
        '{"v": "a\0b", "\0": 1}',
        '{"@timestamp": "soon"}',
        '{"@timestamp": 5}',
    ]
    return found


def made_up(size: int, first_seed: int) -> list[str]:
    """Documents as Hypothesis makes them up, about so many."""
    found: list[str] = []
    limits = settings(
        max_examples=size,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate,),
    )

    def keep(document: str) -> None:
        found.append(document)

    seed(first_seed)(limits(given(DOCUMENTS)(keep)))()
    return found[:size]


SURROGATE: Final = "a lone surrogate"
NO_UTF8: Final = "no UTF-8"
NUMBER: Final = "a number past what is kept"
DEEP: Final = "too deep"
LONG_PATH: Final = "too long a path"
MANY_PATHS: Final = "too many paths"
TIME: Final = "no time"
NO_JSON: Final = "no JSON"
NO_OBJECT: Final = "no object"
CELLS: Final = "too few cells"

_WORDS: Final[dict[str, tuple[str, ...]]] = {
    # what says so says that it is malformed, too; of half a pair in front of no escape it says that the escape ends
    SURROGATE: ("utf-16 surrogate pair", "unexpected end of hex escape"),
    NO_UTF8: ("not UTF-8",),
    NUMBER: ("Number out of range", "Integer value out of range"),
    DEEP: (f"nested more than {DOCUMENTED.max_json_depth} deep", "nested too deeply"),
    LONG_PATH: (f"is longer than {_MOST_PATH} characters",),
    MANY_PATHS: (f"has more than {_MOST_PATHS} distinct paths",),
    TIME: ("raw_body: @timestamp", "is no text: is its unit s, ms or us?"),
    NO_JSON: ("JSON is malformed", "Input data was truncated"),
    CELLS: ("cells where the header has",),
    NO_OBJECT: ("Expected `object`, got", "Input should be a valid dictionary", "no JSON object"),
}
"""What the product says of each reason; of one error the first counts that has any of its words in it."""


def named(error: str) -> str | None:
    """The reason that an error of the product names; None where it names none."""
    return next((reason for reason, words in _WORDS.items() if any(each in error for each in words)), None)


class Judged(NamedTuple):
    """What is to become of a document; told without the product."""

    document: dict[str, Any] | None
    """It, where it is to be stored."""
    reasons: frozenset[str]
    """Else, for what it may be refused."""


def judged(raw: bytes) -> Judged:
    """Whether a document is to be stored, or for what it may be refused."""
    try:
        document = plainly(raw)
    except RecursionError:
        return Judged(None, frozenset({DEEP}))
    except ValueError:
        return Judged(None, frozenset(_faults(raw)))
    if not isinstance(document, dict):
        return Judged(None, frozenset({NO_OBJECT}))
    paths = set(_paths(document, None, DOCUMENTED.max_json_depth))
    reasons = {DEEP} if None in paths else set()
    if any(path is not None and len(path) > _MOST_PATH for path in paths):
        reasons.add(LONG_PATH)
    if len(paths - {None}) > _MOST_PATHS:
        reasons.add(MANY_PATHS)
    own = document.get("@timestamp")
    if not reasons and own is not None and plain_values.instant(own) is None:
        reasons.add(TIME)
    return Judged(None if reasons else document, frozenset(reasons))


def readable(raw: bytes) -> dict[str, Any] | None:
    """The document, where it is one that is to be stored."""
    return judged(raw).document


_LONE_SURROGATE: Final = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F]"
)
_MOST_DIGITS: Final = 4_300


def _faults(raw: bytes) -> set[str]:
    """All that is wrong with what is no JSON, or has texts or numbers that cannot be kept."""
    text, found = raw.decode(errors="replace"), set[str]()
    if text.encode() != raw:
        found.add(NO_UTF8)
    met: list[str] = []  # numbers, but for those behind what is no JSON: nobody gets there
    try:
        json.loads(text, parse_int=met.append, parse_float=met.append, parse_constant=_refuse)
    except ValueError:
        found.add(NO_JSON)
    except RecursionError:
        found.add(DEEP)
    if any(_is_past_all(number) for number in met):
        found.add(NUMBER)
    if _LONE_SURROGATE.search(text):
        found.add(SURROGATE)
    if not text.lstrip().startswith("{"):
        found.add(NO_OBJECT)
    return found


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _is_past_all(number: str) -> bool:
    digits = number.lstrip("-")
    return len(digits) > _MOST_DIGITS if digits.isdecimal() else not math.isfinite(float(number))


def _paths(value: Any, path: str | None, levels: int) -> Iterator[str | None]:  # noqa: ANN401 - JSON
    """The paths to all that is neither a list nor null; None where there are objects or lists on more levels."""
    if not levels:
        yield None
        return
    for key, member in value.items() if isinstance(value, dict) else (("", each) for each in value):
        at = path if isinstance(value, list) else key if path is None else f"{path}.{key}"
        if member is not None and not isinstance(member, list):
            yield at
        if isinstance(member, dict | list):
            yield from _paths(member, at, levels - 1)
