"""The fields of a job: every operator listed for one is accepted by the metrics and finds something there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from plain_values import NEGATIONS, ORDERS, instant, number, reach, text
from trueline.filters.fields import OwnField
from trueline.filters.operators import OPERATORS
from trueline.ledger.job_tables import MAX_PATHS

if TYPE_CHECKING:
    from trueline.catalog.records import Job
    from trueline.service.workspace import Workspace

LABELS = ["Drop", "Escalate"]
WHEN = "2025-01-01T00:00:00Z"
DOCUMENTS: list[dict[str, object]] = [
    {"whole": 5, "part": 5.5, "both": 5, "word": "a", "day": "2025-01-01", "yes": True, "digits": "17", "any": 1},
    {"whole": -5, "part": 0.1, "both": 0.5, "word": "b", "day": "2024-12-31T10:00:00+01:00", "yes": False, "any": "x"},
    {"words": ["a", "b"], "wholes": [1, 2], "large": 2**70, "mixed": [True, "a"], "days": ["2025-01-01", "2025-02-01"]},
    {"object": {"inner": "a"}, "list": [{"inner": 1}, {"inner": 2}], "hollow": {}, "day or word": "2025-01-01"},
    {"object": {"inner": "b"}, "day or word": "b", "a.b": 1, "ä b`\\": "x", "null": None, "empty": [], "": "nameless"},
    {"long": "2025-01-01" * 20, "@timestamp": WHEN, "arcanna": {"result_label": "its own"}, "word.keyword": 1},
]
TYPES = {
    "whole": "long",
    "part": "double",
    "both": "double",
    "word": "keyword",
    "day": "date",
    "yes": "boolean",
    "digits": "keyword",
    "any": "keyword",
    "words": "keyword",
    "wholes": "long",
    "large": "double",
    "mixed": "keyword",
    "days": "date",
    "object": "object",
    "object.inner": "keyword",
    "list": "object",
    "list.inner": "long",
    "hollow": "object",
    "day or word": "keyword",
    "a.b": "long",
    "ä b`\\": "keyword",
    "": "keyword",
    "long": "keyword",
    "word.keyword": "long",
    "arcanna": "object",
}
UNORDERED = {"word", "yes", "words", "mixed", "object.inner", "ä b`\\", "", "long"}
OBJECTS = {"object", "list", "hollow", "arcanna"}


def line(name: str, document: dict[str, object], **more: object) -> bytes:
    decision = {"label": "Drop", "confidence": 50, "outlier": True, "model_id": "m", "decided_at": WHEN}
    return json.dumps({"event_id": name, "raw_body": document, "decision": decision} | more).encode()


def filled(workspace: Workspace, title: str, lines: list[bytes], grouping: str = "event") -> Job:
    job = workspace.jobs.create(title=f"fields: {title}", labels=LABELS, grouping=grouping)
    assert workspace.ingest.bulk(job, lines).rejected == []
    return job


@pytest.fixture(scope="module")
def job(workspace: Workspace) -> Job:
    votes = [{"analyst": "ana", "label": "Drop", "at": WHEN}]
    lines = [line(f"e{place}", document, votes=votes) for place, document in enumerate(DOCUMENTS)]
    filled_job = filled(workspace, "all kinds", lines)
    workspace.ingest.decide(filled_job, "e0", label="Escalate", decided_at="2025-01-02")
    workspace.feedback.give(filled_job, "e0", "ben", "Escalate")
    return filled_job


@pytest.fixture(scope="module")
def listed(workspace: Workspace, job: Job) -> dict[str, dict[str, Any]]:
    return {field["field_name"]: field for field in workspace.fields.available([job])}


def values(field: str) -> list[object]:
    own: dict[str, list[object]] = {
        "arcanna.result_label": ["Drop"],
        "arcanna.result": ["class_0"],
        "arcanna.previous_result": ["class_0"],
        "arcanna.consensus": ["Drop"],
        "arcanna.bucket_id": ["e1"],
        "arcanna.knowledge_base_state": ["pending"],
        "arcanna.confidence_score": [50],
        "arcanna.outlier_flag": [True],
        "arcanna.model.path": ["m"],
        "arcanna.original_id": ["e1"],
        "arcanna.pipeline_status": ["OK"],
        "arcanna.attention.low_confidence_score.attention_required": [True],
        "arcanna.attention.undecided_consensus.attention_required": [True],
        "@timestamp": [WHEN],
    }
    if field in own:
        return own[field]
    return [value for document in DOCUMENTS for value in reach(document, field) if value is not None]


def asked(field: str, operator: str) -> dict[str, object]:
    """A filter that a value of the field meets, or for a negation one that no value meets."""
    question: dict[str, object] = {"field": field, "operator": operator}
    if "exists" in operator:
        return question
    if operator in ORDERS:
        ordered = [value for value in values(field) if number(value) is not None or instant(value) is not None]
        if not ordered:  # a time of ours
            return {**question, "value": "2290-01-01" if operator.startswith("lt") else "1990-01-01"}
        low, high = (-(10**30), 10**30) if number(ordered[0]) is not None else ("1990-01-01", "2290-01-01")
        return {**question, "value": high if operator.startswith("lt") else low}
    if operator in NEGATIONS:
        value: object = "no value has this"
    else:
        value = next((value for value in values(field) if not isinstance(value, dict)), None)
    if "one of" in operator:
        return {**question, "value": [value]}
    if value is None:  # a time of ours that nobody can name
        return {**question, "value": "20"}
    return {**question, "value": text(value)[:3] if operator in {"starts with", "contains"} else value}


MOMENTS = {"timestamp_inference", "arcanna.last_compute_consensus_timestamp"}


def test_every_operator_listed_is_accepted_and_finds_something(
    workspace: Workspace, job: Job, listed: dict[str, dict[str, Any]]
) -> None:
    every = len(DOCUMENTS)
    tried = 0
    for name, field in listed.items():
        for operator in field["available_operators"]:
            if name in MOMENTS and operator in {"is", "is one of"}:
                continue  # nobody knows the microsecond
            found = workspace.metrics.job(job.id, filters=[asked(name, operator)])["total_events"]
            if operator == "not exists":  # nothing, where each event has a value
                there = workspace.metrics.job(job.id, filters=[asked(name, "exists")])["total_events"]
                assert found == every - there, name
            else:
                assert found > 0, (name, operator)
            tried += 1
    assert tried > 300


def test_operators_that_are_not_listed_find_nothing(
    workspace: Workspace, job: Job, listed: dict[str, dict[str, Any]]
) -> None:
    left_out = [
        (name, operator)
        for name, field in listed.items()
        for operator in OPERATORS
        if operator not in field["available_operators"] and operator not in NEGATIONS
    ]
    assert left_out
    for name, operator in left_out:
        values_tried: tuple[object, ...] = ("", 1)
        if operator in ORDERS:
            values_tried = (10**30, "2290-01-01") if operator.startswith("lt") else (-(10**30), "1990-01-01")
        for value in values_tried:
            question = {"field": name, "operator": operator, "value": [value] if "one of" in operator else value}
            assert workspace.metrics.job(job.id, filters=[question])["total_events"] == 0, question


def test_the_fields_are_own_fields_and_every_path(job: Job, listed: dict[str, dict[str, Any]]) -> None:
    own = [field for field in OwnField if field != "arcanna.bucket_state"]
    assert list(listed)[: len(own)] == own
    paths = {name: field["available_operators"] for name, field in listed.items() if name not in own}
    assert set(paths) == set(TYPES) - {"arcanna.result_label"}
    for name, operators in paths.items():
        if name in OBJECTS:
            assert operators == ["exists", "not exists"], name
        else:
            assert (set(operators) >= ORDERS) == (name not in UNORDERED), name
    assert {tuple(field["available_in_jobs"]) for field in listed.values()} == {(job.id,)}


def test_types(workspace: Workspace, job: Job) -> None:
    types = workspace.fields.types([job])
    assert {path: kind for path, kind in types.items() if path not in list(OwnField)} == TYPES
    assert types["@timestamp"] == types["arcanna.last_compute_consensus_timestamp"] == "date"
    assert types["arcanna.result_label"] == "keyword"
    assert types["arcanna.confidence_score"] == "double"
    assert types["arcanna.outlier_flag"] == "boolean"


def test_fields_of_several_jobs_are_put_together(workspace: Workspace, job: Job) -> None:
    other = filled(workspace, "another", [line("e", {"word": 5, "elsewhere": 1})], "event")
    by_bucket = workspace.jobs.create(title="fields: by bucket", labels=LABELS, grouping="bucket")
    fields = {field["field_name"]: field for field in workspace.fields.available([job, other, by_bucket])}
    assert fields["word"]["available_in_jobs"] == [job.id, other.id]
    assert "lt" in fields["word"]["available_operators"]
    assert fields["elsewhere"]["available_in_jobs"] == [other.id]
    assert fields["arcanna.bucket_state"]["available_in_jobs"] == [by_bucket.id]
    assert fields["arcanna.knowledge_base_state"]["available_in_jobs"] == [job.id, other.id]
    assert fields["arcanna.consensus"]["available_in_jobs"] == [job.id, other.id, by_bucket.id]
    types = workspace.fields.types([job, other, by_bucket])
    assert (types["word"], types["elsewhere"], types["hollow"]) == ("keyword", "long", "object")


def test_a_job_without_events_has_own_fields_only(workspace: Workspace) -> None:
    empty = workspace.jobs.create(title="fields: none", labels=LABELS)
    assert {field["field_name"] for field in workspace.fields.available([empty])} == set(OwnField) - {
        OwnField.BUCKET_STATE
    }


def test_a_path_that_no_event_has_any_more_stays_listed(workspace: Workspace) -> None:
    once = filled(workspace, "once", [line("e", {"gone": 5, "list": [1, 2]})])
    assert workspace.ingest.bulk(once, [line("e", {"here": 5})]).replaced == 1
    assert {"gone", "list", "here"} <= workspace.fields.types([once]).keys()


def test_paths_beyond_those_with_columns_are_listed_as_the_latest_events_have_them(workspace: Workspace) -> None:
    wide = filled(workspace, "wide", [line("first", {f"path {place}": place for place in range(MAX_PATHS)})])
    more: dict[str, object] = {"more": {"text": "a", "whole": 5, "list": [1.5, True], "day": "2025-01-01"}}
    assert workspace.ingest.bulk(wide, [line("second", more)]).rejected == []
    types = workspace.fields.types([wide])
    assert types["path 2047"] == "long"
    found = {path: types[path] for path in types if path.startswith("more")}
    assert found == {
        "more": "object",
        "more.text": "keyword",
        "more.whole": "long",
        "more.list": "keyword",
        "more.day": "date",
    }
    listed = {field["field_name"]: field["available_operators"] for field in workspace.fields.available([wide])}
    for question in (
        {"field": "more.whole", "operator": "lt", "value": 6},
        {"field": "more.day", "operator": "gte", "value": "2025-01-01"},
        {"field": "more.text", "operator": "starts with", "value": "a"},
        {"field": "more", "operator": "exists"},
    ):
        assert question["operator"] in listed[str(question["field"])]
        assert workspace.metrics.job(wide.id, filters=[question])["total_events"] == 1
