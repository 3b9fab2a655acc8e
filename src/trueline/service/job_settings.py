"""What a job's report needs to be told of the job: what errors cost, its time zone, whether its labels are a scale."""

from __future__ import annotations

import math
from enum import Enum, auto
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Final

from trueline.catalog.checks import MAX_COST
from trueline.catalog.records import Costs
from trueline.metrics.costs import CostMatrix
from trueline.service.errors import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trueline.catalog.records import Job

MINUTES: Final = "minutes"
MAX_UNIT_LENGTH: Final = 40


class Unchanged(Enum):
    """Stands where nothing was said, of settings that None sets back to their default."""

    UNCHANGED = auto()


def check_cost_matrix(raw: object, labels: Sequence[str]) -> Costs | None:
    """Read what errors cost: `{"unit", "per_error", "cells": {truth: {decision: cost}}}`, or None for the default.

    Raises:
        InvalidRequestError: naming the part that is wrong.
    """
    if raw is None:
        return None
    if not isinstance(raw, dict) or (unknown := raw.keys() - Costs.__annotations__.keys()):
        what = "an object" if not isinstance(raw, dict) else f"no {min(map(str, unknown))[:60]!r}, but"
        raise _refusal((), f"the cost matrix is {what} with unit, per_error and cells")
    unit = raw.get("unit", MINUTES)
    if not isinstance(unit, str) or not 0 < len(unit) <= MAX_UNIT_LENGTH or not unit.isprintable():
        raise _refusal(("unit",), f"the unit is 'minutes' or a currency, of up to {MAX_UNIT_LENGTH} characters")
    per_error = raw.get("per_error")
    if per_error is None and unit != MINUTES:
        raise _refusal(("per_error",), f"costs in {unit} need per_error: that of a wrong decision without a cell")
    cells = raw.get("cells") or {}
    if not isinstance(cells, dict) or not all(isinstance(row, dict) for row in cells.values()):
        raise _refusal(("cells",), "cells are costs by truth, then by decision")
    for label in [*cells, *(decision for row in cells.values() for decision in row)]:
        if label not in labels:
            raise _refusal(("cells",), f"{label[:60]!r} is not a label of this job")
    return Costs(
        unit=unit,
        per_error=None if per_error is None else _cost(per_error, "per_error"),
        cells={
            truth: {decision: _cost(cost, "cells", truth, decision) for decision, cost in row.items()}
            for truth, row in cells.items()
        },
    )


def check_time_zone(name: str) -> str:
    """Give an IANA time zone's name if there is one of it.

    Raises:
        InvalidRequestError: there is none.
    """
    if name not in _time_zones():
        raise InvalidRequestError(
            ("body", "time_zone"), f"{name[:60]!r} is no time zone: take an IANA name such as UTC or Europe/Berlin"
        )
    return name


def check_headline_label(label: str | None, labels: Sequence[str]) -> str | None:
    """Give the label whose misses are told first if it is one of the job's; None is the default.

    Raises:
        InvalidRequestError: it is not.
    """
    if label is not None and label not in labels:
        raise InvalidRequestError(("body", "headline_label"), f"{label[:60]!r} is not a label of this job")
    return label


def cost_matrix(job: Job) -> CostMatrix:
    """What errors cost in a job, every cell of it, in the order of its labels.

    A cell that was not set costs nothing where the decision is right, else `per_error`; where that was not set, or
    nothing was, it is the job's minutes per alert: whoever finds the error has to look at the alert.
    """
    costs = job.cost_matrix or Costs(unit=MINUTES, per_error=None, cells={})
    per_error = job.minutes_per_alert if costs["per_error"] is None else costs["per_error"]
    cells = costs["cells"]
    return CostMatrix(
        tuple(
            tuple(
                cells.get(truth, {}).get(decision, 0.0 if truth == decision else per_error) for decision in job.labels
            )
            for truth in job.labels
        ),
        costs["unit"],
    )


def rework(job: Job) -> CostMatrix:
    """What errors cost in minutes of analysts: the job's matrix if that is in minutes, else the default one."""
    matrix = cost_matrix(job)
    if matrix.unit == MINUTES:
        return matrix
    return CostMatrix.per_error(len(job.labels), job.minutes_per_alert, MINUTES)


@cache
def _time_zones() -> frozenset[str]:
    """All there are, by the list of the package and not of the machine: the same everywhere."""
    return frozenset((resources.files("tzdata") / "zones").read_text(encoding="utf-8").split())


def _cost(cost: object, *place: str) -> float:
    if isinstance(cost, bool) or not isinstance(cost, int | float) or not 0 <= cost <= MAX_COST or math.isnan(cost):
        raise _refusal(place, f"a cost is a number from 0 to {MAX_COST:.0e}")
    return float(cost)


def _refusal(place: tuple[str, ...], message: str) -> InvalidRequestError:
    return InvalidRequestError(("body", "cost_matrix", *place), message)
