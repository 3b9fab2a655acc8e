"""Who agrees with whom, and the human ceiling."""

from __future__ import annotations

import random
from time import perf_counter
from typing import TYPE_CHECKING

import pytest

from metrics.covering import RUNS, coverage
from metrics.voting import LABELS, drawn, whole, world
from trueline.metrics.agreement import AgreementReport, agreement_report
from trueline.metrics.intervals import wilson
from trueline.metrics.votes import VotePattern

if TYPE_CHECKING:
    from trueline.metrics.figures import Figure


def report(*patterns: VotePattern) -> AgreementReport:
    return agreement_report(patterns, LABELS, ordered=True)


def pattern(subjects: int, decision: str | None = None, **votes: str) -> VotePattern:
    return VotePattern(tuple(votes.items()), subjects, decision)


def test_a_pair_is_compared_where_both_voted() -> None:
    (ana_ben, ana_cyd) = report(
        pattern(6, ana="Drop", ben="Drop"),
        pattern(3, ana="Escalate", ben="Escalate"),
        pattern(1, ana="Escalate", ben="Drop"),
        pattern(4, ana="Drop", cyd="Escalate"),
        pattern(9, cyd="Drop"),
    ).pairs
    assert (ana_ben.first, ana_ben.second, ana_ben.agreement.subjects) == ("ana", "ben", 10)
    assert ana_ben.agreement.agreement.value == 9 / 10
    assert ana_ben.agreement.agreement.interval is not None
    expected = wilson(9, 10)
    assert expected is not None
    assert ana_ben.agreement.agreement.interval.low == pytest.approx(expected.low, abs=0.03)
    assert (ana_cyd.first, ana_cyd.second, ana_cyd.agreement.agreement.value) == ("ana", "cyd", 0.0)


def test_an_analyst_is_held_against_the_consensus_of_the_others() -> None:
    ana, *_ = report(
        pattern(6, ana="Drop", ben="Drop", cyd="Drop"),
        pattern(2, ana="Escalate", ben="Drop", cyd="Drop"),
        pattern(5, ana="Drop", ben="Drop", cyd="Escalate"),
        pattern(7, ana="Drop"),
    ).analysts
    assert (ana.analyst, ana.subjects, ana.alone, ana.others_undecided) == ("ana", 20, 7, 5)
    assert ana.agreement.subjects == 8
    assert ana.agreement.agreement.value == pytest.approx(6 / 8)


def test_analysts_and_model_are_held_against_the_same_answers() -> None:
    found = report(
        pattern(90, "Drop", ana="Drop", ben="Drop"),
        pattern(6, "Escalate", ana="Escalate", ben="Escalate"),
        pattern(4, "Drop", ana="Escalate", ben="Drop"),
        pattern(50, None, ana="Escalate", ben="Drop"),  # not decided: of no use to the model, so to neither
    ).ceiling
    assert found.analysts.subjects == found.model.subjects == 100
    assert found.analysts.agreement.value == pytest.approx(192 / 200)
    # where ana and ben differ, the model agrees with one of them
    assert found.model.agreement.value == pytest.approx(196 / 200)
    assert found.difference.value == pytest.approx(4 / 200)
    assert found.difference.interval is not None
    assert found.difference.interval.low < 4 / 200 < found.difference.interval.high


def test_a_model_that_answers_as_the_analysts_do_is_no_better_and_no_worse() -> None:
    found = report(pattern(95, "Drop", ana="Drop", ben="Drop"), pattern(5, "Escalate", ana="Escalate", ben="Escalate"))
    difference = found.ceiling.difference
    assert difference.value == 0.0
    assert difference.interval is not None
    # each subject gave two answers, yet is one: score interval of 0 of 100
    assert difference.interval.high == pytest.approx(1.96**2 / (100 + 1.96**2), abs=1e-4)
    assert difference.interval.low == -difference.interval.high


def test_without_votes_each_figure_says_why_there_is_none() -> None:
    found = report(pattern(5, "Drop"), pattern(3, "Drop", ana="Drop"))
    assert (found.subjects, found.pairs) == (3, ())
    (ana,) = found.analysts
    assert (ana.subjects, ana.alone, ana.agreement.subjects) == (3, 3, 0)
    figures: list[Figure] = [found.overall.nominal, ana.agreement.agreement, found.ceiling.model.nominal]
    assert [(each.value, each.reason) for each in figures] == [(None, "no subject has two answers to compare")] * 3
    assert found.ceiling.difference.reason == "on no decided subject is there a vote and a consensus of the others"
    assert report().subjects == 0


def test_a_decision_that_the_job_does_not_have_is_an_error() -> None:
    with pytest.raises(KeyError):
        report(pattern(1, "Other", ana="Drop", ben="Drop"))


@pytest.mark.parametrize(("right", "model"), [(0.9, 0.9), (0.97, 0.9), (0.97, 0.97)])
@pytest.mark.parametrize("voters", [{2: 1.0}, {1: 0.3, 2: 0.4, 3: 0.3}])
def test_the_difference_covers(right: float, model: float, voters: dict[int, float]) -> None:
    chances = world((0.85, 0.10, 0.05), right, voters, model)
    truth = agreement_report(whole(chances), LABELS, ordered=False).ceiling.difference.value
    assert truth is not None
    samples = drawn(chances, 300, RUNS // 4)
    found = [agreement_report(patterns, LABELS, ordered=False).ceiling.difference for patterns in samples]
    assert 0.93 <= coverage(found, truth) <= 0.97


def test_two_hundred_thousand_voted_subjects_take_seconds() -> None:
    draw = random.Random(5)  # noqa: S311
    analysts = [f"analyst {number}" for number in range(30)]
    labels = draw.choices(LABELS, (85, 10, 5), k=600_000)
    patterns = [
        VotePattern(tuple(zip(draw.sample(analysts, 3), labels[3 * each : 3 * each + 3], strict=True)), 1, labels[each])
        for each in range(200_000)
    ]
    start = perf_counter()
    found = report(*patterns)
    assert perf_counter() - start < 20
    assert (found.subjects, len(found.pairs), len(found.analysts)) == (200_000, 435, 30)
    assert found.overall.nominal.value == pytest.approx(0.0, abs=0.01)
