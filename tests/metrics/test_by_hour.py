"""Rows by hour: those of a window are the ones a look at all of them finds."""

from __future__ import annotations

import numpy as np
import pytest

from trueline.metrics import by_hour
from trueline.metrics.by_hour import RowsByHour
from trueline.metrics.hours import HOUR, Window


@pytest.mark.parametrize("waiting", [0, 7, 10_000])
def test_rows_of_a_window(waiting: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(by_hour, "_WAITING", waiting)
    random = np.random.default_rng(waiting)
    rows = RowsByHour(number=np.uint32, sign=np.int8)
    hours, number = np.empty(0, np.int64), np.empty(0, np.uint32)
    for _ in range(30):
        more = random.integers(-5, 12, random.integers(0, 20))
        numbers = random.integers(0, 2**32, len(more), np.uint32)
        rows.append(more, number=numbers, sign=np.ones(len(more), np.int8))
        hours, number = np.concatenate([hours, more]), np.concatenate([number, numbers])
        assert len(rows) == len(hours)
        for start, end in ((None, None), (-3, None), (None, 4), (2, 5), (3, 3), (-90, 90), (50, 60)):
            found = rows.of(Window(*(None if each is None else each * HOUR for each in (start, end))))
            inside = (hours >= (-100 if start is None else start)) & (hours < (100 if end is None else end))
            assert sorted(found["number"].tolist()) == sorted(number[inside].tolist())
            assert len(found["sign"]) == inside.sum()
            assert found["number"].dtype == np.uint32
