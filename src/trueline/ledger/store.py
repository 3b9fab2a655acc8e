"""The ledger as a whole: its tables, its keys and its clock."""

from __future__ import annotations

import threading
import time
from pathlib import Path  # noqa: TC003 - part of a public signature
from typing import Unpack

from trueline.ledger import migrations
from trueline.ledger.answers import Answers
from trueline.ledger.audits import AuditTable
from trueline.ledger.confidences import ConfidenceQuery
from trueline.ledger.count import CountQuery
from trueline.ledger.decision_pairs import DecisionPairQuery
from trueline.ledger.decision_points import DecisionPointQuery
from trueline.ledger.engine import OPENING_PATIENCE, Engine, Limits
from trueline.ledger.errors import LedgerInUseError
from trueline.ledger.events import EventTable
from trueline.ledger.fields import FieldQuery
from trueline.ledger.in_use import is_in_use
from trueline.ledger.job_tables import MAX_PATHS, JobTables
from trueline.ledger.kept import KeptCounts
from trueline.ledger.kept_columns import FILTER_MEMORY_BYTES
from trueline.ledger.keys import load_key_maker
from trueline.ledger.kinds import KindQuery
from trueline.ledger.known_keys import KEY_MEMORY_BYTES, KnownKeys
from trueline.ledger.lookup import KeyLookup
from trueline.ledger.merge_priority import merge_behind_others
from trueline.ledger.pages import EventPages
from trueline.ledger.review_answers import ReviewAnswers
from trueline.ledger.reviews import ReviewQuery
from trueline.ledger.store_files import StoreFiles
from trueline.ledger.trainings import TrainingTable
from trueline.ledger.vote_patterns import VotePatternQuery
from trueline.ledger.votes import VoteTable

_REPLACED_IS_KEPT = 5
"""The schema since which it is."""


