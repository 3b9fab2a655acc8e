"""How far analysts agree with each other, and the model with them: the human ceiling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from trueline.labels import UNDECIDED
from trueline.metrics.alpha import Agreement, agreement
from trueline.metrics.figures import Figure, undefined
from trueline.metrics.intervals import UNKNOWN_DIFFERENCE
from trueline.metrics.paired import PairedTable, difference
from trueline.metrics.votes import (
    Ballot,
    VotePattern,
    against_others,
    among_votes,
    answers_met,
    ballots,
    by_analyst,
    by_pair,
    met_once,
)

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterable, Mapping, Sequence

_Name = TypeVar("_Name")
_Met = TypeVar("_Met")


@dataclass(frozen=True, slots=True)
class PairAgreement:
    """How far two analysts agree where both voted."""

    first: str
    second: str
    agreement: Agreement


@dataclass(frozen=True, slots=True)
class AnalystAgreement:
    """How far an analyst agrees with the consensus of all others on the same subjects."""

    analyst: str
    subjects: int
    """On how many they have a standing vote."""
    alone: int
    """On how many of these nobody else voted."""
    others_undecided: int
    """On how many the others have no consensus."""
    agreement: Agreement
    """On the rest."""


@dataclass(frozen=True, slots=True)
class HumanCeiling:
    """Model and analysts, held against the same answers: for each vote, the consensus of the others on its subject."""

    analysts: Agreement
    """The votes against the consensus of the others: what one more analyst could reach."""
    model: Agreement
    """The decisions against that same consensus of the others."""
    difference: Figure
    """Model minus analysts, in the share that agrees: at 0 the model is as good as one more analyst."""


@dataclass(frozen=True, slots=True)
class AgreementReport:
    """How far people agree."""

    subjects: int
    """With at least one standing vote."""
    overall: Agreement
    """All votes on a subject with each other."""
    pairs: tuple[PairAgreement, ...]
    """Those who voted on a subject in common: most such subjects first, then by name."""
    pairs_left_out: int
    """How many more there are."""
    analysts: tuple[AnalystAgreement, ...]
    """Those with a standing vote: on most subjects first, then by name."""
    analysts_left_out: int
    """How many more there are."""
    ceiling: HumanCeiling


def agreement_report(
    patterns: Sequence[VotePattern],
    labels: Sequence[str],
    *,
    ordered: bool,
    level: float = 0.95,
    most: int | None = None,
) -> AgreementReport:
    """Say how far people agree, and the model with them.

    Args:
        patterns: How many subjects have which votes and decision.
        labels: The job's labels, in their order.
        ordered: Whether that order means something, as in Drop, Investigate, Escalate; else no ordinal alpha.
        level: Of the intervals.
        most: How many pairs, and how many analysts, are looked at one by one; None: all. The other figures are of all.

    Raises:
        KeyError: a vote or a decision names a label that is not among `labels`.
    """
    counted = ballots(patterns)
    pairs, analysts = by_pair(patterns), by_analyst(patterns)
    return AgreementReport(
        subjects=sum(ballot.subjects for ballot in counted if ballot.labels),
        overall=agreement(among_votes(counted, labels), labels, level, ordered=ordered),
        pairs=tuple(
            PairAgreement(first, second, agreement(met_once(table, labels), labels, level, ordered=ordered))
            for (first, second), table in _largest(pairs, most)
        ),
        pairs_left_out=0 if most is None else max(len(pairs) - most, 0),
        analysts=tuple(_analysts(_largest(analysts, most), labels, level, ordered=ordered)),
        analysts_left_out=0 if most is None else max(len(analysts) - most, 0),
        ceiling=_ceiling(counted, labels, level, ordered=ordered),
    )


def _largest(tables: Mapping[_Name, Counter[_Met]], most: int | None) -> list[tuple[_Name, Counter[_Met]]]:
    """Tables with the most subjects, those with as many in the order that they come in."""
    return sorted(tables.items(), key=lambda table: -table[1].total())[:most]


def _analysts(
    tables: Iterable[tuple[str, Counter[tuple[str, str | None]]]], labels: Sequence[str], level: float, *, ordered: bool
) -> Iterable[AnalystAgreement]:
    for analyst, table in tables:
        met = {
            (label, others): subjects
            for (label, others), subjects in table.items()
            if others is not None and others != UNDECIDED
        }
        yield AnalystAgreement(
            analyst=analyst,
            subjects=table.total(),
            alone=sum(subjects for (_, others), subjects in table.items() if others is None),
            others_undecided=sum(subjects for (_, others), subjects in table.items() if others == UNDECIDED),
            agreement=agreement(met_once(met, labels), labels, level, ordered=ordered),
        )


def _ceiling(all_ballots: Sequence[Ballot], labels: Sequence[str], level: float, *, ordered: bool) -> HumanCeiling:
    decided = [(ballot, ballot.decision) for ballot in all_ballots if ballot.decision is not None]
    subjects = [ballot.subjects for ballot, _ in decided]
    votes = [against_others(ballot.labels) for ballot, _ in decided]
    decisions = [
        [(decision, others) for _, others in pairs] for (_, decision), pairs in zip(decided, votes, strict=True)
    ]
    return HumanCeiling(
        analysts=agreement(answers_met(subjects, votes, labels), labels, level, ordered=ordered),
        model=agreement(answers_met(subjects, decisions, labels), labels, level, ordered=ordered),
        difference=_model_minus_analysts(subjects, votes, decisions, level),
    )


def _model_minus_analysts(
    subjects: Sequence[int],
    votes: Sequence[Sequence[tuple[str, str]]],
    decisions: Sequence[Sequence[tuple[str, str]]],
    level: float,
) -> Figure:
    """The paired difference, its table shrunk to as many answers as the subjects are worth.

    Answers on one subject are not independent; the table is divided by the design effect, the variance between
    subjects over that of independent pairs, as J. N. K. Rao and A. J. Scott do (Biometrics 48 (1992), pages 577 to
    585). Both variances are taken with one subject of mean size more on which the two differ throughout: where they
    were hardly seen to differ, each subject then weighs as a single answer.
    """
    cells = [0, 0, 0, 0]
    gains = []
    for count, ours, theirs in zip(subjects, votes, decisions, strict=True):
        gain = 0
        for (vote, others), (decision, _) in zip(ours, theirs, strict=True):
            analyst_right, model_right = vote == others, decision == others
            cells[2 * (not analyst_right) + (not model_right)] += count
            gain += model_right - analyst_right
        gains.append((count, gain, len(ours)))
    both, only_analyst, only_model, neither = cells
    table = PairedTable(both, only_analyst, only_model, neither)
    total = sum(cells)
    if not total:
        return undefined("on no decided subject is there a vote and a consensus of the others", UNKNOWN_DIFFERENCE)
    mean = (only_model - only_analyst) / total
    size = sum(count * size for count, _, size in gains) / sum(count for count, _, size in gains if size)
    clustered = sum(count * (gain - mean * size) ** 2 for count, gain, size in gains)
    independent = only_model + only_analyst - mean**2 * total
    effect = (clustered + size**2) / (independent + size)
    shown = difference(table.scaled(1 / effect), level)
    return Figure(mean, shown.interval)
