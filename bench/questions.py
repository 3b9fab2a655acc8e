"""What every contender is asked about the stream, and how answers are told from each other."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import Any, Final

Filters = tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Question:
    """A question to ``POST /api/v2/metrics/job``."""

    title: str
    window: tuple[str, str] | None = None
    """First and last day, both included, as in ``2025-06-11``."""
    filters: Filters = ()
    truth: str = "implicit"
    after_vote: bool = False
    """Whether it is asked right after a vote on the largest bucket, or on one of its events."""
    is_new: bool = False
    """Whether its one filter is on a number, and asks for a slightly larger one each time, to the same answer."""

    def anew(self) -> Question:
        """As it is to be asked this time."""
        if not self.is_new:
            return self
        (each,) = self.filters
        return replace(self, filters=({**each, "value": each["value"] + next(_TIMES) / 1e7},))


@dataclass(frozen=True, slots=True)
class Answer:
    """What every contender must come to alike."""

    matrix: tuple[tuple[int, ...], ...]
    """Row: truth, column: decision."""
    events: int
    with_consensus: int
    scores: tuple[float | None, ...]
    """Accuracy, precision, recall and F1 over all labels, to 12 digits; None where there is no truth."""


def _one(field: str, operator: str, value: object = None) -> dict[str, Any]:
    return {"field": field, "operator": operator} | ({} if operator == "exists" else {"value": value})


_TIMES: Final = itertools.count(1)
MONTH: Final = ("2025-06-01", "2025-06-30")
RULE: Final = "Wazuh: port scan 7"

QUESTIONS: Final = (
    Question("all time"),
    Question("one day", ("2025-06-11", "2025-06-11")),
    Question("one month", MONTH),
    Question("decision is Escalate", filters=(_one("arcanna.result_label", "is", "Escalate"),)),
    Question("path is a text", filters=(_one("rule.name", "is", RULE),)),
    Question("path above a number", filters=(_one("event.risk_score", "gt", 90),)),
    Question("path above a number, another each time", filters=(_one("event.risk_score", "gt", 90),), is_new=True),
    Question("path of many numbers", filters=(_one("destination.bytes", "gt", 950_000),)),
    Question("path contains a text", filters=(_one("process.command_line", "contains", "powershell"),)),
    Question("sparse path exists", filters=(_one("threat.indicator.type", "exists"),)),
    Question("path of mixed type", filters=(_one("event.code", "is", 4625),)),
    Question(
        "two filters, one month",
        MONTH,
        (_one("rule.name", "is", RULE), _one("event.risk_score", "gt", 50)),
    ),
    Question("explicit policy", truth="explicit"),
    Question("all time, after a vote", after_vote=True),
)
