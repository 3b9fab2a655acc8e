"""Rows kept as numbers, against a plain recount of the same versions."""

from __future__ import annotations

import math
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest

from trueline.metrics import coded_rows
from trueline.metrics.coded_rows import CODED, CodedRows, Moment
from trueline.metrics.hours import Window
from trueline.metrics.passing import PassingNumbers, PassingValues

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from trueline.metrics.passing import Passing
    from trueline.metrics.selected_rows import SelectedRows

PATHS = ("a", "b", "c")
"""Of the last one rows have values and no numbers."""
OUTCOMES = ("Drop\0", "Drop\0Escalate", "Escalate\0", "\0", "\0Drop")
SUBJECTS = (11, 12, 13, 2**63 + 5)
KINDS: dict[str, type[np.generic]] = {"a": np.uint32, "b": np.uint32, "c": np.float64}
VALUES = 900
"""Of the second path: more than fit into a byte."""


def passing(path: str, which: list[bool]) -> list[tuple[str, Passing]]:
    return [(path, PassingNumbers(np.array(which)))]


@dataclass
class Plain:
    """The same, event by event."""

    versions: list[dict[str, Any]] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=lambda: iter(range(1, 10**9, 7)))
    marked: set[int] = field(default_factory=set)

    def passing(self, window: Window, passing: dict[str, Callable[[Any], bool]]) -> list[dict[str, Any]]:
        return [
            each
            for each in self.versions
            if window.holds_moment(each["ts"]) and all(passes(each[path]) for path, passes in passing.items())
        ]

    def group(self, each: dict[str, Any]) -> tuple[str, int]:
        return each["outcome"], each["subject_key"] if each["subject_key"] in self.marked else 0

    def groups(self, rows: list[dict[str, Any]]) -> dict[tuple[str, int], int]:
        found: Counter[tuple[str, int]] = Counter()
        for each in rows:
            found[self.group(each)] += each["sign"]
        return {group: events for group, events in found.items() if events}

    def changed_at(self, rows: list[dict[str, Any]]) -> dict[tuple[str, int], int]:
        found: dict[tuple[str, int], int] = {}
        for each in rows:
            if each["subject_key"] in self.marked:
                group = each["outcome"], each["subject_key"]
                found[group] = max(found.get(group, 0), each["consensus_changed_at"])
        return found

    def bounds(self, rows: list[dict[str, Any]], left_out: set[tuple[str, int]]) -> tuple[int, int] | None:
        left: Counter[int] = Counter()
        for each in rows:
            if not each["outcome"].startswith("\0") and self.group(each) not in left_out:
                left[each["ts"]] += each["sign"]
        moments = [ts for ts, events in left.items() if events > 0]
        return (min(moments), max(moments)) if moments else None


def append(rows: CodedRows, plain: Plain, versions: list[dict[str, Any]]) -> None:
    for each in versions:
        each.setdefault("version", next(plain.numbers))
    plain.versions += versions
    events = pa.table({name: [each[name] for each in versions] for name in CODED.names}, CODED)
    rows.append(events, {path: np.array([each[path] for each in versions], KINDS[path]) for path in PATHS})


def version(choose: random.Random) -> dict[str, Any]:
    outcome = choose.choice(OUTCOMES)
    return {
        "subject_key": choose.choice(SUBJECTS),
        "ts": choose.randint(-50, 50),
        "outcome": outcome,
        "consensus_changed_at": choose.randint(1, 99) if not outcome.endswith("\0") else 0,
        "band": choose.randint(-1, 9),
        "sign": 1,
        "a": choose.randrange(4),
        "b": choose.choice([0, choose.randrange(VALUES)]),
        "c": choose.choice([math.nan, 0.5, float(choose.randrange(9)), choose.random()]),
    }


