"""The section about confidence: reliability, what may be automated, and what can be promised."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from told_twice import ToldTwice, much
from trueline.service.confidence_section import confidence_section
from trueline.service.errors import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Callable

    from trueline.service.workspace import Workspace


@pytest.fixture
def told(workspace: Workspace, fresh_title: Callable[[], str]) -> ToldTwice:
    return ToldTwice(workspace, fresh_title(), by_bucket=False)


def fill(told: ToldTwice, confidence: float | None, *, right: int, wrong: int = 0, unreviewed: int = 0) -> None:
    names = [f"{confidence} {number}" for number in range(right + wrong + unreviewed)]
    decision = {"label": "Drop"} | ({} if confidence is None else {"confidence": confidence})
    told.send(*({"event_id": name, "timestamp": "2025-01-01", "raw_body": {}, "decision": decision} for name in names))
    reviewed = zip(names, ["Drop"] * right + ["Escalate"] * wrong, strict=False)
    told.vote(*({"event_id": name, "analyst": "ana", "label": label} for name, label in reviewed))


def test_without_decisions_each_null_has_its_reason(told: ToldTwice) -> None:
    found = confidence_section(told.ledger, told.population(), promised_error_rate=0.05)
    assert (found["decisions"], found["reviewed"], found["without_confidence"]) == (0, 0, 0)
    assert found["expected_calibration_error"]["reason"] == "no decision with a confidence was reviewed"
    assert found["error_by_chance"]["reason"] == "no decision with a confidence was reviewed"
    assert len(found["bands"]) == 10
    assert found["bands"][0]["mean_confidence"] == {
        "value": None,
        "interval": None,
        "reason": "none of them was reviewed",
    }
    assert found["automation"][0]["share"]["reason"] == "there are no decisions"
    assert found["promise"] == {
        "promised_error_rate": 0.05,
        "kept_from": None,
        "error_at_most": None,
        "reason": "too few were reviewed to promise 5.00%, even had all been right",
    }


def test_claims_are_held_against_the_consensus_and_what_nobody_reviewed_is_not_right(told: ToldTwice) -> None:
    fill(told, 95, right=90, wrong=10, unreviewed=300)
    fill(told, 55, right=5, wrong=5)
    fill(told, None, right=1, unreviewed=9)
    found = confidence_section(told.ledger, told.population(), promised_error_rate=0.2)
    assert (found["counted"], found["decisions"], found["reviewed"], found["without_confidence"]) == (
        "events",
        420,
        111,
        10,
    )
    last = found["bands"][-1]
    assert (last["low"], last["high"], last["decisions"], last["reviewed"]) == (90, 100, 400, 100)
    assert (last["mean_confidence"]["value"], last["right"]["value"]) == (95.0, 0.9)
    assert found["expected_calibration_error"]["value"] == pytest.approx(0.05)
    at_90 = next(point for point in found["automation"] if point["threshold"] == 90)
    assert (at_90["decisions"], at_90["reviewed"], at_90["wrong"]) == (400, 100, 10)
    assert at_90["share"]["value"] == pytest.approx(400 / 420)
    assert at_90["error_rate"]["value"] == 0.1
    assert at_90["error_rate"]["interval"]["high"] == pytest.approx(0.1637, abs=1e-4)
    assert found["promise"]["kept_from"]["threshold"] <= 95
    assert found["promise"]["error_at_most"] <= 0.2
    assert confidence_section(told.ledger, told.population())["promise"] is None


@pytest.mark.parametrize("rate", [0, 1, -0.1, 1.5, float("nan")])
def test_a_rate_that_cannot_be_promised_is_refused(told: ToldTwice, rate: float) -> None:
    with pytest.raises(InvalidRequestError, match="promised_error_rate lies between 0 and 1") as refused:
        confidence_section(told.ledger, told.population(), promised_error_rate=rate)
    assert refused.value.location == ("query", "promised_error_rate")


def test_buckets_count_once(workspace: Workspace, fresh_title: Callable[[], str]) -> None:
    told = much(workspace, fresh_title(), by_bucket=True, seed=3)
    found = confidence_section(told.ledger, told.population())
    assert found["counted"] == "buckets"
    assert found["decisions"] == len({event.bucket for event in told.oracle.population()})
    json.dumps(found, allow_nan=False)
