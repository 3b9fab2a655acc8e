"""Confidences put together."""

from __future__ import annotations

from trueline.metrics.parts import CONFIDENCE_UNITS, Confidence


def test_decisions_without_a_confidence_have_no_mean() -> None:
    assert Confidence().mean is None
    assert Confidence.together([]) == Confidence()


def test_the_mean_is_in_percent_and_of_all_decisions() -> None:
    first = Confidence(events=2, low=1, total=100 * CONFIDENCE_UNITS)
    second = Confidence(events=1, low=0, total=95 * CONFIDENCE_UNITS)
    assert Confidence.together([first, second]) == Confidence(3, 1, 195 * CONFIDENCE_UNITS)
    assert Confidence.together([first, second]).mean == 65.0