@pytest.mark.parametrize("by_bucket", [False, True])
@pytest.mark.parametrize("seed", range(6))
def test_what_is_selected_is_what_a_recount_finds(seed: int, by_bucket: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coded_rows, "_ROWS_OF_A_BLOCK", 37)
    choose = random.Random(seed)  # noqa: S311 - test data
    rows = CodedRows(PATHS, np.array([SUBJECTS[0]], np.uint64), by_bucket=by_bucket)
    plain = Plain(marked={SUBJECTS[0]})
    seen: Counter[str] = Counter()
    for _ in range(40):
        write(choose, rows, plain)
        window, at_paths, plainly = question(choose)
        selected, expected = rows.now(window).select(at_paths), plain.passing(window, plainly)
        seen["groups"] += check_groups(choose, selected, plain, expected)
        check_reviewed(selected, plain, expected, by_bucket=by_bucket)
        asked = choose.sample(sorted(plain.marked), choose.randint(0, len(plain.marked)))
        moments: Counter[tuple[int, int]] = Counter()
        for each in expected:
            if each["subject_key"] in asked and not each["outcome"].startswith("\0"):
                moments[each["subject_key"], each["ts"]] += each["sign"]
        found = rows.moments(np.array(asked, np.uint64), window, at_paths, 10_000)
        assert sorted(found) == sorted(Moment(*at, events) for at, events in moments.items() if events > 0)
        seen["moments"] += bool(found)
        seen["taken back"] += bool(rows.taken_back)
    assert len(rows) == len(plain.versions)
    assert all(seen[what] for what in ("groups", "moments", "taken back"))


def test_the_bounds_where_all_events_are_decided_are_those_of_what_is_left() -> None:
    choose = random.Random(1)  # noqa: S311 - test data
    decided, undecided = (version(choose) | {"outcome": outcome, "a": 1} for outcome in ("Drop\0", "\0"))
    gone = [undecided | {"version": 1, "ts": 1}, decided | {"version": 2, "ts": 20}]
    again = [each | {"sign": -1} for each in gone]
    rows = CodedRows(PATHS, np.empty(0, np.uint64), by_bucket=False)
    append(rows, Plain(marked=set()), [*gone, decided | {"version": 3, "ts": 10}, *again])
    selected = rows.now(Window()).select(passing("a", [False, True, False, False]))
    assert (len(selected), selected.bounds()) == (5, (10, 10))


def write(choose: random.Random, rows: CodedRows, plain: Plain) -> None:
    """Set versions, take some back, or mark subjects."""
    match choose.choice(["append", "append", "take back", "mark"]):
        case "append":
            append(rows, plain, [version(choose) for _ in range(choose.randint(1, 60))])
        case "take back":
            standing = [each for each in plain.versions if each["sign"] > 0 and not each.get("gone")]
            gone = choose.sample(standing, min(len(standing), choose.randint(1, 5)))
            if gone:
                append(rows, plain, [{**each, "sign": -1} for each in gone])
            for each in gone:
                each["gone"] = True
        case _:
            keys = choose.sample(SUBJECTS, choose.randint(1, 3))
            assert set(rows.unmarked(np.array(keys, np.uint64)).tolist()) == set(keys) - plain.marked
            of_keys = [each for each in plain.versions if each["subject_key"] in keys]
            rows.mark(
                np.array(keys, np.uint64),
                *(np.array([each[name] for each in of_keys], np.uint64) for name in ("subject_key", "version")),
            )
            plain.marked |= set(keys)


def question(
    choose: random.Random,
) -> tuple[Window, list[tuple[str, Passing]], dict[str, Callable[[Any], bool]]]:
    """A window and filters, as they are asked and as they are told one by one."""
    start, end = sorted([choose.randint(-60, 60), choose.randint(-60, 60)])
    share = choose.choice([0.02, 0.5, 0.98])
    passing = {
        "a": np.array([choose.random() < 0.7 for _ in range(4)]),
        "b": np.array([choose.random() < share for _ in range(VALUES)]),
    }
    above = {"b": np.arange(VALUES) >= choose.randrange(VALUES)}
    chosen = choose.choice([passing, {"a": passing["a"]}, above])
    at_paths: list[tuple[str, Passing]] = [(path, PassingNumbers(which)) for path, which in chosen.items()]
    plainly: dict[str, Callable[[Any], bool]] = {path: which.__getitem__ for path, which in chosen.items()}
    if choose.random() < 0.4:
        bound = choose.choice([0.0, 0.5, 3.0, choose.random()])
        at_paths.append(("c", PassingValues(lambda values: values > np.float64(bound), 0.5)))
        plainly["c"] = lambda value: bool(value > bound)
    window = choose.choice([Window(), Window(start, end), Window(start), Window(None, end)])
    return window, at_paths, plainly


