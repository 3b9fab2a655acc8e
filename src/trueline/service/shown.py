"""Figures as the body of a response has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trueline.metrics.figures import Figure, undefined

if TYPE_CHECKING:
    from trueline.metrics.intervals import Interval


def figure(shown: Figure) -> dict[str, Any]:
    """A figure: null has its reason beside it."""
    return {"value": shown.value, "interval": _interval(shown.interval), "reason": shown.reason}


def number(value: float | None, reason: str) -> dict[str, Any]:
    """A number without an interval, as a figure; `reason` says why there is none."""
    return figure(undefined(reason) if value is None else Figure(value))


def _interval(shown: Interval | None) -> dict[str, float] | None:
    return None if shown is None else {"low": shown.low, "high": shown.high}
