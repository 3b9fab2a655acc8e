"""Which of two models, or of two decisions, on the same events is better."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from trueline.metrics.paired import PairedTable, difference, mcnemar, share_right

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trueline.metrics.figures import Figure


@dataclass(frozen=True, slots=True)
class DecisionPair:
    """So many events have this first and this second decision, and this truth."""

    first: str
    second: str
    truth: str | None
    """A consensus label, or None where there is none. Never the decision itself: that would be right by decree."""
    events: int

    def __post_init__(self) -> None:
        if self.events < 0:
            raise ValueError(f"{self} counts less than nothing")


@dataclass(frozen=True, slots=True)
class PairedSubject:
    """So many subjects are alike: of each one's events with a truth, so many were decided right by whom."""

    both_right: int
    only_first: int
    only_second: int
    neither: int
    subjects: int = 1

    def __post_init__(self) -> None:
        if min(self.both_right, self.only_first, self.only_second, self.neither, self.subjects) < 0:
            raise ValueError(f"{self} counts less than nothing")


@dataclass(frozen=True, slots=True)
class Flip:
    """Events that the second decides otherwise than the first."""

    first: str
    second: str
    events: int
    first_right: int
    second_right: int
    neither_right: int
    without_truth: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two sets of decisions on the same events. The figures are about subjects: events, or buckets in a bucket job."""

    events: PairedTable
    """Events with a truth, by who was right."""
    subjects: PairedTable
    """The same for subjects."""
    first: Figure
    """Share of subjects that the first decided right, 0 to 1."""
    second: Figure
    """The same of the second."""
    difference: Figure
    """Second minus first, -1 to 1: positive where the second is better."""
    p_value: Figure
    """McNemar's exact one."""


def compare(pairs: Iterable[PairedSubject], level: float = 0.95) -> Comparison:
    """Say which of two is right more often.

    Events of one bucket share their truth and mostly their decision, so they are not independent; counting them as if
    they were makes intervals too narrow by the root of the size of buckets. Each bucket therefore counts once, as right
    for a model that decided more than half of its events right. Both tables are given; the figures are of subjects.
    In a job grouped by event a subject is an event, and the two tables are the same.
    """
    rows = list(pairs)
    events = PairedTable(
        sum(row.both_right * row.subjects for row in rows),
        sum(row.only_first * row.subjects for row in rows),
        sum(row.only_second * row.subjects for row in rows),
        sum(row.neither * row.subjects for row in rows),
    )
    counted = {(first, second): 0 for first in (True, False) for second in (True, False)}
    for row in rows:
        size = row.both_right + row.only_first + row.only_second + row.neither
        if size:
            right = 2 * (row.both_right + row.only_first) > size, 2 * (row.both_right + row.only_second) > size
            counted[right] += row.subjects
    only_first, only_second = counted[True, False], counted[False, True]
    subjects = PairedTable(counted[True, True], only_first, only_second, counted[False, False])
    return Comparison(
        events=events,
        subjects=subjects,
        first=share_right(subjects.first_right, subjects.total, level),
        second=share_right(subjects.second_right, subjects.total, level),
        difference=difference(subjects, level),
        p_value=mcnemar(only_first, only_second),
    )


def each_event(pairs: Iterable[DecisionPair]) -> list[PairedSubject]:
    """Events as subjects of their own, for a job grouped by event; those without a truth are left out."""
    counted = {(first, second): 0 for first in (True, False) for second in (True, False)}
    for pair in pairs:
        if pair.truth is not None:
            counted[pair.first == pair.truth, pair.second == pair.truth] += pair.events
    return [
        PairedSubject(
            both_right=int(first and second),
            only_first=int(first and not second),
            only_second=int(second and not first),
            neither=int(not first and not second),
            subjects=events,
        )
        for (first, second), events in counted.items()
    ]


def flips(pairs: Iterable[DecisionPair]) -> tuple[Flip, ...]:
    """The events that flipped, by what from and what to: most events first, then by label."""
    counted: dict[tuple[str, str], list[int]] = {}
    for pair in pairs:
        if pair.first != pair.second and pair.events:
            counts = counted.setdefault((pair.first, pair.second), [0, 0, 0, 0])
            if pair.truth is None:
                counts[3] += pair.events
            else:
                counts[(pair.first, pair.second, pair.truth).index(pair.truth)] += pair.events
    found = [Flip(first, second, sum(counts), *counts) for (first, second), counts in counted.items()]
    return tuple(sorted(found, key=lambda flip: (-flip.events, flip.first, flip.second)))
