"""How a report is to be told: at which level, over time, by which field, and of what else."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from trueline.metrics.local_time import INTERVALS
from trueline.service.errors import InvalidRequestError

MAX_TOP: Final = 100
DEFAULT_TOP: Final = 10
DEFAULT_LEVEL: Final = 0.95
LOWEST_LEVEL: Final = 0.5
HIGHEST_LEVEL: Final = 0.999


class Further(StrEnum):
    """What is told of the whole population where it is asked for: each takes questions of its own to the ledger."""

    AGREEMENT = "agreement"
    CONFIDENCE = "confidence"
    MODELS = "models"


@dataclass(frozen=True, slots=True)
class Telling:
    """How a report is to be told, read and checked."""

    level: float = DEFAULT_LEVEL
    interval: str | None = None
    group_by: str | None = None
    top: int = DEFAULT_TOP
    also: tuple[str, ...] = ()
    """Members of `Further`."""
    promised_error_rate: float | None = None
    """Asks for the confidence, too."""
    first_model: str | None = None
    """With the second one it asks for the models, too."""
    second_model: str | None = None
    as_of: str | None = None
    """Only what was known at this moment; None: all that is known."""

    def further(self) -> set[Further]:
        """What is asked for, by its name or by what belongs to it."""
        asked = {Further(name) for name in self.also}
        if self.promised_error_rate is not None:
            asked.add(Further.CONFIDENCE)
        if self.first_model is not None or self.second_model is not None:
            asked.add(Further.MODELS)
        return asked

    def check(self) -> None:
        """Refuse what cannot be told.

        Raises:
            InvalidRequestError: naming the part that is wrong.
        """
        if not LOWEST_LEVEL <= self.level <= HIGHEST_LEVEL:
            raise InvalidRequestError(("query", "level"), f"level is between {LOWEST_LEVEL} and {HIGHEST_LEVEL}")
        if self.interval is not None and self.interval not in INTERVALS:
            raise InvalidRequestError(("query", "interval"), f"interval is one of {', '.join(INTERVALS)}")
        if not 1 <= self.top <= MAX_TOP:
            raise InvalidRequestError(("query", "top"), f"top is between 1 and {MAX_TOP}")
        if not {*Further} >= {*self.also}:
            raise InvalidRequestError(("query", "also"), f"also is one of {', '.join(Further)}")