def check_groups(choose: random.Random, selected: SelectedRows, plain: Plain, expected: list[dict[str, Any]]) -> bool:
    """Groups, when their consensus changed, and the first and last moment of some; whether there are any."""
    groups = selected.groups(with_changes=True).to_pylist()
    keys = [(each["outcome"], each["marked"]) for each in groups]
    counted = dict(zip(keys, (each["events"] for each in groups), strict=True))
    assert counted == plain.groups(expected)
    changed_at = plain.changed_at(expected)
    assert [each["first_changed_at"] for each in groups] == [changed_at.get(key, 0) for key in keys]
    left_out = {key for key in counted if choose.random() < 0.2}
    kept = np.array([key not in left_out for key in keys], np.bool_)
    # of groups that came to nothing no moment is told, whatever stands in them
    empty = {plain.group(each) for each in expected} - counted.keys()
    assert selected.bounds(kept) == plain.bounds(expected, left_out | empty)
    assert selected.bounds() == plain.bounds(expected, empty)
    return bool(counted)


def check_reviewed(selected: SelectedRows, plain: Plain, expected: list[dict[str, Any]], *, by_bucket: bool) -> None:
    """What a report counts."""
    banded: Counter[tuple[str, int, int]] = Counter()
    buckets: Counter[tuple[int, str, int]] = Counter()
    for each in expected:
        outcome, subject = plain.group(each)
        banded[outcome, each["band"], subject] += each["sign"]
        buckets[each["subject_key"], outcome.split("\0")[0], each["band"]] += each["sign"]
    told = selected.banded_groups().to_pylist()
    assert {(each["outcome"], each["band"], each["marked"]): each["events"] for each in told if each["events"]} == {
        key: events for key, events in banded.items() if events
    }
    if by_bucket:
        found: Counter[tuple[int, str, int]] = Counter()
        some = selected.of_buckets()
        columns = (some.keys[some.bucket], some.decision, some.band, some.sign)
        for key, decision, band, sign in zip(*(column.tolist() for column in columns), strict=True):
            found[key, some.decisions[decision], band] += sign
        assert +found == +buckets


@pytest.mark.parametrize("by_bucket", [False, True])
@pytest.mark.parametrize("many", [1, 3, 200])
def test_subjects_are_found_among_many(many: int, by_bucket: bool) -> None:
    random_ = np.random.default_rng(7)
    keys = np.unique(random_.integers(1, 2**64, 500, np.uint64))
    rows = CodedRows(["a"], np.empty(0, np.uint64), by_bucket=by_bucket)
    of = random_.choice(keys, 5_000)
    versions = random_.permutation(np.arange(10**15, 10**15 + 5_000, dtype=np.uint64))
    events = pa.table(
        {
            "version": versions,
            "subject_key": of,
            "ts": np.zeros(5_000, np.int64),
            "outcome": ["Drop\0"] * 5_000,
            "consensus_changed_at": np.zeros(5_000, np.int64),
            "band": np.zeros(5_000, np.int8),
            "sign": np.ones(5_000, np.int8),
        },
        CODED,
    )
    rows.append(events, {"a": np.ones(5_000, np.uint32)})
    marked_now = np.isin(of, keys[:many])
    rows.mark(keys[:many], of[marked_now], versions[marked_now])
    found = rows.now(Window()).select(passing("a", [False, True])).groups(with_changes=False)
    events_of = dict(zip(found["marked"].to_pylist(), found["events"].to_pylist(), strict=True))
    marked = set(keys[:many].tolist())
    assert {key: events for key, events in events_of.items() if key} == Counter(
        each for each in of.tolist() if each in marked
    )
    assert sum(events_of.values()) == 5_000


