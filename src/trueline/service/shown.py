"""Figures as the report shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trueline.metrics.clustered import Proportion
    from trueline.metrics.figures import Figure
    from trueline.metrics.reviews import Mass


def shown_figure(figure: Figure) -> dict[str, Any]:
    """A number, from where to where the truth lies, and what there is to say of either."""
    interval = figure.interval
    return {
        "value": figure.value,
        "interval": None if interval is None else {"low": interval.low, "high": interval.high},
        "reason": figure.reason,
    }


def shown_mass(mass: Mass) -> dict[str, int]:
    """How much of something there is, by both counts."""
    return {"events": mass.events, "subjects": mass.subjects}


def shown_proportion(proportion: Proportion) -> dict[str, Any]:
    """A share with what it is a share of."""
    return {
        **shown_figure(proportion.figure),
        "part": shown_mass(proportion.part),
        "whole": shown_mass(proportion.whole),
    }
