"""Sentinel alerts: real nested documents are kept byte for byte and found by what is deep inside them."""

from __future__ import annotations

import gzip
import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from trueline.instants import from_micros

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from trueline.catalog.records import Job
    from trueline.service.workspace import Workspace

ALERTS = 189
SEVERITIES = {"High": 85, "Medium": 78, "Low": 18, "Informational": 8}
LABELS = ["Close", "Escalate"]

Document = dict[str, Any]


@pytest.fixture(scope="module")
def raw_alerts(shared_data: Path) -> list[bytes]:
    """Each document as it stands in the file."""
    lines = gzip.decompress((shared_data / "sentinel-alerts" / "alerts.jsonl.gz").read_bytes()).splitlines()
    assert len(lines) == ALERTS
    return lines


@pytest.fixture(scope="module")
def alerts(raw_alerts: list[bytes]) -> list[Document]:
    return [json.loads(line) for line in raw_alerts]


@pytest.fixture(scope="module")
def job(workspace: Workspace, raw_alerts: list[bytes], alerts: list[Document]) -> Job:
    """A job that has every alert, escalated where its severity is High; their time is TimeGenerated."""
    made = workspace.jobs.create(title="sentinel alerts", labels=LABELS)
    lines = [
        b'{"event_id": "%s", "timestamp": "%s", "decision": {"label": "%s"}, "raw_body": %s}'
        % (
            alert["SystemAlertId"].encode(),
            alert["TimeGenerated"].encode(),
            LABELS[alert["AlertSeverity"] == "High"].encode(),
            raw,
        )
        for raw, alert in zip(raw_alerts, alerts, strict=True)
    ]
    answer = workspace.ingest.bulk(made, lines)
    assert (answer.accepted, answer.replaced, answer.rejected) == (ALERTS, 0, [])
    return made


def count(workspace: Workspace, job: Job, **asked: object) -> int:
    total: int = workspace.metrics.job(job.id, **asked)["total_events"]  # type: ignore[arg-type]
    return total


def found(value: object, *keys: str) -> Iterator[object]:
    """All values at the way of literal keys, reaching into each element of lists; null is no value."""
    if isinstance(value, list):
        for element in value:
            yield from found(element, *keys)
    elif not keys:
        if value is not None:
            yield value
    elif isinstance(value, dict) and keys[0] in value:
        yield from found(value[keys[0]], *keys[1:])


def there(alert: Document, *keys: str) -> bool:
    return next(found(alert, *keys), None) is not None


def texts(alert: Document, *keys: str) -> list[str]:
    return [value for value in found(alert, *keys) if isinstance(value, str)]


