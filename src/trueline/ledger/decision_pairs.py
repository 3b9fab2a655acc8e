"""Two decisions on the same events: by two models, or the one in force and the one before it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from trueline.labels import UNDECIDED
from trueline.ledger.as_of import THEN
from trueline.ledger.count import put_together
from trueline.ledger.population import asked
from trueline.metrics.comparison import DecisionPair, PairedSubject

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trueline.ledger.engine import Engine
    from trueline.ledger.job_tables import JobTables
    from trueline.ledger.parameters import Parameters
    from trueline.ledger.population import Asked, Population

_PAIRS = """
SELECT first_label, second_label, consensus, sum(events)
FROM ({groups})
{where}
GROUP BY first_label, second_label, consensus
HAVING sum(events) > 0
ORDER BY first_label, second_label, consensus"""

# a decision is never empty nor Undecided, so where there is no truth none equals it
_SUBJECTS = """
SELECT both_right, only_first, only_second, neither, count()
FROM
(
    SELECT sumIf(events, first_label = consensus AND second_label = consensus) AS both_right,
           sumIf(events, first_label = consensus AND second_label != consensus) AS only_first,
           sumIf(events, first_label != consensus AND second_label = consensus) AS only_second,
           sumIf(events, consensus NOT IN ('', {undecided}, first_label, second_label)) AS neither
    FROM ({groups})
    {where}
    GROUP BY marked
)
WHERE both_right + only_first + only_second + neither > 0
GROUP BY both_right, only_first, only_second, neither
ORDER BY both_right, only_first, only_second, neither"""

_BETWEEN: Final = "\0"
_FLIPPED = """
SELECT first_label, second_label, event_id
FROM ({rows})
WHERE concat(first_label, '\\0', second_label) IN {kinds}
GROUP BY first_label, second_label, event_id, ts, version
HAVING sum(sign) > 0
ORDER BY ts DESC, event_id"""

_HAS_DECIDED = """
SELECT 1 FROM {table} WHERE model_id = {model:String} OR has(other_model_id, {model:String}) LIMIT 1"""
_HAD_DECIDED = f"""
SELECT 1 FROM {{table}}
WHERE (model_id = {{model:String}} AND decision_recorded_at <= {THEN})
   OR arrayExists((by, at) -> by = {{model:String}} AND at <= {THEN}, other_model_id, other_recorded_at)
LIMIT 1"""


@dataclass(frozen=True, slots=True)
class Sides:
    """Whose decisions are compared; both are named, or neither."""

    first: str | None = None
    """A model: its latest decision on an event. None: the decision next before the one in force."""
    second: str | None = None
    """None: the decision in force."""


class DecisionPairQuery:
    """Asks the ledger which of two decisions on the same events is better."""

    def __init__(self, engine: Engine, tables: JobTables) -> None:
        self._engine = engine
        self._tables = tables

    def pairs(self, population: Population, sides: Sides) -> list[DecisionPair]:
        """Count the events of a population that both sides decided by their decisions and the consensus label. Exact.

        Raises:
            QueryTimeoutError: it took longer than the budget.
        """
        of, columns = self._decided_by_both(population, sides)
        query = put_together(_PAIRS, of, of.groups_by(**columns))
        counted: dict[tuple[str, str, str | None], int] = {}
        for first, second, consensus, events in self._engine.rows(query, of.into.values):
            alike = (first, second, None if consensus in {"", UNDECIDED} else consensus)
            counted[alike] = counted.get(alike, 0) + int(events)
        return [DecisionPair(*alike, events) for alike, events in counted.items()]

    def subjects(self, population: Population, sides: Sides) -> list[PairedSubject]:
        """Count the buckets with a consensus label by how many of their events of `pairs` were decided right by whom.

        For jobs grouped by bucket. Exact.

        Raises:
            QueryTimeoutError: it took longer than the budget.
        """
        of, columns = self._decided_by_both(population, sides)
        query = put_together(_SUBJECTS, of, of.groups_by(**columns)).replace("{undecided}", of.into.text(UNDECIDED))
        return [PairedSubject(*map(int, row)) for row in self._engine.rows(query, of.into.values)]

    def flipped(
        self, population: Population, sides: Sides, kinds: Sequence[tuple[str, str]], limit: int
    ) -> dict[tuple[str, str], list[str]]:
        """The ids of events that were decided otherwise by the second side than by the first.

        Args:
            population: What was counted.
            sides: By whose decisions.
            kinds: From which label to which.
            limit: How many of a kind at the most: latest ``@timestamp`` first, then id.

        Raises:
            QueryTimeoutError: it took longer than the budget.
        """
        found: dict[tuple[str, str], list[str]] = {kind: [] for kind in kinds}
        if not found:
            return found
        of, columns = self._decided_by_both(population, sides)
        rows = of.columns(event_id="event_id", ts="ts", version="version", sign="sign", **columns)
        wanted = of.into.bind([_BETWEEN.join(kind) for kind in kinds], "Array(String)")
        query = _FLIPPED.replace("{rows}", rows).replace("{kinds}", wanted)
        query = f"{query} LIMIT {limit:d} BY first_label, second_label"
        for first, second, event_id in self._engine.rows(query, of.into.values):
            found[first, second].append(event_id)
        return found

    def has_decided(self, job_id: int, model_id: str, as_of: int | None = None) -> bool:
        """Whether any decision on an event of a job, in force or not, is by this model.

        `as_of`: only decisions that had arrived until then, microseconds; each stays in its event's row for good.
        """
        query = (_HAS_DECIDED if as_of is None else _HAD_DECIDED).replace("{table}", self._tables.of(job_id).name)
        bound = {"model": model_id} | ({} if as_of is None else {"as_of": as_of})
        return bool(self._engine.rows(query, bound))

    def _decided_by_both(self, population: Population, sides: Sides) -> tuple[Asked, dict[str, str]]:
        """The events that both decided, and the columns with what they decided."""
        of = asked(self._engine, self._tables, population)
        if sides.first is None or sides.second is None:
            first, second = "toString(previous_decision)", "toString(decision)"
        else:
            first, second = (_latest_of(model, of.into) for model in (sides.first, sides.second))
        # to most events there is no second decision, and this is found without a look at what it is
        decided = "notEmpty(other_label)"
        return of.also(f"{decided} AND {first} != '' AND {second} != ''"), {
            "first_label": first,
            "second_label": second,
        }


def _latest_of(model_id: str, into: Parameters) -> str:
    """The latest decision of a model on an event: that in force is later than all others, which are in order."""
    model = into.text(model_id)
    other = f"arrayLast((label, by) -> by = {model}, other_label, other_model_id)"
    return f"if(model_id = {model}, toString(decision), toString({other}))"