def test_numbers_take_no_more_bytes_than_they_need_and_may_be_put_in_another_order() -> None:
    rows = CodedRows(["a"], np.empty(0, np.uint64), by_bucket=False)
    events = pa.table(
        {
            "version": [1, 2, 3],
            "subject_key": [1] * 3,
            "ts": [1, 2, 3],
            "outcome": ["Drop\0"] * 3,
            "consensus_changed_at": [0] * 3,
            "band": [0] * 3,
            "sign": [1] * 3,
        },
        CODED,
    )
    rows.append(events, {"a": np.array([0, 1, 2], np.uint32)})
    narrow = rows.nbytes
    rows.append(events, {"a": np.array([0, 70_000, 300], np.uint32)})
    assert rows.nbytes - narrow == 3 * (1 << 18)
    rows.renumber("a", np.array([0, *(number % 2 + 1 for number in range(70_000))], np.uint32))
    assert rows.nbytes == narrow
    select = rows.now(Window()).select(passing("a", [False, False, True]))
    assert select.bounds(np.ones(1, np.bool_)) == (2, 3)
    rows.renumber("a", np.array([np.nan, 0.5, 9.0]))
    assert rows.nbytes - narrow == 3 * (1 << 18)
    above = PassingValues(lambda values: values > np.float64(0.1), 0.5)
    assert rows.now(Window()).select([("a", above)]).bounds() == (2, 3)
    rows.append(events, {"a": np.array([0.1, 0.25, np.nan])})
    assert rows.nbytes - narrow == 7 * (1 << 18)
    assert len(rows.now(Window()).select([("a", above)])) == 5
    rows.drop("a")
    assert rows.paths == ()
    assert rows.nbytes < narrow


@pytest.mark.parametrize("kind", [np.uint32, np.float64])
def test_a_path_may_be_added_when_the_rows_are_there(kind: type[np.generic], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coded_rows, "_ROWS_OF_A_BLOCK", 37)
    choose = random.Random(5)  # noqa: S311 - test data
    rows, plain = CodedRows(PATHS, np.empty(0, np.uint64), by_bucket=True), Plain()
    append(rows, plain, [version(choose) for _ in range(100)])
    append(rows, plain, [{**each, "sign": -1} for each in plain.versions[:5]])
    rows.add("d")
    known = {each["version"]: choose.randrange(1, 300) for each in plain.versions[5:]}  # of five both are gone
    for window in (Window(None, 0), Window(0)):
        of_window = [
            each["version"] for each in plain.versions if window.holds_moment(each["ts"]) and each["version"] in known
        ]
        numbers = np.array([known[each] for each in of_window], kind)
        rows.put_versions("d", window, np.array(of_window, np.uint64), numbers)
    begin = len(rows)
    append(rows, plain, [version(choose) for _ in range(80)])
    rows.put("d", begin, np.arange(80, dtype=kind))
    known |= {each["version"]: number for number, each in enumerate(plain.versions[begin:])}
    for each in plain.versions:
        each["d"] = known.get(each["version"], 0)
    assert rows.paths == (*PATHS, "d")
    for _ in range(20):
        which = np.array([choose.random() < 0.5 for _ in range(300)])
        asked = PassingNumbers(which) if kind is np.uint32 else PassingValues(lambda values: values > 150, 0.5)
        passes: Callable[[Any], bool] = which.__getitem__ if kind is np.uint32 else (150).__lt__
        groups = rows.now(Window()).select([("d", asked)]).groups(with_changes=False).to_pylist()
        counted = {(each["outcome"], each["marked"]): each["events"] for each in groups}
        assert counted == plain.groups(plain.passing(Window(), {"d": passes}))