def instant(text: str) -> datetime | None:
    """Read a time of these documents; of seven digits after the second the last is cut off."""
    matched = re.fullmatch(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(\.\d+)?(Z|\+00:00)?", text)
    if matched is None:
        return None
    day, clock, digits, _ = matched.groups()
    return datetime.fromisoformat(f"{day}T{clock}{(digits or '.0')[:7].ljust(7, '0')}+00:00")


HASHES = ("Entities", "ImageFile", "FileHashes", "Algorithm")
PARENTS = ("Entities", "ParentProcess", "ImageFile", "FileHashes", "Algorithm")
CATEGORY = ("ExtendedProperties", "MicrosoftDefenderAtp.Category")
NOON = datetime(2024, 7, 2, 12, tzinfo=UTC)


class Question(NamedTuple):
    """A filter, and the same asked of a document in plain Python."""

    field: str
    operator: str
    value: object
    met: Callable[[Document], bool]

    def __str__(self) -> str:
        return f"{self.field} {self.operator} {self.value}"


QUESTIONS = [
    Question("AlertSeverity", "is", "High", lambda alert: alert["AlertSeverity"] == "High"),
    Question("AlertSeverity", "is", "high", lambda _: False),
    Question(
        "AlertSeverity",
        "is one of",
        ["Low", "Informational", "None"],
        lambda a: a["AlertSeverity"] in {"Low", "Informational"},
    ),
    Question("ConfidenceScore", "exists", None, lambda alert: "ConfidenceScore" in alert),
    Question("ConfidenceScore", "is", "", lambda alert: alert["ConfidenceScore"] == ""),
    Question("rn", "gte", 1000, lambda alert: int(alert["rn"]) >= 1000),
    Question("rn", "is", 46, lambda alert: alert["rn"] == "46"),
    Question(
        "ExtendedProperties.IncidentId", "is", 384, lambda a: "384" in texts(a, "ExtendedProperties", "IncidentId")
    ),
    Question("ExtendedProperties", "exists", None, lambda alert: there(alert, "ExtendedProperties")),
    Question(".".join(CATEGORY), "is", "LateralMovement", lambda a: "LateralMovement" in texts(a, *CATEGORY)),
    Question(
        ".".join(CATEGORY), "starts with", "De", lambda a: any(text.startswith("De") for text in texts(a, *CATEGORY))
    ),
    Question(".".join(CATEGORY), "exists", None, lambda a: there(a, *CATEGORY)),
    Question(
        "ExtendedProperties.MicrosoftDefenderAtp.InvestigationId",
        "exists",
        None,
        lambda a: there(a, "ExtendedProperties", "MicrosoftDefenderAtp.InvestigationId"),
    ),
    Question("ExtendedProperties.MicrosoftDefenderAtp", "exists", None, lambda _: False),
    Question(
        "ExtendedProperties.Alert generation status",
        "contains",
        "Full",
        lambda a: any("Full" in text for text in texts(a, "ExtendedProperties", "Alert generation status")),
    ),
    Question("Entities.Type", "is", "process", lambda a: "process" in texts(a, "Entities", "Type")),
    Question(
        "Entities.Type",
        "starts with",
        "mail",
        lambda a: any(t.startswith("mail") for t in texts(a, "Entities", "Type")),
    ),
    Question(
        "Entities.Type", "is one of", ["url", "ip"], lambda a: bool({"url", "ip"} & set(texts(a, "Entities", "Type")))
    ),
    Question("Entities.$id", "is", "2", lambda a: "2" in texts(a, "Entities", "$id")),
    Question("Entities.$ref", "exists", None, lambda a: there(a, "Entities", "$ref")),
    Question("Entities.IsDomainJoined", "is", True, lambda a: True in found(a, "Entities", "IsDomainJoined")),
    Question("Entities.IsDomainJoined", "is", "false", lambda a: False in found(a, "Entities", "IsDomainJoined")),
    Question("Entities.ImageFile", "exists", None, lambda a: there(a, "Entities", "ImageFile")),
    Question(".".join(HASHES), "is", "MD5", lambda a: "MD5" in texts(a, *HASHES)),
    Question(".".join(HASHES), "contains", "256", lambda a: any("256" in text for text in texts(a, *HASHES))),
    Question(".".join(HASHES), "exists", None, lambda a: there(a, *HASHES)),
    Question(".".join(PARENTS), "is", "SHA1", lambda a: "SHA1" in texts(a, *PARENTS)),
    Question("Entities.LoggedOnUsers", "exists", None, lambda a: there(a, "Entities", "LoggedOnUsers")),
    Question(
        "Entities.Tags.TagName",
        "contains",
        "-",
        lambda a: any("-" in t for t in texts(a, "Entities", "Tags", "TagName")),
    ),
    Question(
        "Techniques", "starts with", "T10", lambda a: any(text.startswith("T10") for text in texts(a, "Techniques"))
    ),
    Question("SubTechniques", "is", "", lambda alert: alert["SubTechniques"] == ""),
    Question(
        "RemediationSteps",
        "contains",
        "isolat",
        lambda a: any("isolat" in text for text in texts(a, "RemediationSteps")),
    ),
    Question(
        "RemediationSteps",
        "contains",
        "\u2019",
        lambda a: any("\u2019" in text for text in texts(a, "RemediationSteps")),
    ),
    Question(
        "StartTime",
        "lt",
        "2024-07-02T12:00:00Z",
        lambda a: any((instant(t) or NOON) < NOON for t in texts(a, "StartTime")),
    ),
    Question(
        "Entities.CreationTimeUtc",
        "gt",
        "2024-07-02 12:00:00",
        lambda a: any((instant(text) or NOON) > NOON for text in texts(a, "Entities", "CreationTimeUtc")),
    ),
    Question("Entities.NoSuchKey", "exists", None, lambda _: False),
]


@pytest.mark.parametrize("question", QUESTIONS, ids=str)
def test_a_filter_finds_what_plain_python_finds(
    question: Question, workspace: Workspace, job: Job, alerts: list[Document]
) -> None:
    field, operator, value, met = question
    expected = sum(map(met, alerts))
    asked = {"field": field, "operator": operator, "value": value}

    assert count(workspace, job, filters=[asked]) == expected
    if operator not in {"lt", "lte", "gt", "gte"}:
        negated = operator.replace("is", "is not", 1) if operator.startswith("is") else f"not {operator}"
        assert count(workspace, job, filters=[asked | {"operator": negated}]) == ALERTS - expected


def test_the_questions_tell_alerts_apart(alerts: list[Document]) -> None:
    """Most of what is asked above is true of some alerts and not of others."""
    telling = [sum(map(question.met, alerts)) for question in QUESTIONS]
    assert sum(0 < number < ALERTS for number in telling) >= len(QUESTIONS) * 2 // 3


def test_severities_are_the_documented_ones(workspace: Workspace, job: Job) -> None:
    counted = {
        severity: count(workspace, job, filters=[{"field": "AlertSeverity", "operator": "is", "value": severity}])
        for severity in SEVERITIES
    }

    assert counted == SEVERITIES
    matrix = workspace.metrics.job(job.id)["confusion_matrix"]
    assert matrix == [[ALERTS - SEVERITIES["High"], 0], [0, SEVERITIES["High"]]]


def test_filters_join(workspace: Workspace, job: Job, alerts: list[Document]) -> None:
    asked = [
        {"field": "AlertSeverity", "operator": "is", "value": "High"},
        {"field": ".".join(HASHES), "operator": "is", "value": "SHA256"},
        {"field": ".".join(CATEGORY), "operator": "is not", "value": "Ransomware"},
    ]
    expected = sum(
        alert["AlertSeverity"] == "High"
        and "SHA256" in texts(alert, *HASHES)
        and "Ransomware" not in texts(alert, *CATEGORY)
        for alert in alerts
    )

    assert 0 < expected < SEVERITIES["High"]
    assert count(workspace, job, filters=asked) == expected


def test_days_tile_the_month(workspace: Workspace, job: Job, alerts: list[Document]) -> None:
    days = sorted({alert["TimeGenerated"][:10] for alert in alerts})
    counted = {day: count(workspace, job, start=day, end=day) for day in days}

    assert counted == {day: sum(alert["TimeGenerated"].startswith(day) for alert in alerts) for day in days}
    assert (days[0], days[-1]) == ("2024-07-04", "2024-08-01")
    body = workspace.metrics.job(job.id)
    moments = sorted(alert["TimeGenerated"] for alert in alerts)
    assert body["start_time"] == moments[0].replace(" ", "T").replace("+00:00", "Z")
    assert body["end_time"] == moments[-1].replace(" ", "T").replace("+00:00", "Z")


def test_documents_are_kept_byte_for_byte(
    workspace: Workspace, job: Job, raw_alerts: list[bytes], alerts: list[Document]
) -> None:
    ledger = workspace._ledger  # noqa: SLF001 - no route gives an event back yet
    keys = [ledger.keys.event(alert["SystemAlertId"]) for alert in alerts]
    standing = ledger.events.standing(job.id, keys).versions

    assert len(standing) == ALERTS
    for key, raw, alert in zip(keys, raw_alerts, alerts, strict=True):
        assert standing[key].event_id == alert["SystemAlertId"]
        assert standing[key].raw_body == raw
        assert from_micros(standing[key].ts) == datetime.fromisoformat(alert["TimeGenerated"])