class ArrivalClock:
    """Moments of arrival in microseconds since 1970: the wall clock's, but never the same twice nor going back."""

    def __init__(self, last: int) -> None:
        self._last = last
        self._lock = threading.Lock()

    def next(self) -> int:
        """The arrival of whatever has just arrived."""
        return self.span(1)[0]

    def span(self, size: int) -> range:
        """The arrivals of so many things that have just arrived together, in their order."""
        with self._lock:
            first = max(self._last + 1, time.time_ns() // 1000)
            self._last = max(self._last, first + size - 1)
            return range(first, first + size)

    @property
    def last(self) -> int:
        """The latest arrival there was; all that are to come are later."""
        return self._last

    def pass_by(self, moment: int) -> bool:
        """Have all that is still to arrive do so after a moment; False where that is still to come itself."""
        with self._lock:
            if moment > max(self._last, time.time_ns() // 1000):
                return False
            self._last = max(self._last, moment)
            return True


class Ledger:
    """Events, votes and trainings in one store."""

    def __init__(
        self,
        engine: Engine,
        *,
        max_job_paths: int = MAX_PATHS,
        filter_memory_bytes: int = FILTER_MEMORY_BYTES,
        key_memory_bytes: int = KEY_MEMORY_BYTES,
    ) -> None:
        """Bring the store to the newest schema.

        Raises:
            LedgerTooNewError: it was written by a newer version; nothing is changed.
        """
        migrations.migrate(engine)
        if engine.is_embedded:
            merge_behind_others()  # whose threads are there from the first table on
        self.engine = engine
        self.keys = load_key_maker(engine)
        lookup = KeyLookup(engine)
        tables = self._tables = JobTables(engine, max_job_paths)
        self.kept = KeptCounts(engine, tables, lookup, filter_memory_bytes)
        self.known_keys = KnownKeys(engine, tables, key_memory_bytes)
        self.events = EventTable(engine, tables, lookup, self.kept, self.known_keys)
        self.votes = VoteTable(engine, tables, lookup, self.kept)
        self.trainings = TrainingTable(engine, tables)
        self.count = CountQuery(engine, tables)
        kinds = KindQuery(engine, tables)
        self.reviews = ReviewAnswers(ReviewQuery(engine, tables), kinds, self.kept)
        self.decision_points = DecisionPointQuery(engine, tables)
        self.vote_patterns = VotePatternQuery(engine, tables)
        self.confidences = ConfidenceQuery(engine, tables)
        self.decision_pairs = DecisionPairQuery(engine, tables)
        self.pages = EventPages(engine, tables)
        self.fields = FieldQuery(engine, tables)
        self.answers = Answers(self.count, kinds, self.kept)
        self.audits = AuditTable(engine, tables, self.kept)
        self.kept_since = migrations.applied_at(engine, _REPLACED_IS_KEPT)
        """Since then what an event was before it was sent again is kept; to the second, cut off."""
        latest_consensus = int(engine.rows("SELECT max(version) FROM consensus")[0][0])
        latest_training = int(engine.rows("SELECT max(training) FROM knowledge_base")[0][0])
        latest_draw = int(engine.rows("SELECT toUnixTimestamp64Micro(max(drawn_at)) FROM audit_draws")[0][0])
        arrivals = self.events.last_arrival(), self.votes.last_arrival()
        self.clock = ArrivalClock(max(*arrivals, latest_consensus, latest_training, latest_draw))

    def jobs(self) -> set[int]:
        """The ids of the jobs that it has events, votes or trainings of."""
        rows = self.engine.rows(
            "SELECT DISTINCT job_id FROM votes UNION DISTINCT SELECT DISTINCT job_id FROM knowledge_base"
        )
        return self._tables.jobs() | {int(row[0]) for row in rows}

    def rebuild(self, job_id: int) -> None:
        """Make anew what is kept of a job beside its events and votes, but for the consensus."""
        self._tables.index_anew(job_id)
        self.kept.forget(job_id)
        self.known_keys.forget(job_id)

    def clear(self, job_id: int) -> None:
        """Remove all there is of a job, on disk and in memory; whoever asks about it from now on finds it gone.

        Done again it changes nothing. The job must be held, and its id never given again.
        """
        self._tables.drop(job_id)
        for table in ("votes", "consensus", "knowledge_base", "reprocess_requests", "audit_draws"):
            # rewritten and not just hidden: what is deleted has to be gone
            self.engine.command(
                f"ALTER TABLE {table} DELETE WHERE job_id = {{job:UInt64}} SETTINGS mutations_sync = 2",
                {"job": job_id},
            )
        self.kept.forget_for_good(job_id)
        self.known_keys.forget(job_id)

    def ping(self) -> None:
        """Check that the store answers and can be written.

        Raises:
            LedgerError: it does not.
        """
        self.engine.command("INSERT INTO pings (answered_at) SELECT now()")

    def close(self) -> None:
        """Let go of the store."""
        self.kept.columns.close()
        self.engine.close()


def open_engine(dsn: str, folder: Path, database: str, *, keep_free_bytes: int, **limits: Unpack[Limits]) -> Engine:
    """Connect to the ClickHouse a DSN names; an empty one means the embedded engine in `folder`.

    Raises:
        LedgerFullError: less than `keep_free_bytes` are free on the disk of the folder.
        LedgerInUseError: another process has the folder open.
        LedgerError: the store does not open.
    """
    files = None
    if not dsn:
        folder.mkdir(parents=True, exist_ok=True)
        _wait_until_free(folder)
        dsn = f"chdb://{folder.resolve()}"
        files = StoreFiles(folder.resolve(), keep_free_bytes, max(migrations.schema_files()))
    try:
        return Engine(dsn, database, files=files, **limits)
    except LedgerInUseError as error:
        raise _in_use(folder) from error


def _wait_until_free(folder: Path) -> None:
    """Ask before the engine does, which tells standard error each time in words of its own.

    Raises:
        LedgerInUseError: another process has the folder open, and is not just ending.
    """
    deadline = time.monotonic() + OPENING_PATIENCE
    while is_in_use(folder):
        if time.monotonic() > deadline:
            raise _in_use(folder)
        time.sleep(0.1)


def _in_use(folder: Path) -> LedgerInUseError:
    return LedgerInUseError(f"another process, most likely a running server, has {folder} open")
