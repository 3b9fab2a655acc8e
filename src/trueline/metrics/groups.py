"""Events counted in groups: what each group counts as, and the count table that comes of it.

Times are microseconds since 1970. Tables are arrow's, arrays numpy's, an element for each group.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import pyarrow as pa

from trueline.metrics.kinds import count_table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trueline.metrics.counts import Count
    from trueline.metrics.kinds import Kind

OUTCOME: Final = pa.dictionary(pa.int32(), pa.string())
"""Few different texts: a decision, a NUL and the consensus that events came with."""

GROUPS: Final = pa.schema(
    [("outcome", OUTCOME), ("marked", pa.uint64()), ("first_changed_at", pa.int64()), ("events", pa.int64())]
)
"""Events counted by outcome and by subject where that has a state of its
own, 0 where not; and when the consensus that they came with changed, at the latest."""


GROUPS_IN_TIME: Final = pa.schema(
    [
        *GROUPS,
        *[("first", pa.int64()), ("last", pa.int64())],
        *[("taken_back", pa.int64()), ("first_back", pa.int64()), ("last_back", pa.int64())],
    ]
)
"""The same with when the first and the last version of each group happened, how many take others back, and, where any
do, when the first and the last of those happened."""


class Changed(NamedTuple):
    """A subject that changed after training."""

    at: int
    """When its consensus did."""
    events: int


@dataclass(frozen=True, slots=True)
class PlacedGroups:
    """Groups of a population's events, and what each counts as."""

    subject: NDArray[np.uint64]
    """The key of the subject; 0 where that has no state of its own."""
    events: NDArray[np.int64]
    kind: NDArray[np.int64]
    """The place in `kinds`."""
    changed_at: NDArray[np.int64]
    """When the subject's consensus changed."""
    kinds: tuple[Kind, ...]

    def counts(self, passing: NDArray[np.bool_], *, trained: bool) -> tuple[Count, ...]:
        """The count table of decided events of kinds that pass; where none is trained, as if nothing was learned."""
        kept = self.passing(passing)
        by_kind = np.zeros(len(self.kinds), np.int64)
        np.add.at(by_kind, self.kind[kept], self.events[kept])
        return count_table(self.kinds, by_kind.tolist(), trained=trained)

    def changed(self, passing: NDArray[np.bool_]) -> dict[int, Changed]:
        """The subjects, by their keys, with decided events of kinds that pass and that changed after training."""
        has_changed = np.array([kind.changed for kind in self.kinds], np.bool_)
        rows = np.flatnonzero(self.passing(passing) & has_changed[self.kind])
        found: dict[int, Changed] = {}
        columns = (self.subject[rows].tolist(), self.changed_at[rows].tolist(), self.events[rows].tolist())
        for subject, at, events in zip(*columns, strict=True):
            before = found.get(subject, Changed(0, 0))
            found[subject] = Changed(max(at, before.at), before.events + events)
        return {subject: each for subject, each in found.items() if each.events}

    def bounds(self, groups: pa.Table, passing: NDArray[np.bool_]) -> tuple[int | None, int | None]:
        """The first and the last ``@timestamp`` of decided events of kinds that pass, told from the groups themselves.

        None where there are none, and where it may be that of a version which was taken back.

        Args:
            groups: These, with the columns of `GROUPS_IN_TIME`.
            passing: As in `counts`.
        """
        kept = np.flatnonzero(self.passing(passing))
        if not len(kept):
            return None, None
        first, last, taken_back, first_back, last_back = (
            groups[name].to_numpy()[kept] for name in ("first", "last", "taken_back", "first_back", "last_back")
        )
        earliest, latest, back = int(first.min()), int(last.max()), taken_back > 0
        return (
            None if (first_back[back] <= earliest).any() else earliest,
            None if (last_back[back] >= latest).any() else latest,
        )

    def passing(self, passing: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Which groups are of decided events of kinds that pass."""
        decided = np.array([bool(kind.decision) for kind in self.kinds], np.bool_)
        kept: NDArray[np.bool_] = (passing & decided)[self.kind]
        return kept
