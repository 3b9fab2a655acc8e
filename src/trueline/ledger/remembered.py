"""Answers about reviews that are remembered for as long as nothing is written of their job."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from trueline.ledger.kept import KeptCounts
    from trueline.ledger.population import Population

_REMEMBERED: Final = 256

_Answer = TypeVar("_Answer")


class RememberedReviews:
    """Gives an answer again, without a question, where the job is as it was when the same was asked before.

    A write is told of after it is in the ledger and before it is acknowledged; an answer is kept under what was told
    before it was asked for. So an answer that is found has all that was acknowledged.
    """

    def __init__(self, kept: KeptCounts) -> None:
        self._kept = kept
        self._answers: OrderedDict[str, tuple[int, object]] = OrderedDict()
        self._lock = threading.Lock()

    def answer(self, population: Population, asked: str, ask: Callable[[], _Answer]) -> _Answer:
        """What `ask` answers, which follows from what is asked and the population alone."""
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
