"""On which occasions subjects were reviewed, against the same looked up one by one."""

from __future__ import annotations

import random

import numpy as np
import pyarrow as pa
import pytest

from trueline.metrics.occasions import UNSAID, Occasion, Occasions

SUBJECTS, DECISIONS = 40, 3


def table(occasions: list[Occasion]) -> pa.Table:
    schema = pa.schema([("probability", pa.float64()), ("reason", pa.string())])
    columns = {"probability": [each.probability for each in occasions], "reason": [each.reason for each in occasions]}
    return pa.table(columns, schema)


@pytest.mark.parametrize("seed", range(5))
def test_what_is_said_comes_first_and_each_part_of_it_alone(seed: int) -> None:
    choose = random.Random(seed)  # noqa: S311 - test data

    def some() -> Occasion:
        return Occasion(choose.choice([None, 0.02, 0.5]), choose.choice(["", "audit", "complaint"]))

    occasions = Occasions()
    occasions.grow(SUBJECTS)
    said: dict[int, Occasion] = {}
    pairs = [(subject, decision) for subject in range(SUBJECTS) for decision in range(DECISIONS)]
    subjects, decisions = (np.array([pair[place] for pair in pairs], np.int64) for place in (0, 1))
    drawn: dict[tuple[int, int], Occasion] = {}
    for _ in range(6):
        told = {choose.randrange(SUBJECTS): some() for _ in range(10)}
        said |= told
        occasions.say(np.array(list(told), np.int64), table(list(told.values())))
        found = occasions.of(subjects, decisions)
        for pair, number in zip(pairs, found.tolist(), strict=True):
            expected = said.get(pair[0], Occasion()).completed(drawn.get(pair, Occasion()))
            assert occasions.different[number] == expected
            assert (number == UNSAID) == (expected == Occasion())
        drawn = {pair: Occasion(0.25, choose.choice(["audit", "later"])) for pair in choose.sample(pairs, 30)}
        of_draw, decided = (np.array([pair[place] for pair in drawn], np.int64) for place in (0, 1))
        occasions.draw(of_draw, decided, table(list(drawn.values())))


def test_of_two_occasions_the_first_is_completed_with_the_second() -> None:
    assert Occasion(0.5, "").completed(Occasion(0.1, "audit")) == Occasion(0.5, "audit")
    assert Occasion(None, "complaint").completed(Occasion(0.1, "audit")) == Occasion(0.1, "complaint")
    assert Occasion().completed(Occasion()) == Occasion()
