"""Krippendorff's alpha and the agreement beside it: published tables, other implementations, coverage."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import fleiss_kappa

from metrics.covering import RUNS, coverage
from metrics.voting import LABELS, drawn, whole, world
from trueline.metrics.alpha import Agreement, agreement
from trueline.metrics.figures import Figure
from trueline.metrics.intervals import Interval, wilson
from trueline.metrics.votes import Ballot, VotePattern, among_votes, ballots

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# K. Krippendorff, Computing Krippendorff's alpha-reliability (2011), section C: four observers, twelve units
TWELVE_UNITS = """
1 2 3 3 2 1 4 1 2 . . .
1 2 3 3 2 2 4 1 2 5 . 3
. 3 3 3 2 3 4 2 2 5 1 .
1 2 3 3 2 4 4 1 2 5 1 .
"""
# J. L. Fleiss, Measuring nominal scale agreement among many raters, Psychological Bulletin 76 (1971), table 1:
# thirty patients, six psychiatrists, five diagnoses
FLEISS = """
0 0 0 6 0|0 3 0 0 3|0 1 4 0 1|0 0 0 0 6|0 3 0 3 0|2 0 4 0 0|0 0 4 0 2|2 0 3 1 0|2 0 0 4 0|0 0 0 0 6|1 0 0 5 0|1 1 0 4 0
0 3 3 0 0|1 0 0 5 0|0 2 0 3 1|0 0 5 0 1|3 0 0 1 2|5 1 0 0 0|0 2 0 4 0|1 0 2 0 3|0 0 0 0 6|0 1 0 5 0|0 2 0 1 3|2 0 0 4 0
1 0 0 4 1|0 5 0 1 0|4 0 0 0 2|0 2 0 4 0|1 0 5 0 0|0 0 0 0 6
"""
tables = st.lists(st.lists(st.integers(0, 9), min_size=3, max_size=3), min_size=3, max_size=3)


def agree(units: Iterable[Sequence[str]], labels: Sequence[str], level: float = 0.95) -> Agreement:
    counted = [Ballot(tuple(unit), None, 1) for unit in units]
    return agreement(among_votes(counted, labels), labels, level, ordered=True)


def twelve_units() -> list[list[str]]:
    rows = [line.split() for line in TWELVE_UNITS.split("\n") if line]
    return [[label for label in unit if label != "."] for unit in zip(*rows, strict=True)]


def by_definition(units: Sequence[Sequence[str]], labels: Sequence[str], *, ordinal: bool) -> float:
    """Alpha from all pairs of values, one by one."""
    units = [unit for unit in units if len(unit) > 1]
    values = [labels.index(label) for unit in units for label in unit]
    sizes = [values.count(place) for place in range(len(labels))]

    def apart(one: int, other: int) -> float:
        low, high = sorted((one, other))
        between = sum(sizes[low : high + 1]) - (sizes[low] + sizes[high]) / 2
        return float(between**2 if ordinal else one != other)

    observed = sum(
        apart(labels.index(one), labels.index(other)) / (len(unit) - 1)
        for unit in units
        for one in unit
        for other in unit
    )
    expected = sum(apart(one, other) for one in values for other in values) / (len(values) - 1)
    return 1 - observed / expected


def test_krippendorffs_twelve_units() -> None:
    found = agree(twelve_units(), "12345")
    assert found.nominal.value == pytest.approx(0.743, abs=5e-4)
    assert found.ordinal.value == pytest.approx(0.815, abs=5e-4)
    assert found.subjects == 11  # the twelfth has a single value
    shares = {label: share.value for label, share in found.prevalence.items()}
    assert shares == pytest.approx({"1": 9 / 40, "2": 13 / 40, "3": 10 / 40, "4": 5 / 40, "5": 3 / 40})
    assert found.agreement.value == pytest.approx(32 / 40)


def test_fleiss_thirty_patients() -> None:
    counts = [[int(each) for each in row.split()] for row in FLEISS.strip().replace("\n", "|").split("|")]
    assert [len(counts), *{sum(row) for row in counts}] == [30, 6]
    kappa = fleiss_kappa(np.array(counts))
    assert kappa == pytest.approx(0.430, abs=5e-4)
    found = agree(
        [[label for label, count in zip("12345", row, strict=True) for _ in range(count)] for row in counts], "12345"
    )
    # with equally many votes on each subject they differ by the correction for small samples alone
    assert found.nominal.value == pytest.approx(1 - (1 - kappa) * (180 - 1) / 180)
    assert found.agreement.value == pytest.approx(0.556, abs=5e-4)


@given(tables)
def test_two_analysts_without_gaps_are_scikit_learns_kappa_of_both_orders(table: list[list[int]]) -> None:
    pairs = [(LABELS[i], LABELS[j]) for i in range(3) for j in range(3) for _ in range(table[i][j])]
    assume(len({label for pair in pairs for label in pair}) > 1)
    first, second = [one for one, _ in pairs], [other for _, other in pairs]
    # who is first and who second makes no difference to alpha: Cohen's kappa of both orders is Scott's pi
    kappa = cohen_kappa_score(first + second, second + first)
    answers = 2 * len(pairs)
    assert agree(pairs, LABELS).nominal.value == pytest.approx(1 - (1 - kappa) * (answers - 1) / answers)


@given(st.lists(st.lists(st.sampled_from("abcd"), max_size=5), max_size=8))
def test_alpha_is_that_of_all_pairs_one_by_one(units: list[list[str]]) -> None:
    compared = [unit for unit in units if len(unit) > 1]
    found = agree(units, "abcd")
    if len({label for unit in compared for label in unit}) < 2:
        assert found.nominal.value is None
        assert found.ordinal.value is None
        return
    assert found.nominal.value == pytest.approx(by_definition(units, "abcd", ordinal=False))
    assert found.ordinal.value == pytest.approx(by_definition(units, "abcd", ordinal=True))
    for figure in (found.agreement, found.nominal, found.ordinal):
        assert figure.value is not None
        assert figure.interval is not None
        assert -1 <= figure.interval.low <= figure.value <= figure.interval.high <= 1


def test_labels_further_apart_disagree_more() -> None:
    same = [("Drop", "Drop"), ("Investigate", "Investigate"), ("Escalate", "Escalate")]
    near, far = agree([*same, ("Drop", "Investigate")], LABELS), agree([*same, ("Drop", "Escalate")], LABELS)
    assert near.ordinal.value > far.ordinal.value  # type: ignore[operator]
    assert near.nominal.value == pytest.approx(far.nominal.value)


@pytest.mark.parametrize("units", [[], [["Drop"], ["Escalate"]]])
def test_without_a_second_vote_there_is_nothing_to_compare(units: list[list[str]]) -> None:
    found = agree(units, LABELS)
    assert found.subjects == 0
    nothing = "no subject has two answers to compare"
    assert found.prevalence == dict.fromkeys(LABELS, Figure(None, Interval(0, 1), nothing))
    assert found.agreement == Figure(None, Interval(0, 1), nothing)
    assert found.nominal == found.ordinal == Figure(None, Interval(-1, 1), nothing)


def test_with_one_label_only_there_is_agreement_but_no_alpha() -> None:
    found = agree([["Drop", "Drop"]] * 20 + [["Escalate"]], LABELS)
    assert (found.agreement.value, found.agreement.interval) == (1.0, wilson(20, 20))
    reason = "every answer that can be compared is Drop: agreement beyond chance needs a second label"
    assert found.nominal == Figure(None, Interval(-1, 1), reason)
    assert found.prevalence["Drop"] == Figure(1.0, wilson(20, 20))
    assert found.prevalence["Escalate"] == Figure(0.0, wilson(0, 20))  # that nobody gave it says how rare it is


def test_without_an_order_there_is_no_ordinal_alpha() -> None:
    found = agreement(among_votes([Ballot(("A", "B"), None, 5)], "AB"), "AB", 0.95, ordered=False)
    assert found.ordinal == Figure(None, None, "the labels of this job have no order")
    assert found.nominal.value is not None


def test_full_agreement_on_few_subjects_is_not_certainty() -> None:
    few, many = (agree([["Drop", "Drop"], ["Escalate", "Escalate"]] * times, LABELS) for times in (5, 500))
    assert few.nominal.value == many.nominal.value == 1.0
    assert few.nominal.interval is not None
    assert many.nominal.interval is not None
    assert few.nominal.interval.low < 0.8
    assert many.nominal.interval.low > 0.98
    assert few.agreement.interval == wilson(10, 10)


def test_subjects_alike_may_be_counted_together() -> None:
    apart = agree([["Drop", "Escalate"], ["Drop", "Drop"], ["Drop", "Drop"]], LABELS)
    together = [Ballot(("Drop", "Drop"), None, 2), Ballot(("Escalate", "Drop"), None, 1), Ballot(("Drop",), None, 9)]
    found = agreement(among_votes(together, LABELS), LABELS, 0.95, ordered=True)
    assert found.nominal.value == pytest.approx(apart.nominal.value)
    assert found.nominal.interval is not None
    assert apart.nominal.interval is not None
    assert found.nominal.interval.low == pytest.approx(apart.nominal.interval.low)


def test_analysts_who_always_differ_tell_no_more_than_as_many_that_know_nothing_of_each_other() -> None:
    found = agree([["Drop", "Escalate"]] * 99 + [["Drop", "Drop"]], LABELS)
    assert found.prevalence["Drop"] == Figure(101 / 200, wilson(101, 200))


def test_a_higher_level_makes_a_wider_interval() -> None:
    wide, narrow = (
        agree(twelve_units(), "12345", 0.99).nominal.interval,
        agree(twelve_units(), "12345", 0.8).nominal.interval,
    )
    assert wide is not None
    assert narrow is not None
    assert wide.low < narrow.low < narrow.high < wide.high


def test_the_influence_of_a_subject_is_the_derivative_of_the_logarithm() -> None:
    """The variance rests on it, so it is held against differences, for both distances."""
    from trueline.metrics.alpha import _Disagreement  # noqa: PLC0415

    cells = among_votes([Ballot(tuple(unit), None, 1) for unit in twelve_units()[:11]], "12345").cells
    weights = np.arange(1.0, 12.0)
    for ordinal in (False, True):
        influence = _Disagreement(weights, cells, ordinal=ordinal).influence()
        for place in range(11):
            step = np.zeros(11)
            step[place] = 1e-5
            up, down = (_Disagreement(weights + sign * step, cells, ordinal=ordinal).ratio for sign in (1, -1))
            assert influence[place] == pytest.approx((np.log(up) - np.log(down)) / 2e-5, rel=1e-4, abs=1e-7)


@pytest.mark.parametrize("size", [300, 1_000])
@pytest.mark.parametrize("prevalence", [(0.99, 0.01), (0.85, 0.10, 0.05)])
@pytest.mark.parametrize("right", [0.9, 0.97])
@pytest.mark.parametrize("voters", [{2: 1.0}, {1: 0.3, 2: 0.4, 3: 0.3}])
def test_intervals_cover(size: int, prevalence: tuple[float, ...], right: float, voters: dict[int, float]) -> None:
    labels = LABELS[: len(prevalence)]
    chances = world(prevalence, right, voters)

    def figures(patterns: list[VotePattern]) -> Agreement:
        return agreement(among_votes(ballots(patterns), labels), labels, 0.95, ordered=True)

    truth = figures(whole(chances))
    found = [figures(patterns) for patterns in drawn(chances, size, RUNS // 2)]
    assert truth.agreement.value is not None
    assert truth.nominal.value is not None
    assert truth.ordinal.value is not None
    for covered in (
        coverage([each.agreement for each in found], truth.agreement.value),
        coverage([each.nominal for each in found], truth.nominal.value),
        coverage([each.ordinal for each in found], truth.ordinal.value),
        *(
            coverage([each.prevalence[label] for each in found], share.value)
            for label, share in truth.prevalence.items()
            if share.value is not None
        ),
    ):
        assert 0.93 <= covered <= 0.97
