"""A figure is a number, or says why it is none."""

from __future__ import annotations

import pytest

from trueline.metrics.figures import Figure, undefined
from trueline.metrics.intervals import UNKNOWN_PROPORTION


def test_undefined_says_why() -> None:
    assert undefined("nobody looked") == Figure(None, None, "nobody looked")
    assert undefined("nobody looked", UNKNOWN_PROPORTION).interval == UNKNOWN_PROPORTION


@pytest.mark.parametrize("reason", [None, ""])
def test_nothing_without_a_reason_is_refused(reason: str | None) -> None:
    with pytest.raises(ValueError, match="say why"):
        Figure(None, None, reason)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_no_number_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="not a number"):
        Figure(value)
