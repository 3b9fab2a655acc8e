"""Votes on the same subjects, counted by pattern, and which answers meet on them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from trueline.labels import UNDECIDED
from trueline.metrics.alpha import Coincidences
from trueline.metrics.consensus import majority

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


@dataclass(frozen=True, slots=True)
class VotePattern:
    """So many subjects have just these standing votes, and were decided so.

    There are at most as many patterns as voted subjects, and few where subjects have few votes: 20 analysts, 3 labels
    and up to two votes a subject give no more than 1,770 for each decision. Overrides are no votes and stay out.
    """

    votes: tuple[tuple[str, str], ...]
    """Analyst and label of each standing vote; no analyst twice, in any order."""
    subjects: int
    decision: str | None = None
    """The model's label; None where there is none. Of a bucket: that of its latest event."""

    def __post_init__(self) -> None:
        if len(dict(self.votes)) != len(self.votes):
            raise ValueError(f"an analyst votes twice in {self.votes}")
        if self.subjects < 0:
            raise ValueError(f"{self.subjects} subjects cannot have {self.votes}")


@dataclass(frozen=True, slots=True)
class Ballot:
    """So many subjects have these labels given by whomever, and were decided so."""

    labels: tuple[str, ...]
    decision: str | None
    subjects: int


def ballots(patterns: Iterable[VotePattern]) -> list[Ballot]:
    """Patterns without the names of who voted: far fewer."""
    counted: Counter[tuple[tuple[str, ...], str | None]] = Counter()
    for pattern in patterns:
        counted[tuple(sorted(label for _, label in pattern.votes)), pattern.decision] += pattern.subjects
    return [Ballot(labels, decision, subjects) for (labels, decision), subjects in counted.items()]


def among_votes(all_ballots: Sequence[Ballot], labels: Sequence[str]) -> Coincidences:
    """Each vote meets all others on its subject.

    Raises:
        KeyError: a vote names a label that is not among `labels`.
    """
    place = {label: index for index, label in enumerate(labels)}
    given = np.zeros((len(all_ballots), len(labels)))
    for row, ballot in enumerate(all_ballots):
        for label in ballot.labels:
            given[row, place[label]] += 1
    met = given[:, :, None] * given[:, None, :] - given[:, :, None] * np.eye(len(labels))
    others = np.maximum(given.sum(axis=1) - 1, 1)
    subjects = np.array([ballot.subjects for ballot in all_ballots], np.int64)
    return Coincidences(subjects, met / others[:, None, None])


def answers_met(
    subjects: Sequence[int], answers: Sequence[Sequence[tuple[str, str]]], labels: Sequence[str]
) -> Coincidences:
    """Two answers at a time meet: so many subjects have each sequence of such pairs.

    Raises:
        KeyError: a pair names a label that is not among `labels`.
    """
    place = {label: index for index, label in enumerate(labels)}
    cells = np.zeros((len(answers), len(labels), len(labels)))
    for row, pairs in enumerate(answers):
        for one, other in pairs:
            cells[row, place[one], place[other]] += 1
            cells[row, place[other], place[one]] += 1
    return Coincidences(np.array(subjects, np.int64), cells)


def against_others(votes: Sequence[str]) -> list[tuple[str, str]]:
    """Each vote with the consensus of the other votes on its subject, where they have one."""
    references = [majority([*votes[:each], *votes[each + 1 :]]) for each in range(len(votes))]
    return [
        (vote, other) for vote, other in zip(votes, references, strict=True) if other is not None and other != UNDECIDED
    ]


def met_once(table: Mapping[tuple[str, str], int], labels: Sequence[str]) -> Coincidences:
    """Subjects on which two answers met, counted by both labels.

    Raises:
        KeyError: the table names a label that is not among `labels`.
    """
    return answers_met(list(table.values()), [[pair] for pair in table], labels)


def by_pair(patterns: Iterable[VotePattern]) -> dict[tuple[str, str], Counter[tuple[str, str]]]:
    """For each two analysts, in the order of their names: the labels they gave to the same subjects."""
    tables: dict[tuple[str, str], Counter[tuple[str, str]]] = {}
    for pattern in patterns:
        for (first, one), (second, other) in combinations(sorted(pattern.votes), 2):
            tables.setdefault((first, second), Counter())[one, other] += pattern.subjects
    return dict(sorted(tables.items()))


def by_analyst(patterns: Iterable[VotePattern]) -> dict[str, Counter[tuple[str, str | None]]]:
    """For each analyst: the label given and the consensus of the others: `UNDECIDED` for a tie, None without others."""
    tables: dict[str, Counter[tuple[str, str | None]]] = {}
    for pattern in patterns:
        given = [label for _, label in pattern.votes]
        for each, (analyst, label) in enumerate(pattern.votes):
            others = majority([*given[:each], *given[each + 1 :]])
            tables.setdefault(analyst, Counter())[label, others] += pattern.subjects
    return dict(sorted(tables.items()))
