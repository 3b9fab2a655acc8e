"""Which kinds of events pass filters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from trueline.filters.request import parse_filters
from trueline.ledger.conditions import JobShape
from trueline.ledger.job_tables import JobTables
from trueline.ledger.kinds import KindQuery
from trueline.ledger.population import Population
from trueline.metrics.kinds import Kind

if TYPE_CHECKING:
    from trueline.ledger.engine import Engine

KINDS = (
    Kind("Drop", "", trained=False, changed=False),
    Kind("Drop", "Escalate", trained=False, changed=False),
    Kind("Escalate", "Escalate", trained=True, changed=False),
    Kind("Escalate", "Drop", trained=True, changed=True),
    Kind("Drop", "Undecided", trained=True, changed=True),
)
UNDECIDED = "arcanna.attention.undecided_consensus.attention_required"


def passing(
    engine: Engine, *filters: tuple[str, str, object], training: int | None = 1, query: KindQuery | None = None
) -> list[bool]:
    raw = [{"field": field, "operator": operator, "value": value} for field, operator, value in filters]
    shape = JobShape(("Drop", "Escalate"), by_bucket=False, low_confidence_below=50)
    asked = Population(1, shape, training, None, None, parse_filters(raw))
    return [bool(each) for each in (query or KindQuery(engine, JobTables(engine))).passing(asked, KINDS)]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ([], [True, True, True, True, True]),
        ([("arcanna.result_label", "is", "Escalate")], [False, False, True, True, False]),
        ([("arcanna.result", "is not", "class_0")], [False, False, True, True, False]),
        ([("arcanna.consensus", "exists", None)], [False, True, True, True, True]),
        ([("arcanna.knowledge_base_state", "is", "retrain")], [False, False, False, True, True]),
        ([("arcanna.knowledge_base_state", "is one of", ["new", "pending"])], [True, True, False, False, False]),
        ([("arcanna.bucket_state", "not exists", None)], [True, True, True, True, True]),
        ([(UNDECIDED, "is", True)], [False, False, False, False, True]),
        (
            [("arcanna.consensus", "is", "Drop"), ("arcanna.result_label", "is", "Escalate")],
            [False, False, False, True, False],
        ),
    ],
)
def test_the_kinds_that_pass(filters: list[tuple[str, str, object]], expected: list[bool], engine: Engine) -> None:
    assert passing(engine, *filters) == expected


def test_without_a_training_nothing_is_learned(engine: Engine) -> None:
    states = [("arcanna.knowledge_base_state", "is one of", ["retrain", "in_knowledge_base"])]
    assert not any(passing(engine, *states, training=None))


def test_what_is_kept_tells_true_from_one(engine: Engine) -> None:
    query = KindQuery(engine, JobTables(engine))
    for _ in range(2):
        assert any(passing(engine, (UNDECIDED, "is", True), query=query))
        assert not any(passing(engine, (UNDECIDED, "is", 1), query=query))
