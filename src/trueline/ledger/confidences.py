"""Decisions counted by how sure they claim to be and whether they are known to be right."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trueline.labels import UNDECIDED
from trueline.ledger.count import put_together
from trueline.ledger.latest import CLAIMED, HUNDREDTHS, latest_decisions
from trueline.ledger.population import asked
from trueline.metrics.calibration import ConfidenceCount

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trueline.ledger.engine import Engine
    from trueline.ledger.job_tables import JobTables
    from trueline.ledger.population import Asked, Population

_TOLD_APART = """
SELECT claimed,
       sumIf(events, consensus = outcome_decision) AS agreed,
       sumIf(events, consensus NOT IN ('', {undecided}, outcome_decision)) AS contradicted,
       sum(events) - agreed - contradicted AS unreviewed"""

_OF_EVENTS = f"""{_TOLD_APART}
FROM ({{groups}})
{{where}}
GROUP BY claimed
HAVING sum(events) > 0
ORDER BY claimed"""

_UNVOTED = "SELECT *, '' AS consensus, 1 AS events FROM ({latest})"
_VOTED = """
SELECT *, later_consensus AS consensus, 1 AS events FROM ({latest}) AS latest
LEFT ANY JOIN (SELECT subject_key, later_consensus FROM ({subjects})) AS subject USING (subject_key)"""

_OF_BUCKETS = f"""{_TOLD_APART}
FROM ({{buckets}})
GROUP BY claimed
ORDER BY claimed"""


class ConfidenceQuery:
    """Asks the ledger whether confidence is worth anything."""

    def __init__(self, engine: Engine, tables: JobTables) -> None:
        self._engine = engine
        self._tables = tables

    def counts(self, population: Population) -> list[ConfidenceCount]:
        """Count a population's decisions by confidence and by whether the consensus agrees. Exact.

        The truth is the explicit one: without a consensus label a decision is unreviewed. In a job grouped by bucket
        each bucket counts once, with the decision of its latest event in the population (see `latest_decisions`): its
        events share one truth, and would pass for many reviews where there was one.

        Returns:
            The lowest confidence first, after those that claim nothing; each is cut down to hundredths of a percent.

        Raises:
            QueryTimeoutError: it took longer than the budget.
        """
        of = asked(self._engine, self._tables, population).also("decision != ''")
        if of.by_bucket:
            query = _buckets(of, population.shape.labels)
        else:
            query = put_together(_OF_EVENTS, of, of.groups_by(claimed=CLAIMED))
        rows = self._engine.rows(query.replace("{undecided}", of.into.text(UNDECIDED)), of.into.values)
        return [
            ConfidenceCount(None if claimed < 0 else claimed / HUNDREDTHS, int(right), int(wrong), int(unreviewed))
            for claimed, right, wrong, unreviewed in rows
        ]


def _buckets(of: Asked, labels: Sequence[str]) -> str:
    joined = _UNVOTED if of.subjects is None else _VOTED.replace("{subjects}", of.subjects)
    return _OF_BUCKETS.replace("{buckets}", joined.replace("{latest}", latest_decisions(of, labels)))
