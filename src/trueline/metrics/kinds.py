"""What events are counted as: kinds, few however many events there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from trueline.metrics.counts import Count
from trueline.metrics.growing import Codes, Numbers

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

_SIDE: Final = 1 << 12
"""More than there are labels in a job, so that two of them and two flags make one number."""


class Kind(NamedTuple):
    """What is counted as one."""

    decision: str
    """Empty: not decided yet."""
    consensus: str
    """Empty: none."""
    trained: bool
    changed: bool


def count_table(kinds: Iterable[Kind], events: Iterable[int], *, trained: bool) -> tuple[Count, ...]:
    """The count table of decided events, so many of each kind; where none is trained, as if nothing was learned."""
    counted: dict[tuple[str, str | None, bool, bool], int] = {}
    for kind, size in zip(kinds, events, strict=True):
        if kind.decision and size:
            alike = (kind.decision, kind.consensus or None, trained and kind.trained, trained and kind.changed)
            counted[alike] = counted.get(alike, 0) + size
    return tuple(Count(*alike, size) for alike, size in counted.items() if size)


class Kinds:
    """The kinds that came up, numbered in that order; they only become more. Labels go by their codes, none by 0."""

    def __init__(self) -> None:
        self.labels = Codes([""])
        self._packed = Numbers()
        self._told: tuple[Kind, ...] = ()

    def __len__(self) -> int:
        return len(self._packed)

    def of(
        self,
        decision: NDArray[np.int64],
        consensus: NDArray[np.int64],
        trained: NDArray[np.bool_] | int = 0,
        changed: NDArray[np.bool_] | int = 0,
    ) -> NDArray[np.int64]:
        """The numbers of kinds; one that is new gets the next."""
        packed = ((decision * _SIDE + consensus) * 2 + trained) * 2 + changed
        return self._packed.add(packed.astype(np.uint64))

    @property
    def decisions(self) -> NDArray[np.int64]:
        """The decision of each kind."""
        return (self._packed.numbers // (4 * _SIDE)).astype(np.int64)

    @property
    def consensus(self) -> NDArray[np.int64]:
        """The consensus of each kind."""
        return (self._packed.numbers // 4 % _SIDE).astype(np.int64)

    def have_changed(self, numbers: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether events of these kinds are decided and changed after training."""
        packed = self._packed.numbers[numbers]
        changed: NDArray[np.bool_] = (packed % 2 == 1) & (packed >= 4 * _SIDE)
        return changed

    def told(self) -> tuple[Kind, ...]:
        """All of them, in words."""
        if len(self._told) < len(self):
            texts = self.labels.texts
            new = self._packed.numbers[len(self._told) :].tolist()
            split = [(*divmod(packed // 4, _SIDE), packed % 4) for packed in new]
            self._told += tuple(
                Kind(texts[decision], texts[consensus], flags > 1, flags % 2 == 1)
                for decision, consensus, flags in split
            )
        return self._told
