"""Draws from what is known after the counts."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import beta

from trueline.metrics.draws import DrawnCell, draw_cells, drawn_figure, interval_of, prior
from trueline.metrics.seeded import Seeded


@pytest.mark.parametrize("size", [2, 3, 10])
def test_the_prior_of_recall_and_precision_is_one_right_and_half_an_error(size: int) -> None:
    before = prior(size)
    assert np.diag(before).tolist() == [1.0] * size
    assert before.sum(axis=0) == pytest.approx(1.5)
    assert before.sum(axis=1) == pytest.approx(1.5)


def test_one_label_has_a_prior() -> None:
    assert prior(1).tolist() == [[1.0]]


def test_shares_are_beta() -> None:
    """Two cells of single events: what the Dirichlet gives, by its quantiles."""
    drawn = draw_cells([DrawnCell(30, 30, 0.5), DrawnCell(12, 12, 0.5)], Seeded(b"", "test"), 200_000)
    share = drawn[:, 0] / drawn.sum(axis=1)
    assert np.quantile(share, [0.025, 0.5, 0.975]) == pytest.approx(beta(30.5, 12.5).ppf([0.025, 0.5, 0.975]), abs=2e-3)


def test_weights_give_mean_and_variance() -> None:
    """Three subjects of weight 50 and forty of weight 1, in one cell each; the prior adds to neither here."""
    drawn = draw_cells([DrawnCell(150, 7_500, 1e-9), DrawnCell(40, 40, 1e-9)], Seeded(b"", "test"), 200_000)
    assert drawn.mean(axis=0) == pytest.approx([150, 40], rel=0.01)
    assert drawn.var(axis=0) == pytest.approx([7_500, 40], rel=0.02)


def test_an_empty_cell_is_drawn_in_the_unit_of_the_others() -> None:
    drawn = draw_cells([DrawnCell(1_000, 50_000, 0.5), DrawnCell(0, 0, 0.5)], Seeded(b"", "test"), 200_000)
    assert drawn[:, 1].mean() == pytest.approx(0.5 * 50, rel=0.02)


@pytest.mark.parametrize("cells", [[], [DrawnCell(0, 0, 0.5)]])
def test_of_nothing_nothing_is_drawn(cells: list[DrawnCell]) -> None:
    with pytest.raises(ValueError, match="nothing to draw"):
        draw_cells(cells, Seeded(b"", "test"))


def test_the_value_is_always_inside() -> None:
    drawn = np.linspace(0.2, 0.8, 1_001)
    assert interval_of(drawn, None, 0.5).low == pytest.approx(0.35)
    assert interval_of(drawn, 1.0, 0.5).high == 1.0
    assert interval_of(drawn, 0.1234567891, 0.5).low == 0.1234567891
    assert drawn_figure(drawn, 0.5, 0.5, "so it is").reason == "so it is"
