"""Standing votes of subjects, counted by who said what and what was decided."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trueline.ledger.latest import latest_decisions
from trueline.ledger.population import asked
from trueline.metrics.votes import VotePattern

if TYPE_CHECKING:
    from trueline.ledger.engine import Engine
    from trueline.ledger.job_tables import JobTables
    from trueline.ledger.population import Population

_VOTED = "subject_key IN (SELECT subject_key FROM {votes} WHERE NOT override)"

_PATTERNS = """
SELECT given, outcome_decision, count()
FROM
(
    SELECT subject_key, arraySort(groupArray((voter, label_given))) AS given
    FROM
    (
        SELECT subject_key, toString(analyst) AS voter, argMax(toString(label), (at, recorded_at)) AS label_given
        FROM {votes} WHERE NOT override
        GROUP BY subject_key, voter
        HAVING label_given != ''
    )
    GROUP BY subject_key
) AS voted
INNER JOIN ({latest}) AS decided USING (subject_key)
GROUP BY given, outcome_decision
ORDER BY given, outcome_decision"""


class VotePatternQuery:
    """Asks the ledger how far people agree."""

    def __init__(self, engine: Engine, tables: JobTables) -> None:
        self._engine = engine
        self._tables = tables

    def patterns(self, population: Population) -> list[VotePattern]:
        """Count the subjects that have events in a population by their standing votes and the decision in force.

        Of one analyst's votes on a subject the latest counts, a withdrawn one is none, and an override is nobody's.
        A bucket is one subject, however many events it has, and its decision is that of its latest event in the
        population (see `latest_decisions`): this is the one that whoever votes next has before them, and one decision a
        subject keeps model and analyst on the same footing.

        Returns:
            As many as there are, in the order of the votes; no subject is in two.

        Raises:
            QueryTimeoutError: it took longer than the budget.
        """
        of = asked(self._engine, self._tables, population)
        of = of.also(f"decision != '' AND {_VOTED.replace('{votes}', of.votes)}")
        query = _PATTERNS.replace("{votes}", of.votes)
        rows = self._engine.rows(
            query.replace("{latest}", latest_decisions(of, population.shape.labels)), of.into.values
        )
        return [VotePattern(tuple(map(tuple, given)), int(subjects), decided) for given, decided, subjects in rows]
