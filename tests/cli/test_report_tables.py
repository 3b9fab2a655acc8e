"""The printed report: it says all that its JSON says, in both counts, with every reason, and fits a terminal."""

from __future__ import annotations

import io
import json
import re
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from trueline.cli.report_tables import print_report
from trueline.service.telling import Further, Telling

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trueline.service.workspace import Workspace

WIDEST = 100
LABELS = ["Drop", "Escalate", "Other"]
ONE_LINE = "a part is one line of its table"
UNSAID = {
    r"job_id": "whoever reads it has named the job",
    r"policies\.reviewed\..*\.sentence": "its numbers are in the table",
    r"policies\.(im|ex)plicit\.(overall_|metrics_per_decision)": "of the compatible endpoint; `scores` has them",
    r"policies\.implicit\.time_saved_minutes": "it is the compatible figure of `costs`",
    r"partly_reviewed\.basis\.\*\.basis$": "its assumption is printed",
    r"partly_reviewed\.wrong_by_reason\.": "reasons that nothing was reviewed for have no row; see test_report.py",
    r"confidence\.promise\.kept_from\.(decisions|reviewed|wrong|error_rate)": "in the table of thresholds",
    r"models\.compared": "follows from the models named",
    r"part\.(start|end)_time": "its local start is printed, and the next one's",
    r"part\.(partly_reviewed|policies\.(im|ex)plicit)": ONE_LINE,
    r"part\.policies\.reviewed\.(per_|.*(share|undecided|sentence))": ONE_LINE,
    r"part\.scores\.\w+\.(?!accuracy\.(?!part|whole))": ONE_LINE,
    r"part\.costs\.(?!missed\.overall\.found)": ONE_LINE,
}
"""What is in the JSON and not printed, and why."""
PART = r"intervals\.\d+|groups\.(values\.\d+|other_values|without_value)"


@pytest.fixture(scope="module")
def told(workspace: Workspace) -> dict[str, Any]:
    """A bucket job with all sections: every band of confidence, two models, ties, a label that nobody reviewed."""
    job = workspace.jobs.create(title="printed", labels=LABELS, grouping="bucket", labels_ordered=True)
    lines = []
    for number in range(44):
        label = "Other" if number >= 40 else ("Drop", "Drop", "Escalate")[number % 3]
        decision = {"label": label, "confidence": 5 + 10 * (number % 10), "model_id": "new"}
        lines += [
            {
                "event_id": f"e{number}-{event}",
                "bucket_id": f"b{number}",
                "timestamp": f"2025-03-{28 + number % 2}T10:00:00Z",
                "raw_body": {"host": f"h{number % 4}"} if number % 5 else {},
                "decision": decision | {"decided_at": "2025-04-02"},
            }
            for event in range(1 + number % 2)
        ]
    before = [
        line | {"decision": {"label": ("Drop", "Escalate")[number % 2], "model_id": "old", "decided_at": "2025-04-01"}}
        for number, line in enumerate(lines[:40])
    ]
    for sent in (before, lines):
        assert workspace.ingest.bulk(job, [json.dumps(line).encode() for line in sent]).rejected == []
    votes = [
        {"event_id": f"e{number}-0", "analyst": analyst, "label": ("Drop", "Escalate")[(number + place) % 4 == 0]}
        for number in range(31)
        for place, analyst in enumerate(("ana", "ben", "cleo")[: 1 + number % 3])
    ]
    assert workspace.feedback.bulk(job, [json.dumps(vote).encode() for vote in votes]).rejected == []
    telling = Telling(
        level=0.9,
        interval="1d",
        group_by="host",
        top=2,
        also=tuple(Further),
        promised_error_rate=0.9,
        first_model="old",
        second_model="new",
    )
    found = workspace.reports.of(workspace.jobs.get("printed"), telling=telling)
    for flip in found["models"]["flips"]:
        flip["events_ids"] = flip["events_ids"][:3]  # ids, not figures: three of ten are printed
    return found | {"as_of": "2025-05-01T00:00:00Z"}


def printed(body: dict[str, Any], width: int = WIDEST) -> str:
    out = io.StringIO()
    print_report(Console(file=out, width=width, color_system=None), body)
    return out.getvalue()


def said(text: str) -> str:
    """Without the breaks of its lines."""
    return " ".join(text.split())


