"""What schemathesis is told beside the description of the API: how lines of JSON are written and what is in them.

Loaded by schemathesis by its path; see test_schemathesis.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import schemathesis
from hypothesis import strategies as st

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

NAMES = st.sampled_from(["alert-0000", "alert-5275", "waiting", "new one"]) | st.text(max_size=8)
MOMENTS = st.sampled_from(["2025-01-01", "2025-01-01T10:00:00Z", "2025-01-01 10:00:00 02:00", "soon", ""])
LABELS = st.sampled_from(["Drop", "Investigate", "Escalate", "Undecided", "drop"]) | st.none()
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
VOTES = st.fixed_dictionaries(
    {"analyst": st.sampled_from(["ana", "ben", " "]), "label": LABELS}, optional={"at": MOMENTS, "override": JSON}
)
DECISIONS = st.fixed_dictionaries(
    {"label": LABELS},
    optional={"confidence": JSON, "model_id": st.text(max_size=5), "decided_at": MOMENTS, "outlier": st.booleans()},
)
EVENTS = st.fixed_dictionaries(
    {"raw_body": st.dictionaries(st.text(max_size=5), JSON, max_size=4)},
    optional={
        "event_id": NAMES,
        "timestamp": MOMENTS,
        "bucket_id": NAMES,
        "decision": DECISIONS,
        "votes": st.lists(VOTES, max_size=2),
        "odd": JSON,
    },
)
VOTES_ON = st.tuples(VOTES, st.sampled_from(["event_id", "bucket_id"]), NAMES).map(
    lambda parts: parts[0] | {parts[1]: parts[2]}
)


@schemathesis.serializer("application/x-ndjson")
def lines(_: object, value: object) -> bytes:
    """A body of lines, as bytes."""
    return value if isinstance(value, bytes) else str(value).encode(errors="replace")


@schemathesis.hook
def before_generate_body(context: Any, strategy: SearchStrategy[Any]) -> SearchStrategy[Any]:  # noqa: ANN401 - theirs
    """Besides any text, lines of the kind that a bulk route takes."""
    if not context.operation.path.endswith("/bulk"):
        return strategy
    one = EVENTS if context.operation.path.endswith("/events/bulk") else VOTES_ON
    return strategy | st.lists(one.map(json.dumps) | st.text(max_size=5), max_size=4).map("\n".join)
