"""The section about two models: the paired table, the flips, and models that are not there."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from told_twice import ToldTwice, much
from trueline.ledger.decision_pairs import Sides
from trueline.service import models_section as section
from trueline.service.errors import InvalidRequestError, ModelNotFoundError
from trueline.service.models_section import models_section, read_sides
from trueline.service.telling import Telling

if TYPE_CHECKING:
    from collections.abc import Callable

    from trueline.service.workspace import Workspace


@pytest.fixture
def told(workspace: Workspace, fresh_title: Callable[[], str]) -> ToldTwice:
    return ToldTwice(workspace, fresh_title(), by_bucket=False)


def decided(told: ToldTwice, name: str, old: str, new: str, truth: str | None = None, **more: object) -> None:
    """An event that two models decided, the new one later; and a vote on it."""
    line = {"event_id": name, "timestamp": "2025-01-01", "raw_body": {}} | more
    for model, label, day in (("old", old, 1), ("new", new, 2)):
        told.send({**line, "decision": {"label": label, "model_id": model, "decided_at": f"2025-02-0{day}"}})
    if truth is not None:
        told.vote({"event_id": name, "analyst": "ana", "label": truth})


def sides(told: ToldTwice, first: str | None = None, second: str | None = None) -> Sides:
    return read_sides(told.ledger, told.population(), told.workspace.training.models(told.job), first, second)


def test_models_are_known_by_their_training_or_by_their_decisions(told: ToldTwice) -> None:
    decided(told, "a", "Drop", "Drop", "Drop")
    told.train("trained")
    assert sides(told) == Sides(None, None)
    assert sides(told, "old", "new") == Sides("old", "new")
    assert sides(told, "new", "trained") == Sides("new", "trained")
    with pytest.raises(ModelNotFoundError) as unknown:
        sides(told, "old", "nobody")
    assert unknown.value.details == f"Model 'nobody' not found for job '{told.job.id}'"


def test_a_model_that_only_came_later_was_not_known_then(told: ToldTwice) -> None:
    decided(told, "a", "Drop", "Drop", "Drop")
    told.train("trained")
    as_of = datetime.now(UTC).isoformat()
    told.train("later")
    for model, day in (("overruled", 1), ("in force", 9)):
        told.send(
            {
                "event_id": "a",
                "timestamp": "2025-01-01",
                "raw_body": {},
                "decision": {"label": "Drop", "model_id": model, "decided_at": f"2025-02-0{day}"},
            }
        )

    def compared(model: str, as_of: str | None) -> None:
        telling = Telling(first_model="old", second_model=model, as_of=as_of)
        found = told.workspace.reports.of(told.job, telling=telling)
        assert found["models"]["second_model"] == model

    for model in ("later", "overruled", "in force"):
        assert sides(told, "old", model) == Sides("old", model)
        with pytest.raises(ModelNotFoundError):
            compared(model, as_of)
    compared("new", as_of)
    compared("trained", as_of)


@pytest.mark.parametrize(
    ("first", "second", "named"),
    [("old", None, "second_model"), (None, "old", "first_model"), ("old", "old", "second_model")],
)
def test_two_models_are_named_or_none(told: ToldTwice, first: str | None, second: str | None, named: str) -> None:
    with pytest.raises(InvalidRequestError, match=named) as refused:
        sides(told, first, second)
    assert refused.value.location == ("query", named)


def test_without_two_decisions_each_null_has_its_reason(told: ToldTwice) -> None:
    found = models_section(told.ledger, told.population(), sides(told))
    reason = "nothing with a known truth was decided by both"
    nothing = {"value": None, "interval": {"low": 0, "high": 1}, "reason": reason}
    table = {"both_right": 0, "only_first": 0, "only_second": 0, "neither": 0}
    assert found == {
        "compared": "decisions",
        "first_model": None,
        "second_model": None,
        "counted": "events",
        "events_decided_by_both": 0,
        "events_with_truth": 0,
        "events": table,
        "subjects": table,
        "first_right": nothing,
        "second_right": nothing,
        "difference": nothing | {"interval": {"low": -1, "high": 1}},
        "mcnemar_p_value": {
            "value": None,
            "interval": None,
            "reason": "there is nothing that only one of the two got right",
        },
        "flips": [],
        "flips_left_out": 0,
    }


def test_who_was_right_and_what_flipped(told: ToldTwice, monkeypatch: pytest.MonkeyPatch) -> None:
    decided(told, "a", "Drop", "Drop", "Drop")
    for number in range(6):
        decided(told, f"b{number}", "Drop", "Escalate", "Escalate", timestamp=f"2025-01-0{number + 1}")
    decided(told, "c", "Drop", "Escalate", "Drop")
    decided(told, "d", "Drop", "Escalate", None, timestamp="2025-01-06")
    decided(told, "e", "Escalate", "Investigate", "Drop")
    monkeypatch.setattr(section, "MOST_IDS", 3)
    monkeypatch.setattr(section, "MOST_FLIPS", 1)
    found: dict[str, Any] = models_section(told.ledger, told.population(), sides(told, "old", "new"))
    assert (found["compared"], found["first_model"], found["second_model"]) == ("models", "old", "new")
    assert (found["events_decided_by_both"], found["events_with_truth"]) == (10, 9)
    assert found["events"] == {"both_right": 1, "only_first": 1, "only_second": 6, "neither": 1}
    assert found["subjects"] == found["events"]
    assert found["difference"]["value"] == pytest.approx(5 / 9)
    assert found["mcnemar_p_value"]["value"] == pytest.approx(2 * 8 / 2**7)
    assert found["flips"] == [
        {
            "first": "Drop",
            "second": "Escalate",
            "events": 8,
            "first_right": 1,
            "second_right": 6,
            "neither_right": 0,
            "without_truth": 1,
            "events_ids": ["b5", "d", "b4"],
        }
    ]
    assert found["flips_left_out"] == 1
    back = models_section(told.ledger, told.population(), sides(told, "new", "old"))
    assert back["difference"]["value"] == pytest.approx(-5 / 9)
    assert models_section(told.ledger, told.population(), sides(told))["events"] == found["events"]


def test_a_bucket_counts_once_beside_its_events(workspace: Workspace, fresh_title: Callable[[], str]) -> None:
    told = ToldTwice(workspace, fresh_title(), by_bucket=True)
    for number in range(18):
        decided(told, f"a{number}", "Drop", "Escalate", bucket_id="a")
    for number in range(6):
        decided(told, f"b{number}", "Drop", "Escalate", bucket_id=f"b{number // 2}")
    told.vote(
        {"bucket_id": "a", "analyst": "ana", "label": "Escalate"},
        *({"bucket_id": f"b{number}", "analyst": "ana", "label": "Drop"} for number in range(3)),
    )
    found = models_section(told.ledger, told.population(), sides(told, "old", "new"))
    assert found["counted"] == "buckets"
    assert found["events"] == {"both_right": 0, "only_first": 6, "only_second": 18, "neither": 0}
    assert found["subjects"] == {"both_right": 0, "only_first": 3, "only_second": 1, "neither": 0}
    assert found["mcnemar_p_value"]["value"] == 0.625


@pytest.mark.parametrize("by_bucket", [False, True])
def test_the_section_is_json(workspace: Workspace, fresh_title: Callable[[], str], by_bucket: bool) -> None:
    told = much(workspace, fresh_title(), by_bucket=by_bucket, seed=5)
    json.dumps(models_section(told.ledger, told.population(), sides(told, "first", "second")), allow_nan=False)
