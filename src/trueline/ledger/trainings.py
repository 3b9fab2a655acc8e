"""Knowledge bases in the ledger: what each training learned from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import structlog

from trueline.labels import UNDECIDED
from trueline.ledger.columns import repeated

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trueline.ledger.engine import Engine
    from trueline.ledger.job_tables import JobTables

_log = structlog.get_logger("trueline.ledger")

_FROM_CONSENSUS = """
INSERT INTO knowledge_base (job_id, training, subject_key, label, from_consensus)
SELECT {job:UInt64}, {training:UInt64}, subject_key, learned, true FROM
(
    SELECT subject_key, toString(consensus) AS learned FROM consensus FINAL WHERE job_id = {job:UInt64}
    UNION ALL
    SELECT subject_key, toString(any(consensus)) AS learned FROM {events}
    WHERE consensus != ''
      AND subject_key NOT IN (SELECT subject_key FROM consensus WHERE job_id = {job:UInt64})
    GROUP BY subject_key HAVING sum(sign) > 0
)
WHERE learned NOT IN ('', {undecided:String})
  AND subject_key NOT IN
  (SELECT subject_key FROM votes WHERE job_id = {job:UInt64} AND at > fromUnixTimestamp64Micro({until:Int64}, 'UTC'))
"""


class TrainingTable:
    """The knowledge bases of one store. A training counts once the catalog has a model that names it."""

    def __init__(self, engine: Engine, tables: JobTables) -> None:
        self._engine = engine
        self._tables = tables

    def learn_from_consensus(self, job_id: int, training: int, until: int) -> None:
        """Take in every subject with a consensus label whose votes all have an ``at`` up to `until` (microseconds)."""
        self._engine.insert_select(
            _FROM_CONSENSUS.replace("{events}", self._tables.of(job_id).name),
            {"job": job_id, "training": training, "until": until, "undecided": UNDECIDED},
        )

    def learn(self, job_id: int, training: int, labels: Mapping[int, str], *, from_consensus: bool) -> None:
        """Take in subjects with the label each was learned with."""
        size = len(labels)
        self._engine.insert(
            "knowledge_base",
            pa.table(
                {
                    "job_id": repeated(job_id, pa.uint64(), size),
                    "training": repeated(training, pa.uint64(), size),
                    "subject_key": pa.array(list(labels), pa.uint64()),
                    "label": pa.array(list(labels.values()), pa.string()),
                    "from_consensus": repeated(from_consensus, pa.bool_(), size),
                }
            ),
        )

    def size(self, job_id: int, training: int) -> int:
        """How many subjects a training learned from."""
        rows = self._engine.rows(
            "SELECT count() FROM knowledge_base WHERE job_id = {job:UInt64} AND training = {training:UInt64}",
            {"job": job_id, "training": training},
        )
        return int(rows[0][0])

    def subjects_per_label(self, job_id: int, training: int) -> dict[str, int]:
        """How many subjects were learned with each label that any was learned with, whether seen yet or not."""
        rows = self._engine.rows(
            "SELECT toString(label) AS learned, uniqExact(subject_key) FROM knowledge_base"
            " WHERE job_id = {job:UInt64} AND training = {training:UInt64} GROUP BY learned",
            {"job": job_id, "training": training},
        )
        return {label: int(subjects) for label, subjects in rows}

    def forget_cut_short(self, latest: Mapping[int, int]) -> None:
        """Drop the rows of trainings that were cut short: of each job, the one after all that models name.

        A training that is cut short leaves one at most, since each drops what the one before it left. Where there are
        several they are left as they are, and never asked about: an older catalog would explain them. So are those
        before the latest that a model names, of which earlier versions left some.

        Args:
            latest: The latest training that a model names, by job; 0 where none does.
        """
        rows = self._engine.rows(
            "SELECT DISTINCT job_id, training FROM knowledge_base WHERE job_id IN {jobs:Array(UInt64)}",
            {"jobs": list(latest)},
        )
        unnamed: dict[int, list[int]] = {}
        for job_id, training in rows:
            if training > latest[job_id]:
                unnamed.setdefault(job_id, []).append(training)
        cut_short = []
        for job_id, trainings in unnamed.items():
            if len(trainings) == 1:
                cut_short += trainings
            else:
                _log.warning("trainings that no model names are left as they are", job=job_id, trainings=len(trainings))
        if cut_short:
            self._engine.command(
                "DELETE FROM knowledge_base WHERE training IN {cut_short:Array(UInt64)}", {"cut_short": cut_short}
            )