def leaves(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:  # noqa: ANN401 - JSON
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else None
    if items is None:
        yield path, node
    else:
        for name, child in items:
            yield from leaves(child, (*path, name))


def kinds(told: dict[str, Any], *, null: bool = False) -> dict[str, tuple[Any, ...]]:
    """The last leaf of each kind that is null, or is not; labels, places in lists and parts make no kinds."""
    found = {}
    for path, leaf in leaves(told):
        if (leaf is None) is null:
            kind = re.sub(f"^({PART})", "part", ".".join(map(str, path)))
            found[re.sub(rf"\.({'|'.join(LABELS)}|\d+)(?=\.|$)", ".*", kind)] = path
    return found


def otherwise(leaf: object) -> object:
    if isinstance(leaf, str):
        return f"not {leaf}"
    assert isinstance(leaf, int | float)
    return leaf + 1 if isinstance(leaf, int) or abs(leaf) > 1 else leaf + 0.137


def test_whatever_is_otherwise_in_the_json_is_printed_otherwise(told: dict[str, Any]) -> None:
    body, usual, unsaid, excepted = deepcopy(told), printed(told), [], set()
    for kind, path in kinds(told).items():
        patterns = {pattern for pattern in UNSAID if re.match(pattern, kind)}
        excepted |= patterns
        if patterns:
            continue
        node: Any = body
        for name in path[:-1]:
            node = node[name]
        leaf = node[path[-1]]
        node[path[-1]] = otherwise(leaf)
        if printed(body) == usual:
            unsaid.append(kind)
        node[path[-1]] = leaf
    assert unsaid == []
    assert excepted == set(UNSAID)


def test_every_reason_is_printed_and_no_line_is_too_wide(told: dict[str, Any]) -> None:
    text, unprinted = printed(told), {"intervals", "groups", "wrong_by_reason"}
    reasons = {leaf for path, leaf in leaves(told) if path[-1] == "reason" and not unprinted.intersection(path)}
    assert len(reasons - {None}) > 10
    for reason in reasons - {None}:
        assert reason in said(text), reason
    assert max(len(line.rstrip()) for line in text.splitlines()) <= WIDEST


def test_without_further_sections_it_is_read_on_two_screens(told: dict[str, Any]) -> None:
    short = told | dict.fromkeys(("intervals", "groups", *Further))
    assert len(printed(short).splitlines()) <= 120


def test_in_a_bucket_job_both_counts_stand_beside_a_bound_that_is_on_buckets(told: dict[str, Any]) -> None:
    text = printed(told)
    missed = told["costs"]["missed"]
    found, reviewed = missed["overall"]["found"], missed["overall"]["reviewed"]
    assert found["events"]
    assert reviewed["events"] > reviewed["subjects"]
    counts = (
        f"{found['events']} events in {found['subjects']} buckets, of {reviewed['events']} in {reviewed['subjects']}"
    )
    assert f"Missed Escalate: {counts} reviewed and decided otherwise" in text
    high = f"{100 * missed['overall']['rate']['interval']['high']:.3g}"
    assert f"of all buckets decided otherwise at most {high} %, at 90 %" in text


def test_worst_and_best_case_do_not_look_like_an_interval(told: dict[str, Any]) -> None:
    text = said(printed(told))
    total = told["costs"]["expected_cost"]["total"]
    assert total["value"] is None
    ends = f"{total['interval']['low']:,.0f} to {total['interval']['high']:,.0f}"
    assert f"Errors cost: from {ends} minutes: none of the events decided Other was reviewed" in text
    assert f"[{ends}]" not in text


def test_where_nothing_was_decided_otherwise_none_was_missed(told: dict[str, Any]) -> None:
    body = deepcopy(told)
    nothing = {"events": 0, "subjects": 0}
    body["costs"]["missed"]["overall"] |= {"found": nothing, "reviewed": nothing}
    body["costs"]["missed"]["overall"]["rate"] = {
        "value": None,
        "interval": {"low": 0.0, "high": 1.0},
        "reason": "none of these was reviewed",
    }
    unreviewed = "How many of 47 decided otherwise are missed nobody knows: none of these was reviewed"
    assert unreviewed in printed(body)
    for label in ("Drop", "Other"):
        body["policies"]["reviewed"]["per_decision"][label]["total"] = nothing
    text = printed(body)
    assert "No event was decided otherwise, so none can have been missed" in text
    assert unreviewed not in text


def test_labels_beyond_the_width_follow_below(told: dict[str, Any]) -> None:
    body = deepcopy(told)
    many = [f"label {number}" for number in range(6)]
    share = body["policies"]["reviewed"]["per_decision"]["Drop"]
    body["policies"]["reviewed"]["per_decision"] = dict.fromkeys(many, share)
    for policy in ("implicit", "explicit"):
        body["policies"][policy]["confusion_matrix"] = [[10 * row + column for column in range(6)] for row in range(6)]
    text = printed(body)
    assert text.count("Confusion matrix in events") == 2
    assert all(f"{cell}/{cell}" in text for cell in (0, 5, 50, 55))


def test_only_what_estimates_nothing_has_no_interval(told: dict[str, Any]) -> None:
    """Those that docs/numbers.md names; all others have one, also without a value."""
    without = {kind.removesuffix(".interval") for kind in kinds(told, null=True) if kind.endswith(".interval")}
    assert without == {
        "policies.reviewed.overall.share",
        "policies.reviewed.per_decision.*.share",
        "part.policies.reviewed.overall.share",
        "part.policies.reviewed.per_decision.*.share",
        "confidence.bands.*.mean_confidence",
        "confidence.error_by_chance",
        "confidence.automation.*.share",
        "confidence.promise.kept_from.share",
        "models.mcnemar_p_value",
    }
