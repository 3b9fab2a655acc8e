"""The first and the last hour that has anything: those that a look at all of them finds."""

from __future__ import annotations

import numpy as np
import pytest

from trueline.metrics.hours import first_and_last


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 100, 1_000])
def test_the_first_and_the_last_row_that_has_anything(size: int) -> None:
    random = np.random.default_rng(size)
    for share in (0.0, 0.002, 0.05, 0.9):
        counts = (random.random((size, 5)) < share).astype(np.int64)
        for columns in (slice(None), np.array([1, 3]), np.array([], np.intp)):
            filled = np.flatnonzero(counts[:, columns].any(axis=1)).tolist()
            wanted = (filled[0], filled[-1]) if filled else (None, None)
            assert first_and_last(counts, columns) == wanted
            assert first_and_last(np.asfortranarray(counts), columns) == wanted
