"""A number with how sure it is, or the reason why there is none."""

from dataclasses import dataclass

from trueline.metrics.intervals import Interval


@dataclass(frozen=True, slots=True)
class Figure:
    """One reported number.

    Attributes:
        value: The estimate; None when it is not defined. Never NaN, never 0 in place of nothing.
        interval: Where the truth lies at the level asked for; None when the data cannot say. It may stand without a
            value: a label nobody reviewed has no recall, but its recall is in [0, 1].
        reason: Why `value` or `interval` is missing, or what the reader must know of them, in words for people; None
            when there is nothing to say. A missing value always has a reason.
    """

    value: float | None
    interval: Interval | None = None
    reason: str | None = None

    def __post_init__(self) -> None:
        if self.value is None and not self.reason:
            raise ValueError("a figure without a value must say why")
        if self.value is not None and self.value - self.value != 0:
            raise ValueError(f"{self.value} is not a number to report")


def undefined(reason: str, interval: Interval | None = None) -> Figure:
    """A figure without a value, and why."""
    return Figure(value=None, interval=interval, reason=reason)
