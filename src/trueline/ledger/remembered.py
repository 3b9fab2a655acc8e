"""Counts of reviews that are remembered for as long as nothing is written of their job."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from trueline.ledger.kept import KeptCounts
    from trueline.ledger.population import Population
    from trueline.ledger.reviews import ReviewPart, ReviewQuery, Split
    from trueline.metrics.reviews import ReviewCount

_REMEMBERED: Final = 256

_Answer = TypeVar("_Answer")


class RememberedReviews:
    """Answers as `ReviewQuery`, without a query where the job is as it was when the same was asked before.

    A write is told of after it is in the ledger and before it is acknowledged; an answer is kept under what was told
    before it was asked for. So an answer that is found has all that was acknowledged.
    """

    def __init__(self, query: ReviewQuery, kept: KeptCounts) -> None:
        self._query = query
        self._kept = kept
        self._answers: OrderedDict[str, tuple[int, object]] = OrderedDict()
        self._lock = threading.Lock()

    def counts(self, population: Population) -> list[ReviewCount]:
        """As `ReviewQuery.counts`."""
        return self._remembered(population, "counts", lambda: self._query.counts(population))

    def parts(self, population: Population, split: Split) -> list[ReviewPart]:
        """As `ReviewQuery.parts`."""
        return self._query.parts(population, split)

    def largest(self, population: Population, field: str, limit: int) -> list[str]:
        """As `ReviewQuery.largest`."""
        return self._query.largest(population, field, limit)

    def named(
        self, population: Population, label: str, moments: Collection[tuple[int, int]]
    ) -> list[tuple[int, int, str, bool]]:
        """As `ReviewQuery.named`."""
        return self._query.named(population, label, moments)

    def missed(self, population: Population, label: str, limit: int) -> list[str]:
        """As `ReviewQuery.missed`."""
        return self._remembered(
            population, f"missed {limit} {label}", lambda: self._query.missed(population, label, limit)
        )

    def _remembered(self, population: Population, asked: str, ask: Callable[[], _Answer]) -> _Answer:
        name = f"{population!r} {asked}"  # as it is written, since 1, 1.0 and true are equal
        writes = self._kept.writes(population.job_id)
        with self._lock:
            before, answer = self._answers.get(name, (None, None))
            if before == writes:
                self._answers.move_to_end(name)
                return answer  # type: ignore[return-value]
        found = ask()
        with self._lock:
            self._answers[name] = (writes, found)
            while len(self._answers) > _REMEMBERED:
                self._answers.popitem(last=False)
        return found
