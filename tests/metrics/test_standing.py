"""How the reviewed events of one decision stand for all of them."""

from __future__ import annotations

import numpy as np
import pytest

from trueline.labels import UNDECIDED
from trueline.metrics.reviews import Mass, ReviewCount
from trueline.metrics.seeded import Seeded
from trueline.metrics.standing import ASSUMPTIONS, Basis, Part, assumption, parts_of

LABELS = ["Drop", "Escalate"]


def drop(truth: str | None, events: int, band: int | None = None, probability: float | None = None) -> ReviewCount:
    return ReviewCount("Drop", truth, Mass.single(events), band, probability)


def truths(counts: list[ReviewCount]) -> list[float]:
    found: list[float] = sum((part.truths(LABELS) for part in parts_of(counts)[1]), np.zeros(2)).tolist()
    return found


@pytest.mark.parametrize(
    ("counts", "basis"),
    [
        ([], Basis.NOTHING),
        ([drop(None, 5)], Basis.UNKNOWN),
        ([drop(UNDECIDED, 5)], Basis.UNKNOWN),
        ([drop("Drop", 5), drop("Escalate", 1, probability=0.1)], Basis.CENSUS),
        ([drop("Drop", 5), drop("Escalate", 1, probability=0.1), drop(None, 3)], Basis.KNOWN_PROBABILITY),
        ([drop("Drop", 5), drop(UNDECIDED, 1)], Basis.POST_STRATIFIED),
        ([drop("Drop", 5, probability=1.0), drop(None, 1)], Basis.POST_STRATIFIED),
        ([drop("Drop", 5), drop("Drop", 5, probability=1.0), drop(None, 1)], Basis.POST_STRATIFIED),
    ],
)
def test_basis(counts: list[ReviewCount], basis: Basis) -> None:
    assert parts_of(counts)[0] is basis
    assert basis in ASSUMPTIONS


def test_an_estimate_on_no_known_probability_says_how_much_of_it_was_chosen() -> None:
    counts = [drop("Drop", 5), ReviewCount("Drop", "Escalate", Mass.single(2), reason="low confidence")]
    told = assumption(Basis.POST_STRATIFIED, counts)
    assert told.startswith(ASSUMPTIONS[Basis.POST_STRATIFIED])
    assert "Of the 7 reviews that it rests on, 2 were not chosen by chance (2 because of low confidence, 0" in told
    assert told.endswith("; of 5 nobody said why.")
    for basis in set(Basis) - {Basis.POST_STRATIFIED}:
        assert assumption(basis, counts) == ASSUMPTIONS[basis]


def test_known_probabilities_weigh() -> None:
    """60 at 1 in 50 and 40 at 1 in 2; 1 of the first wrong, 10 of the second: 59 of 2,980 in weights of the others."""
    counts = [
        drop("Drop", 59, probability=0.02),
        drop("Escalate", 1, probability=0.02),
        drop("Drop", 30, probability=0.5),
        drop("Escalate", 10, probability=0.5),
        drop(None, 5_960),
    ]
    assert truths(counts) == pytest.approx([89 + 5_960 * 2_921 / 2_980, 11 + 5_960 * 59 / 2_980])


def test_one_probability_is_hajeks_share() -> None:
    """Whatever it is: 3 of 100 drawn are wrong, so 3 of 100 of all."""
    counts = [drop("Drop", 97, probability=0.02), drop("Escalate", 3, probability=0.02), drop(None, 900)]
    assert truths(counts) == pytest.approx([970, 30])


def test_reviews_otherwise_are_among_what_the_drawn_stand_for() -> None:
    """3 of 100 drawn stand for 27 of 900 others: if 10 of these were found otherwise, 17 are left, not 27."""
    drawn = [drop("Drop", 97, probability=0.1), drop("Escalate", 3, probability=0.1)]
    assert truths([*drawn, drop("Escalate", 10), drop("Drop", 40), drop(None, 850)]) == pytest.approx([970, 30])
    assert truths([*drawn, drop("Escalate", 50), drop(None, 850)]) == pytest.approx([947, 53])
    assert truths([*drawn, drop("Drop", 890), drop(None, 10)]) == pytest.approx([987, 13])


