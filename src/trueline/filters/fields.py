"""The fields of an event that are ours; every other field is a path into its document."""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """What kind of value an own field holds."""

    TEXT = "text"
    NUMBER = "number"
    BOOLEAN = "boolean"
    TIME = "time"


class OwnField(StrEnum):
    """An own field, by its full name."""

    TIMESTAMP = "@timestamp"
    TIMESTAMP_INFERENCE = "timestamp_inference"
    RESULT_LABEL = "arcanna.result_label"
    RESULT = "arcanna.result"
    PREVIOUS_RESULT = "arcanna.previous_result"
    CONSENSUS = "arcanna.consensus"
    BUCKET_ID = "arcanna.bucket_id"
    BUCKET_STATE = "arcanna.bucket_state"
    KNOWLEDGE_BASE_STATE = "arcanna.knowledge_base_state"
    CONFIDENCE_SCORE = "arcanna.confidence_score"
    OUTLIER_FLAG = "arcanna.outlier_flag"
    MODEL_PATH = "arcanna.model.path"
    ORIGINAL_ID = "arcanna.original_id"
    PIPELINE_STATUS = "arcanna.pipeline_status"
    LAST_COMPUTE_CONSENSUS_TIMESTAMP = "arcanna.last_compute_consensus_timestamp"
    LOW_CONFIDENCE = "arcanna.attention.low_confidence_score.attention_required"
    UNDECIDED_CONSENSUS = "arcanna.attention.undecided_consensus.attention_required"

    @property
    def kind(self) -> Kind:
        """What kind of value it holds."""
        return _KINDS.get(self, Kind.TEXT)


_KINDS = {
    OwnField.TIMESTAMP: Kind.TIME,
    OwnField.TIMESTAMP_INFERENCE: Kind.TIME,
    OwnField.LAST_COMPUTE_CONSENSUS_TIMESTAMP: Kind.TIME,
    OwnField.CONFIDENCE_SCORE: Kind.NUMBER,
    OwnField.OUTLIER_FLAG: Kind.BOOLEAN,
    OwnField.LOW_CONFIDENCE: Kind.BOOLEAN,
    OwnField.UNDECIDED_CONSENSUS: Kind.BOOLEAN,
}

_BY_NAME = {str(field): field for field in OwnField} | {
    field.removeprefix("arcanna."): field for field in OwnField if field.startswith("arcanna.attention.")
}


def own_field(name: str) -> OwnField | None:
    """The own field of that name, also with a trailing ``.keyword``; None for a path into the document."""
    return _BY_NAME.get(name.removesuffix(".keyword"))
