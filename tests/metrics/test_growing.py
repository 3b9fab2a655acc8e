"""Columns that grow, against plain lists."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trueline.metrics import growing
from trueline.metrics.growing import Codes, GroupedRows, Numbers, columns_of

numbers = st.lists(st.integers(0, 2**64 - 1) | st.integers(0, 5), max_size=30)


@given(st.lists(numbers, max_size=6))
def test_numbers_keep_the_place_of_their_first_appearance(batches: list[list[int]]) -> None:
    places, known = Numbers(), list[int]()
    for batch in batches:
        asked = np.array(batch, np.uint64)
        assert places.find(asked).tolist() == [known.index(each) if each in known else -1 for each in batch]
        known += [each for each in dict.fromkeys(batch) if each not in known]
        assert places.add(asked).tolist() == [known.index(each) for each in batch]
        assert places.numbers.tolist() == known
        assert len(places) == len(known)


@pytest.mark.parametrize("beyond", [0, 30, 58], ids=["spread", "crowded", "all alike"])
def test_many_numbers_are_found_however_they_are_spread(beyond: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(growing, "_MANY", 0)
    random = np.random.default_rng(beyond)
    known = np.unique(random.integers(0, 2**64, 2_000, np.uint64, endpoint=False) >> np.uint64(beyond))
    places = Numbers()
    places.add(known)
    beside = np.array([0, 1, 2**64 - 1, int(known.max()), int(known.max()) - 1], np.uint64)
    asked = np.concatenate([random.choice(known, 3_000), known + np.uint64(1), beside])
    position = {number: place for place, number in enumerate(known.tolist())}
    assert places.find(asked).tolist() == [position.get(number, -1) for number in asked.tolist()]


@given(st.lists(st.lists(st.integers(0, 12), max_size=900), max_size=6), st.sets(st.integers(0, 12)))
def test_rows_of_groups_are_all_theirs_and_no_others(batches: list[list[int]], groups: set[int]) -> None:
    rows, all_groups = GroupedRows(value=np.int64), list[int]()
    for batch in batches:
        rows.append(np.array(batch, np.int64), value=np.arange(len(all_groups), len(all_groups) + len(batch)))
        all_groups += batch
        found = rows.of(np.array(sorted(groups), np.int64))
        assert sorted(rows["value"][found].tolist()) == [row for row, each in enumerate(all_groups) if each in groups]
    assert rows.group.tolist() == all_groups


def test_columns_grow_together_and_are_set_in_place() -> None:
    columns = columns_of(a=np.int64, b=np.bool_)
    for size in (0, 60, 10, 1_000):
        columns.append(size, a=np.arange(size), b=1)
    columns["a"][5] = 99
    assert len(columns) == 1_070
    assert columns["a"].tolist() == [*range(5), 99, *range(6, 60), *range(10), *range(1_000)]
    assert columns["b"].all()


@given(st.lists(st.lists(st.sampled_from(["", "a", "b", "ä\0", "c"]), max_size=9), max_size=5))
def test_codes_lead_back_to_their_texts(batches: list[list[str]]) -> None:
    codes = Codes([""])
    for batch in batches:
        found = codes.of(pa.array(batch, pa.string()))
        assert [codes.texts[code] for code in found.tolist()] == batch
    assert len(set(codes.texts)) == len(codes.texts)
