"""The worked examples of docs/numbers.md on people, confidence and models are what the code computes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from trueline.metrics.agreement import agreement_report
from trueline.metrics.automation import automation_curve, keep_promise
from trueline.metrics.calibration import ConfidenceCount, calibration
from trueline.metrics.comparison import DecisionPair, PairedSubject, compare, each_event, flips
from trueline.metrics.votes import VotePattern

if TYPE_CHECKING:
    from trueline.metrics.figures import Figure

TEXT = " ".join((Path(__file__).parent.parent / "docs" / "numbers.md").read_text(encoding="utf-8").split())
LABELS = ("Drop", "Investigate", "Escalate")


def says(sentence: str) -> None:
    """The document says just this, wherever its lines break."""
    assert sentence in TEXT, sentence


def number(figure: Figure) -> str:
    assert figure.value is not None
    assert figure.interval is not None
    return f"{figure.value:.3f} ({figure.interval.low:.3f} to {figure.interval.high:.3f})"


def percent(figure: Figure) -> str:
    assert figure.value is not None
    assert figure.interval is not None
    return f"{figure.value:.1%} ({figure.interval.low:.1%} to {figure.interval.high:.1%})".replace("%", " %")


def both(one: str, other: str, subjects: int, decision: str) -> VotePattern:
    return VotePattern((("ana", one), ("ben", other)), subjects, decision)


def test_how_far_people_agree() -> None:
    found = agreement_report(
        [
            both("Drop", "Drop", 168, "Drop"),
            both("Drop", "Drop", 2, "Investigate"),
            both("Investigate", "Investigate", 11, "Investigate"),
            both("Investigate", "Investigate", 1, "Drop"),
            both("Escalate", "Escalate", 6, "Escalate"),
            both("Drop", "Investigate", 7, "Drop"),
            both("Investigate", "Escalate", 3, "Escalate"),
            both("Drop", "Escalate", 2, "Drop"),
        ],
        LABELS,
        ordered=True,
    )
    overall, ceiling = found.overall, found.ceiling
    says(f"raw agreement {percent(overall.agreement)}")
    says(f"nominal alpha {number(overall.nominal)}")
    says(f"ordinal alpha {number(overall.ordinal)}")
    says(f"Drop {percent(overall.prevalence['Drop'])} of the votes")
    says(f"analysts {percent(ceiling.analysts.agreement)}, alpha {number(ceiling.analysts.nominal)}")
    says(f"the model {percent(ceiling.model.agreement)}, alpha {number(ceiling.model.nominal)}")
    assert ceiling.difference.value is not None
    assert ceiling.difference.interval is not None
    says(
        f"{100 * ceiling.difference.value:+.1f} percentage points ({100 * ceiling.difference.interval.low:+.1f} to "
        f"{100 * ceiling.difference.interval.high:+.1f})"
    )


CONFIDENCES = (
    ConfidenceCount(99, 396, 4, 3_600),
    ConfidenceCount(92, 285, 15, 2_700),
    ConfidenceCount(75, 140, 60, 1_800),
    ConfidenceCount(55, 45, 55, 900),
)


def test_is_its_confidence_worth_anything() -> None:
    found = calibration(CONFIDENCES)
    for band in found.bands:
        if band.reviewed:
            says(f"| {band.decisions:,} | {band.reviewed} | {band.mean_confidence:.1f} | {percent(band.right)} |")
    says(f"calibration error is {number(found.error)}")
    says(f"{found.error_by_chance:.3f} would come of chance alone")
    says(f"overconfidence is {number(found.overconfidence)}")


def test_what_may_be_decided_without_people() -> None:
    for point in automation_curve(CONFIDENCES, thresholds=(0, 60, 90, 95)):
        assert point.share.value is not None
        assert point.error_rate.value is not None
        assert point.error_rate.interval is not None
        says(
            f"| {point.threshold} | {point.share.value:.0%} | {point.wrong} of {point.reviewed} | "
            f"{point.error_rate.value:.2%} | {point.error_rate.interval.high:.2%} |".replace("%", " %")
        )
    promise = keep_promise(CONFIDENCES, 0.05)
    assert promise.point is not None
    assert promise.error_at_most is not None
    says(
        f"threshold {promise.point.threshold}, {promise.point.share.value:.0%} of the decisions, errors at most "
        f"{promise.error_at_most:.2%}".replace("%", " %")
    )
    refused = keep_promise(CONFIDENCES, 0.01)
    says(f'"{refused.reason}"')


def test_which_model_is_better() -> None:
    pairs = [
        DecisionPair("Drop", "Drop", "Drop", 420),
        DecisionPair("Escalate", "Escalate", "Escalate", 40),
        DecisionPair("Drop", "Escalate", "Escalate", 18),
        DecisionPair("Drop", "Escalate", "Drop", 6),
        DecisionPair("Drop", "Drop", "Escalate", 16),
        DecisionPair("Drop", "Escalate", None, 900),
    ]
    found = compare(each_event(pairs))
    table = found.subjects
    says(
        f"both right {table.both_right}, only the old {table.only_first}, only the new {table.only_second}, "
        f"neither {table.neither}"
    )
    says(f"the old is right {percent(found.first)}, the new {percent(found.second)}")
    assert found.difference.value is not None
    assert found.difference.interval is not None
    assert found.p_value.value is not None
    says(
        f"{100 * found.difference.value:+.1f} percentage points ({100 * found.difference.interval.low:+.1f} to "
        f"{100 * found.difference.interval.high:+.1f}), p = {found.p_value.value:.3f}"
    )
    (flip,) = flips(pairs)
    says(f"{flip.events} events flipped from Drop to Escalate: {flip.second_right} rightly, {flip.first_right} wrongly")
    says(f"{flip.without_truth} have no verdict")
    by_bucket = compare([PairedSubject(0, 0, 18, 0), PairedSubject(0, 2, 0, 0, 3), PairedSubject(1, 0, 0, 0, 100)])
    assert by_bucket.p_value.value is not None
    says(
        f"{by_bucket.events.only_second} events for the new, {by_bucket.events.only_first} for the old; "
        f"{by_bucket.subjects.only_second} bucket against {by_bucket.subjects.only_first}, "
        f"p = {by_bucket.p_value.value:.3f}"
    )
