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
ONE_LINE = "a part is one line of its table"
UNSAID = {
    r"job_id": "whoever reads it has named the job",
    r"policies\.reviewed\..*\.sentence": "its numbers are in the table",
    r"policies\.(im|ex)plicit\.(overall_|metrics_per_decision)": "of the compatible endpoint; `scores` has them",
    r"policies\.implicit\.time_saved_minutes": "it is the compatible figure of `costs`",
    r"partly_reviewed\.basis\.\w+\.basis$": "its assumption is printed",
    r"confidence\.promise\.kept_from\.(decisions|reviewed|wrong|error_rate)": "in the table of thresholds",
    r"agreement\.counted|confidence\.counted|models\.compared": "follows from the job and from the models named",
    r"models\.flips\.\d+\.events_ids\.[3-9]": "three show what the kind is",
    r"part\.(start|end)_time": "its local start is printed, and the next one's",
    r"part\.(partly_reviewed|policies\.(im|ex)plicit|policies\.reviewed\.(per_|.*(share|undecided|sentence)))": ONE_LINE,
    r"part\.scores\.\w+\.(?!accuracy\.(?!part|whole))": ONE_LINE,
    r"part\.costs\.(?!missed\.overall\.found)": ONE_LINE,
}
"""What is in the JSON and not printed, and why."""
PART = r"intervals\.\d+|groups\.(values\.\d+|other_values|without_value)"


@pytest.fixture(scope="module")
def told(workspace: Workspace) -> dict[str, Any]:
    """A bucket job with all sections: every band of confidence, two models, ties, a label that nobody reviewed."""
    job = workspace.jobs.create(
        title="printed", labels=["Drop", "Escalate", "Other"], grouping="bucket", labels_ordered=True
    )
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


def otherwise(leaf: object) -> object:
    if isinstance(leaf, str):
        return f"not {leaf}"
    assert isinstance(leaf, int | float)
    return leaf + 1 if isinstance(leaf, int) or leaf > 1 else leaf + 0.137


def test_whatever_is_otherwise_in_the_json_is_printed_otherwise(told: dict[str, Any]) -> None:
    usual, unsaid = printed(told), set()
    for path, leaf in leaves(told):
        if leaf is None:
            continue
        body = deepcopy(told)
        node: Any = body
        for name in path[:-1]:
            node = node[name]
        node[path[-1]] = otherwise(leaf)
        if printed(body) == usual:
            unsaid.add(re.sub(f"^({PART})", "part", ".".join(map(str, path))))
    excepted = {each: [pattern for pattern in UNSAID if re.match(pattern, each)] for each in unsaid}
    assert [each for each, patterns in excepted.items() if not patterns] == []
    assert set(UNSAID) - {pattern for patterns in excepted.values() for pattern in patterns} == set()


def test_every_reason_is_printed_and_no_line_is_too_wide(told: dict[str, Any]) -> None:
    text = printed(told)
    reasons = {leaf for path, leaf in leaves(told) if path[-1] == "reason" and path[0] not in {"intervals", "groups"}}
    assert len(reasons - {None}) > 10
    for reason in reasons - {None}:
        assert reason in said(text), reason
    assert max(len(line.rstrip()) for line in text.splitlines()) <= WIDEST


def test_without_further_sections_it_is_read_on_two_screens(told: dict[str, Any]) -> None:
    short = told | dict.fromkeys(("intervals", "groups", *Further))
    assert len(printed(short).splitlines()) <= 100
