"""What people said, how sure models were, and what two of them decided: counted from the lists of the oracle."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from oracle import UNDECIDED
from trueline.metrics.calibration import ConfidenceCount
from trueline.metrics.comparison import DecisionPair, PairedSubject
from trueline.metrics.votes import VotePattern

if TYPE_CHECKING:
    from collections.abc import Sequence

    from oracle import Decision, Oracle, Sent


def latest_decisions(oracle: Oracle, population: Sequence[Sent]) -> dict[str, Decision]:
    """The decision on the latest event of each subject: by time, then by label, then by confidence."""
    found: dict[str, tuple[int, int, float, Decision]] = {}
    for event in population:
        decision = oracle.decisions_on(event.event_id)[-1]
        sure = -1 if decision.confidence is None else decision.confidence
        this = event.timestamp, oracle.job.labels.index(decision.label), sure, decision
        if event.bucket not in found or this[:3] > found[event.bucket][:3]:
            found[event.bucket] = this
    return {subject: decision for subject, (_, _, _, decision) in found.items()}


def standing_votes(oracle: Oracle, subject: str) -> dict[str, str]:
    """What each analyst says of a subject now."""
    latest: dict[str, str | None] = {}
    for vote in sorted((vote for vote in oracle.votes if vote.subject == subject), key=lambda vote: vote.at):
        if not vote.override:
            latest[vote.analyst] = vote.label
    return {analyst: label for analyst, label in latest.items() if label is not None}


def vote_patterns(oracle: Oracle, population: Sequence[Sent]) -> set[VotePattern]:
    """How many subjects of a population have which votes and decision."""
    counted: Counter[tuple[tuple[tuple[str, str], ...], str]] = Counter()
    for subject, decision in latest_decisions(oracle, population).items():
        votes = standing_votes(oracle, subject)
        if votes:
            counted[tuple(sorted(votes.items())), decision.label] += 1
    return {VotePattern(votes, subjects, decision) for (votes, decision), subjects in counted.items()}


def truth(oracle: Oracle, subject: str) -> str | None:
    """The explicit truth of a subject's events."""
    consensus, _ = oracle.consensus(subject)
    return None if consensus == UNDECIDED else consensus


def confidence_counts(oracle: Oracle, population: Sequence[Sent]) -> set[ConfidenceCount]:
    """How many events, or buckets by their latest event, claim how much, and how many of them are right."""
    counted: dict[float | None, Counter[str]] = {}
    for subject, decision in latest_decisions(oracle, population).items():
        fact = truth(oracle, subject)
        kind = "unreviewed" if fact is None else "right" if fact == decision.label else "wrong"
        counted.setdefault(decision.confidence, Counter())[kind] += 1
    return {
        ConfidenceCount(confidence, kinds["right"], kinds["wrong"], kinds["unreviewed"])
        for confidence, kinds in counted.items()
    }


def both_decisions(oracle: Oracle, event: Sent, first: str | None, second: str | None) -> tuple[str, str] | None:
    """What two models decided last on an event, or what was decided last but one and last; None without one of them."""
    decisions = oracle.decisions_on(event.event_id)
    if first is None or second is None:
        return (decisions[-2].label, decisions[-1].label) if len(decisions) > 1 else None
    of_first, of_second = (
        [decision.label for decision in decisions if decision.model_id == model] for model in (first, second)
    )
    return (of_first[-1], of_second[-1]) if of_first and of_second else None


def decision_pairs(
    oracle: Oracle, population: Sequence[Sent], first: str | None, second: str | None
) -> set[DecisionPair]:
    """How many events have which two decisions and which truth."""
    counted: Counter[tuple[str, str, str | None]] = Counter()
    for event in population:
        both = both_decisions(oracle, event, first, second)
        if both is not None:
            counted[(*both, truth(oracle, event.bucket))] += 1
    return {DecisionPair(*alike, events) for alike, events in counted.items()}


def paired_subjects(
    oracle: Oracle, population: Sequence[Sent], first: str | None, second: str | None
) -> set[PairedSubject]:
    """How many subjects have so many events that both, one or neither of two decided right."""
    by_subject: dict[str, Counter[tuple[bool, bool]]] = {}
    for event in population:
        both, fact = both_decisions(oracle, event, first, second), truth(oracle, event.bucket)
        if both is not None and fact is not None:
            by_subject.setdefault(event.bucket, Counter())[both[0] == fact, both[1] == fact] += 1
    alike = Counter(
        (right[True, True], right[True, False], right[False, True], right[False, False])
        for right in by_subject.values()
    )
    return {PairedSubject(*counts, subjects) for counts, subjects in alike.items()}


def flipped(
    oracle: Oracle, population: Sequence[Sent], first: str | None, second: str | None
) -> dict[tuple[str, str], list[str]]:
    """The ids of events that two decided otherwise, by the two labels: latest first, then by id."""
    found: dict[tuple[str, str], list[str]] = {}
    for event in sorted(population, key=lambda event: (-event.timestamp, event.event_id)):
        both = both_decisions(oracle, event, first, second)
        if both is not None and both[0] != both[1]:
            found.setdefault(both, []).append(event.event_id)
    return found
