"""The section about people: what is shown, and how much of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from told_twice import LABELS, ToldTwice, much
from trueline.metrics.agreement import agreement_report
from trueline.service import agreement_section as section
from trueline.service.agreement_section import agreement_section

if TYPE_CHECKING:
    from collections.abc import Callable

    from trueline.service.workspace import Workspace

NOTHING = "no subject has two answers to compare"


@pytest.fixture
def told(workspace: Workspace, fresh_title: Callable[[], str]) -> ToldTwice:
    return ToldTwice(workspace, fresh_title(), by_bucket=False)


def fill(told: ToldTwice, *votes: dict[str, str], decision: str = "Drop") -> None:
    """One event for each set of votes, all decided alike."""
    for number, given in enumerate(votes):
        name = f"e{number}"
        told.send(
            {"event_id": name, "timestamp": "2025-01-01", "raw_body": {}, "decision": {"label": decision}},
        )
        told.vote(*({"event_id": name, "analyst": analyst, "label": label} for analyst, label in given.items()))


def test_without_votes_each_null_has_its_reason(told: ToldTwice) -> None:
    found = agreement_section(told.ledger, told.population(), ordered=True)
    nothing = {"value": None, "interval": {"low": 0, "high": 1}, "reason": NOTHING}
    no_alpha = {"value": None, "interval": {"low": -1, "high": 1}, "reason": NOTHING}
    agreement = {
        "subjects_compared": 0,
        "raw_agreement": nothing,
        "nominal_alpha": no_alpha,
        "ordinal_alpha": no_alpha,
        "prevalence": dict.fromkeys(LABELS, nothing),
    }
    undecided = "on no decided subject is there a vote and a consensus of the others"
    assert found == {
        "counted": "events",
        "subjects_with_votes": 0,
        "overall": agreement,
        "pairs": [],
        "pairs_left_out": 0,
        "analysts": [],
        "analysts_left_out": 0,
        "human_ceiling": {
            "analysts": agreement,
            "model": agreement,
            "difference": no_alpha | {"reason": undecided},
        },
    }


def test_pairs_analysts_and_model_are_told_apart(told: ToldTwice) -> None:
    fill(
        told,
        {"ana": "Drop", "ben": "Drop"},
        {"ana": "Escalate", "ben": "Escalate"},
        {"ana": "Drop", "ben": "Investigate"},
        {"cleo": "Drop"},
    )
    found = agreement_section(told.ledger, told.population(), ordered=True)
    assert (found["subjects_with_votes"], found["overall"]["subjects_compared"]) == (4, 3)
    assert found["overall"]["raw_agreement"]["value"] == pytest.approx(2 / 3)
    prevalence = {label: share["value"] for label, share in found["overall"]["prevalence"].items()}
    assert prevalence == {"Drop": 0.5, "Investigate": pytest.approx(1 / 6), "Escalate": 1 / 3}
    (pair,) = found["pairs"]
    assert (pair["first"], pair["second"], pair["subjects_compared"]) == ("ana", "ben", 3)
    each = [(one["analyst"], one["subjects_with_vote"], one["alone"]) for one in found["analysts"]]
    assert each == [("ana", 3, 0), ("ben", 3, 0), ("cleo", 1, 1)]
    ceiling = found["human_ceiling"]
    assert ceiling["analysts"]["raw_agreement"]["value"] == pytest.approx(4 / 6)
    assert ceiling["model"]["raw_agreement"]["value"] == pytest.approx(3 / 6)
    assert ceiling["difference"]["value"] == pytest.approx(-1 / 6)
    assert found["overall"]["ordinal_alpha"]["value"] is not None
    unordered = agreement_section(told.ledger, told.population(), ordered=False)["overall"]["ordinal_alpha"]
    assert (unordered["value"], unordered["reason"]) == (None, "the labels of this job have no order")


def test_the_most_common_are_shown_and_the_others_counted(told: ToldTwice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(section, "MOST_SHOWN", 2)
    fill(
        told,
        *[{"cleo": "Drop", "dan": "Drop"}] * 3,
        {"ana": "Drop", "ben": "Drop"},
        {"ana": "Drop", "cleo": "Drop"},
        {"ana": "Drop", "cleo": "Escalate"},
    )
    found = agreement_section(told.ledger, told.population(), ordered=True)
    assert [(pair["first"], pair["second"]) for pair in found["pairs"]] == [("cleo", "dan"), ("ana", "cleo")]
    assert [each["analyst"] for each in found["analysts"]] == ["cleo", "ana"]
    assert (found["pairs_left_out"], found["analysts_left_out"]) == (1, 2)
    assert found["overall"]["subjects_compared"] == 6


@pytest.mark.parametrize("by_bucket", [False, True])
def test_the_figures_are_those_of_the_pure_report(
    workspace: Workspace, fresh_title: Callable[[], str], by_bucket: bool
) -> None:
    told = much(workspace, fresh_title(), by_bucket=by_bucket, seed=11)
    population = told.population(start="2025-01-02")
    found: dict[str, Any] = agreement_section(told.ledger, population, ordered=True, level=0.9)
    wanted = agreement_report(told.ledger.vote_patterns.patterns(population), LABELS, ordered=True, level=0.9)
    interval = wanted.overall.nominal.interval
    assert interval is not None
    assert found["counted"] == ("buckets" if by_bucket else "events")
    assert found["overall"]["nominal_alpha"] == {
        "value": wanted.overall.nominal.value,
        "interval": {"low": interval.low, "high": interval.high},
        "reason": None,
    }
    assert len(found["pairs"]) == 6
    json.dumps(found, allow_nan=False)
