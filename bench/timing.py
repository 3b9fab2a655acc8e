"""How long things took, over many runs."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass, field


@dataclass(slots=True)
class Timed:
    """The times of one thing, in milliseconds, without the warm-ups."""

    times: list[float] = field(default_factory=list)

    def add(self, seconds: float) -> None:
        """Take in one run."""
        self.times.append(1_000 * seconds)

    @property
    def median(self) -> float:
        return statistics.median(self.times)

    @property
    def p95(self) -> float:
        """The 95th percentile by nearest rank."""
        return self.percentile(95)

    def percentile(self, percent: float) -> float:
        """A percentile by nearest rank."""
        return sorted(self.times)[math.ceil(percent / 100 * len(self.times)) - 1]
