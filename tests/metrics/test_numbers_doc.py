"""The worked examples of docs/numbers.md are what the code computes."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from trueline.metrics.audit import Seen, audit_plan, sample_size
from trueline.metrics.clustered import clustered_wilson
from trueline.metrics.costs import CostMatrix, expected_cost, time_saved
from trueline.metrics.counts import TruthPolicy
from trueline.metrics.estimated import Estimate, estimate
from trueline.metrics.figures import Figure
from trueline.metrics.intervals import clopper_pearson_upper, wilson
from trueline.metrics.missed import missed
from trueline.metrics.partial import ThreeFigures, partial_figures
from trueline.metrics.reasons import wrong_by_reason
from trueline.metrics.reviews import Mass, ReviewCount, reviewed_shares
from trueline.metrics.scored import matrix_figures

PAGE = re.sub(r"\s+", " ", (Path(__file__).parents[2] / "docs" / "numbers.md").read_text(encoding="utf-8"))
DIGEST = b"numbers.md"
LABELS = ["Drop", "Escalate"]
COUNTS = [
    ReviewCount("Drop", "Drop", Mass.single(396), probability=0.02, reason="audit"),
    ReviewCount("Drop", "Escalate", Mass.single(4), probability=0.02, reason="audit"),
    ReviewCount("Drop", None, Mass.single(19_600)),
    ReviewCount("Escalate", "Drop", Mass.single(160)),
    ReviewCount("Escalate", "Escalate", Mass.single(840)),
]
ESTIMATED = estimate(COUNTS, LABELS, DIGEST)
COMPLAINTS = [
    ReviewCount("Drop", "Drop", Mass.single(30), reason="complaint"),
    ReviewCount("Drop", "Escalate", Mass.single(20), reason="complaint"),
]
"""Fifty Drops more that were reviewed."""


def ends(figure: Figure, form: str = ".3f") -> str:
    assert figure.interval is not None
    return f"{figure.interval.low:{form}} to {figure.interval.high:{form}}"


def written(figure: Figure, form: str = ".3f") -> str:
    return f"{figure.value:{form}} ({ends(figure, form)})"


def test_reviewed() -> None:
    shares = reviewed_shares(COUNTS, LABELS)
    assert f'"{shares.overall.sentence}"' in PAGE
    for label in LABELS:
        assert f"{label}s {shares.per_decision[label].sentence.removeprefix('reviewed ')}" in PAGE


def test_scores() -> None:
    implicit = matrix_figures(COUNTS, LABELS, TruthPolicy.IMPLICIT, DIGEST)
    explicit = matrix_figures(COUNTS, LABELS, TruthPolicy.EXPLICIT, DIGEST)
    assert f"{written(implicit.accuracy.figure)} implicit and {written(explicit.accuracy.figure)} explicit" in PAGE
    precision = explicit.per_label["Escalate"].precision.figure
    assert f"840 of 1,000 gives {precision.value} ({ends(precision)})" in PAGE
    assert f"F1 of Escalate is {written(explicit.per_label['Escalate'].f1_score)}" in PAGE
    assert f"mean recall over both labels {written(explicit.recall)}" in PAGE
    assert f"1.0 ({ends(Figure(1.0, wilson(37, 37))).replace('1.000', '1.0')})" in PAGE


def test_buckets() -> None:
    grouped = Figure(0.9, clustered_wilson(Mass(720, 90, 5_760), Mass(80, 10, 640), 0.95))
    assert f"0.9 with an interval from {ends(grouped)}" in PAGE
    assert f"as 800 it would be {ends(Figure(0.9, wilson(720, 800)))}" in PAGE


def test_three_figures() -> None:
    figures = partial_figures(COUNTS, ESTIMATED)["Escalate"]
    recall: ThreeFigures = figures.recall
    assert f"| reviewed only | {recall.reviewed_only.value:.3f} | {ends(recall.reviewed_only)} |" in PAGE
    assert f"| weighted | {recall.weighted.value:.3f} | {ends(recall.weighted)} |" in PAGE
    assert f"| worst and best case | none | {ends(recall.bounds)} |" in PAGE
    assert f"weighted {written(figures.miss_rate.weighted)}" in PAGE
    assert f"or {840 / ESTIMATED.matrix[1].sum():.3f}." in PAGE


def with_complaints(probability: float | None) -> tuple[list[ReviewCount], Estimate]:
    counts = [replace(count, probability=probability and count.probability) for count in COUNTS]
    counts[2] = replace(counts[2], mass=Mass.single(19_550))
    counts += COMPLAINTS
    return counts, estimate(counts, LABELS, DIGEST)


def test_why_they_were_reviewed() -> None:
    counts, estimated = with_complaints(0.02)
    told = wrong_by_reason(counts, LABELS)
    for label, reason in (("Drop", "audit"), ("Drop", "complaint"), ("Escalate", "not said")):
        share = told[label][reason]
        row = f"| {label} | {reason} | {share.whole.events:,} | {share.part.events} | {written(share.figure)} |"
        assert row in PAGE
    drop = {reason: share.figure.value for reason, share in told["Drop"].items()}
    assert drop["complaint"] == 40 * (drop["audit"] or 0)
    assert f"still finds {missed(counts, estimated, 'Escalate').estimated.value:.0f} Escalates missed" in PAGE
    counts, estimated = with_complaints(None)
    found = missed(counts, estimated, "Escalate").estimated
    assert f"and {found.value:,.0f} would seem missed, with an interval ({ends(found, ',.0f')})" in PAGE
    assert f'"{estimated.assumptions["Drop"].partition("too good. ")[2]}"' in PAGE


def test_missed() -> None:
    found = missed(COUNTS, ESTIMATED, "Escalate")
    interval = found.overall.rate.interval
    assert interval is not None
    assert f"{found.overall.found.events} of the {found.overall.reviewed.events} reviewed Drops" in PAGE
    assert f"at most {interval.high:.2%} of them".replace("%", " %") in PAGE
    assert f"{written(found.estimated, '.0f')} in all" in PAGE
    bound = clopper_pearson_upper(0, 300)
    assert f"none of 300 means at most {bound:.2%}".replace("%", " %") in PAGE


def test_complaints_beside_the_draw() -> None:
    def all_missed(complaints: int) -> float:
        found = ReviewCount("Drop", "Escalate", Mass.single(complaints))
        counts = [*COUNTS[:2], found, ReviewCount("Drop", None, Mass.single(19_600 - complaints)), *COUNTS[3:]]
        return float(estimate(counts, LABELS, DIGEST, 2).matrix[1, 0])

    assert f"146 are left, and {all_missed(50):.0f} are missed as before" in PAGE
    assert f"no other is taken to be missed: {all_missed(300):.0f}." in PAGE


def test_bounds_beside_reviews_for_a_cause() -> None:
    picked = [
        *COUNTS[:2],
        ReviewCount("Drop", "Drop", Mass.single(2_000)),
        ReviewCount("Drop", None, Mass.single(17_600)),
    ]
    rate = missed(picked, estimate(picked, LABELS, DIGEST, 2), "Escalate").overall.rate
    assert rate.interval is not None
    assert f"it would still be {rate.interval.high:.2%}, and".replace("%", " %") in PAGE
    assert "leaving out 2,000" in str(rate.reason)


def test_costs_and_time() -> None:
    cost = expected_cost(COUNTS, ESTIMATED, CostMatrix(((0.0, 15.0), (480.0, 0.0)), "minutes"))
    assert f"{cost.value:,.0f} minutes ({ends(cost, ',.0f')})" in PAGE
    saved = time_saved(COUNTS, ESTIMATED, 10, CostMatrix.per_error(2, 25, "minutes"))
    assert f"{saved.compatible:,.0f} minutes" in PAGE
    assert f"{saved.saved.value:,.0f} minutes are saved ({ends(saved.saved, ',.0f')})" in PAGE


def test_audit() -> None:
    assert f"draw {sample_size(0.01)} and find none wrong; {sample_size(0.01, population=20_000)} suffice" in PAGE
    strict, loose = (audit_plan([Seen("Drop", 20_000, 400, 4)], bound)[0] for bound in (0.01, 0.02))
    assert strict.review == 20_000
    assert f"draw {loose.review}. It holds with up to {loose.allowed} wrong" in PAGE
    assert f"a chance of {loose.chance:.0%}".replace("%", " %") in PAGE
