"""Which rows pass, told from their numbers: compared in few ranges, or looked up."""

from __future__ import annotations

import numpy as np
import pytest

from trueline.metrics.passing import PassingNumbers


@pytest.mark.parametrize("width", [np.uint8, np.uint16, np.uint32])
@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 1.0])
def test_rows_pass_as_their_numbers_do(width: type[np.unsignedinteger], share: float) -> None:
    random = np.random.default_rng(7)
    which = random.random(200) < share
    codes = random.integers(0, 200, 5_000).astype(width)
    assert (PassingNumbers(which).met(codes) == which[codes]).all()


def test_a_row_with_a_number_that_nothing_is_known_of_is_refused() -> None:
    which = np.arange(100) % 2 == 0  # in many ranges, so that it is looked up
    known = np.array([0, 99], np.uint16)
    assert PassingNumbers(which).met(known).tolist() == [True, False]
    with pytest.raises(IndexError, match="not known whether it passes"):
        PassingNumbers(which).met(np.array([0, 100], np.uint16))


def test_no_row_passes_where_there_is_none() -> None:
    assert PassingNumbers(np.arange(100) % 2 == 0).met(np.empty(0, np.uint16)).tolist() == []