def test_what_was_reviewed_for_certain_stands_for_itself() -> None:
    certain = [drop("Drop", 60, probability=1.0), drop("Escalate", 40, probability=1.0)]
    drawn = [drop("Drop", 97, probability=0.1), drop("Escalate", 3, probability=0.1), drop(None, 900)]
    assert truths([*certain, *drawn]) == pytest.approx([1_030, 70])
    basis, parts = parts_of([*certain, *drawn])
    assert basis is Basis.KNOWN_PROBABILITY
    assert sum(part.variances(LABELS) for part in parts) == pytest.approx(parts_of(drawn)[1][0].variances(LABELS))


def test_one_more_review_for_certain_changes_next_to_nothing() -> None:
    reviews = [drop("Drop", 990), drop("Escalate", 10), drop(None, 19_000)]
    assert truths([*reviews, drop("Drop", 1, probability=1.0)]) == pytest.approx(truths(reviews), rel=0.002)


def test_draws_hold_what_was_found_otherwise() -> None:
    """None of 60 drawn was wrong, 8 were found otherwise: as many as a process that makes 8 makes, not none."""
    counts = [drop("Drop", 60, probability=0.15), drop("Escalate", 8), drop(None, 332)]
    (part,) = parts_of(counts)[1]
    drawn = part.draw(LABELS, np.array([0.5, 0.5]), Seeded(b"", "test"), 4_000)
    assert drawn.sum(axis=1) == pytest.approx(400)
    assert drawn.min() >= 0
    assert 3 < np.quantile(drawn[:, 1], 0.025) < 8 < np.quantile(drawn[:, 1], 0.975) < 40


def test_bands_stand_for_themselves() -> None:
    counts = [
        *(drop("Drop", 25, band=1), drop("Escalate", 25, band=1), drop(None, 50, band=1)),
        *(drop("Drop", 99, band=9), drop("Escalate", 1, band=9), drop(None, 9_900, band=9)),
    ]
    assert truths(counts) == pytest.approx([50 + 9_900, 50 + 100])


def test_bands_with_few_reviews_join_the_next() -> None:
    joined = [*(drop("Drop", 3, band=1), drop(None, 7, band=1)), *(drop("Drop", 60, band=2), drop(None, 40, band=2))]
    assert [part.events for part in parts_of(joined)[1]] == [110]
    last = [*joined, drop("Drop", 20, band=3), drop(None, 1, band=7), drop("Escalate", 1)]
    assert [part.events for part in parts_of(last)[1]] == [110, 22]


def test_variance_is_the_textbooks() -> None:
    """40 of 1,000, drawn by chance, 4 of them wrong: N^2 (1 - f) p (1 - p) / n (Cochran 1977, theorem 3.2)."""
    known = Part(1_000, [drop("Drop", 36, probability=0.04), drop("Escalate", 4, probability=0.04)], weighted=True)
    unknown = Part(1_000, [drop("Drop", 36), drop("Escalate", 4)])
    for part in (known, unknown):
        assert part.variances(LABELS) == pytest.approx([1_000**2 * 0.96 * 0.09 / 40] * 2)


def test_rarely_drawn_reviews_are_drawn_apart() -> None:
    """None of 5 drawn at 1 in 100 was wrong: much may be missed, though all 400 drawn at 1 in 2 were right."""
    part = Part(1_300, [drop("Drop", 5, probability=0.01), drop("Drop", 400, probability=0.5)], weighted=True)
    drawn = part.draw(LABELS, np.array([0.5, 0.5]), Seeded(b"", "test"), 20_000)
    assert drawn.sum(axis=1) == pytest.approx(1_300)
    assert np.quantile(drawn[:, 1], 0.975) > 80


@pytest.mark.parametrize("probability", [5e-324, 1e-300])
def test_what_a_review_stands_for_stays_a_number(probability: float) -> None:
    """However little is said of the chance that it was drawn by."""
    counts = [drop("Drop", 3, probability=0.5), drop("Escalate", 1, probability=probability), drop(None, 96)]
    assert truths(counts) == pytest.approx([3, 97], abs=1e-6)
    (part,) = parts_of(counts)[1]
    assert np.isfinite(part.variances(LABELS)).all()
