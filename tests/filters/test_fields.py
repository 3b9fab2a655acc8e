"""Which names are own fields."""

from __future__ import annotations

import pytest

from trueline.filters.fields import Kind, OwnField, own_field

DOCUMENTED = {
    "@timestamp": Kind.TIME,
    "timestamp_inference": Kind.TIME,
    "arcanna.result_label": Kind.TEXT,
    "arcanna.result": Kind.TEXT,
    "arcanna.previous_result": Kind.TEXT,
    "arcanna.consensus": Kind.TEXT,
    "arcanna.bucket_id": Kind.TEXT,
    "arcanna.bucket_state": Kind.TEXT,
    "arcanna.knowledge_base_state": Kind.TEXT,
    "arcanna.confidence_score": Kind.NUMBER,
    "arcanna.outlier_flag": Kind.BOOLEAN,
    "arcanna.model.path": Kind.TEXT,
    "arcanna.original_id": Kind.TEXT,
    "arcanna.pipeline_status": Kind.TEXT,
    "arcanna.last_compute_consensus_timestamp": Kind.TIME,
    "arcanna.attention.low_confidence_score.attention_required": Kind.BOOLEAN,
    "arcanna.attention.undecided_consensus.attention_required": Kind.BOOLEAN,
}


def test_the_own_fields_are_those_of_the_definitions_each_of_its_kind() -> None:
    assert {str(field): field.kind for field in OwnField} == DOCUMENTED


@pytest.mark.parametrize("name", DOCUMENTED)
def test_each_is_known_with_a_trailing_keyword_too(name: str) -> None:
    assert own_field(name) == own_field(f"{name}.keyword") == OwnField(name)


@pytest.mark.parametrize("name", [name for name in DOCUMENTED if "attention" in name])
def test_those_of_attention_are_known_without_arcanna_too(name: str) -> None:
    short = name.removeprefix("arcanna.")
    assert own_field(short) == own_field(f"{short}.keyword") == OwnField(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "keyword",
        ".keyword",
        "result_label",
        "consensus",
        "arcanna",
        "arcanna.",
        "arcanna.Consensus",
        "arcanna.consensus.keyword.keyword",
        "@timestamp ",
        "timestamp",
        "rule.keyword",
    ],
)
def test_every_other_name_is_a_path_of_the_document(name: str) -> None:
    assert own_field(name) is None
