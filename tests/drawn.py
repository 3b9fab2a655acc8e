"""What random sequences and questions are drawn from: small pools, so that things collide."""

from __future__ import annotations

from hypothesis import strategies as st

EVENTS = [f"e{i}" for i in range(6)]
BUCKETS = ["b0", "b1", "b2"]
ANALYSTS = ["ana", "ben", "cleo"]
LABELS = ["Drop", "Investigate", "Escalate"]
LATER_LABEL = "Close"
TIMES = [
    "2025-01-01T00:00:00.000000Z",
    "2025-01-01T00:00:00.000001Z",
    "2025-01-01T23:59:59.999999Z",
    "2025-01-02T00:00:00Z",
    "2025-01-02T01:00:00.000002+01:00",
    "2025-01-03T12:00:00.5Z",
]
FIRST_ARRIVAL = 1_767_225_600_000_000  # later than all of the above and sooner than any clock's time
DOCUMENTS: list[dict[str, object]] = [
    {"host.name": "web", "n": 5},
    {"host": {"name": "web"}, "n": "5", "@timestamp": TIMES[1]},
    {"host": {"name": "mail"}, "n": 5.5, "tags": ["a", "b"], "@timestamp": TIMES[4]},
    {"n": None, "tags": []},
    {"host": {"name": "mail"}, "rule": [{"id": 1}, {"id": "2"}], "seen": "2025-01-02"},
    {},
]

times = st.sampled_from(TIMES)
labels = st.sampled_from(LABELS)
decision_parts = st.fixed_dictionaries(
    {"label": labels},
    optional={
        "confidence": st.sampled_from([0, 59.9, 60.0, 100]),
        "model_id": st.sampled_from(["first", "second"]),
        "decided_at": times,
        "outlier": st.booleans(),
    },
)
vote_parts = st.fixed_dictionaries(
    {
        "analyst": st.sampled_from(ANALYSTS),
        "label": st.one_of(labels, labels, st.none()),
        "at": st.sampled_from([*TIMES[:3], None]),
    }
)
windows = st.tuples(
    st.one_of(st.none(), times, st.sampled_from(["2025-01-01", "2025-01-02T00:00:00 0000", "2025-01-02"])),
    st.one_of(st.none(), times, st.sampled_from(["2025-01-01", "2025-01-03", "2025-01-02T00:00:00.000001"])),
)

STATES: list[object] = ["new", "pending", "in_knowledge_base", "retrain"]
VALUES_OF: dict[str, list[object]] = {
    "@timestamp": [*TIMES, "2025-01-02", "23:59", 5],
    "timestamp_inference": ["2025-06-01"],
    "arcanna.result_label": [*LABELS, "D", 5],
    "arcanna.result.keyword": ["class_0", "class_2"],
    "arcanna.previous_result": ["class_0", "class_1", "class_2"],
    "arcanna.consensus": [*LABELS, "Undecided"],
    "arcanna.bucket_id": ["b1", "e1"],
    "arcanna.bucket_state": STATES,
    "arcanna.knowledge_base_state": STATES,
    "arcanna.confidence_score": [60, "60", 59.9, "9"],
    "arcanna.outlier_flag": [True, "false", 0],
    "arcanna.model.path": ["first", "second"],
    "arcanna.original_id": [*EVENTS, "e"],
    "arcanna.pipeline_status": ["OK"],
    "arcanna.last_compute_consensus_timestamp": [*TIMES, "2025-06-01"],
    "arcanna.attention.low_confidence_score.attention_required": [True, "false"],
    "attention.undecided_consensus.attention_required.keyword": [True, "false"],
    "host.name": ["web", "mail", "m"],
    "n": [5, "5", 5.5, "5."],
    "rule.id": [1, 2, "2"],
    "tags": ["a", "b"],
    "seen": ["2025-01-02", "2025-01-02T00:00:00.000001Z"],
}
VALUED = [
    "is",
    "is not",
    "starts with",
    "not starts with",
    "contains",
    "not contains",
    "lt",
    "lte",
    "gt",
    "gte",
]


@st.composite
def filters(draw: st.DrawFn) -> dict[str, object]:
    """Draw a filter on a field with a value that means something for it."""
    field = draw(st.sampled_from(list(VALUES_OF)))
    operator = draw(st.sampled_from([*VALUED, "is one of", "is not one of", "exists", "not exists"]))
    if "exists" in operator:
        return {"field": field, "operator": operator}
    value = st.sampled_from(VALUES_OF[field])
    wanted = draw(st.lists(value, min_size=1, max_size=3) if "one of" in operator else value)
    return {"field": field, "operator": operator, "value": wanted}
