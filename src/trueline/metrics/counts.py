"""The count table that every number is made from, and the truth of the events in it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from trueline.labels import UNDECIDED

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class TruthPolicy(StrEnum):
    """What counts as the truth of an event that nobody voted on."""

    IMPLICIT = "implicit"
    """Its decision: one that nobody contradicts counts as right. It flatters."""
    EXPLICIT = "explicit"
    """Nothing: only events with a consensus label have a truth."""


class Count(NamedTuple):
    """So many events of a population are alike in what the numbers depend on."""

    decision: str
    consensus: str | None
    """A label, `UNDECIDED`, or None where nobody voted."""
    in_knowledge_base: bool
    changed_after_training: bool
    events: int

    def truth(self, policy: TruthPolicy) -> str | None:
        """The true label of these events under a policy; None where there is none."""
        return truth_of(self.decision, self.consensus, policy)


def truth_of(decision: str, consensus: str | None, policy: TruthPolicy) -> str | None:
    """The true label of events with this decision and consensus, as `Count` has them; None where there is none."""
    if consensus == UNDECIDED:
        return None
    if consensus is None:
        return decision if policy is TruthPolicy.IMPLICIT else None
    return consensus


@dataclass(frozen=True, slots=True)
class Totals:
    """Sizes of a population and of its named parts, in events."""

    events: int
    in_knowledge_base: int
    with_consensus: int
    changed_after_training: int


def totals(counts: Iterable[Count]) -> Totals:
    """Sum a count table into the sizes of the population and its parts."""
    events = in_knowledge_base = with_consensus = changed = 0
    for count in counts:
        events += count.events
        in_knowledge_base += count.events * count.in_knowledge_base
        with_consensus += count.events * (count.consensus not in {None, UNDECIDED})
        changed += count.events * count.changed_after_training
    return Totals(events, in_knowledge_base, with_consensus, changed)


def confusion_matrix(counts: Iterable[Count], labels: Sequence[str], policy: TruthPolicy) -> list[list[int]]:
    """Count events by truth and decision.

    Returns:
        K x K integers for K labels in their order: row = truth, column = decision. Labels that never occur
        have their row and column of zeros. Events without a truth under the policy are left out.

    Raises:
        KeyError: a count names a label that is not among `labels`.
    """
    place = {label: index for index, label in enumerate(labels)}
    matrix = [[0] * len(labels) for _ in labels]
    for count in counts:
        truth = count.truth(policy)
        if truth is not None:
            matrix[place[truth]][place[count.decision]] += count.events
    return matrix
