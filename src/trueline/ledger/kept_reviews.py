"""What the report counts, kept in memory beside the ledger for the jobs that a report was asked of: see `kept`."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from trueline.ledger.audits import DRAWN
from trueline.ledger.engine import READ_ONCE
from trueline.ledger.lookup import KEYS
from trueline.ledger.population import DRAWS, VOTES
from trueline.ledger.reviews import BAND, OCCASIONS, SAID, VERSIONS, banded
from trueline.metrics import reviewed_events
from trueline.metrics.growing import Numbers
from trueline.metrics.hours import HOUR, HOURS_BEFORE_1970, Window
from trueline.metrics.reviewed_buckets import BANDED_BUCKETS, ReviewedBuckets
from trueline.metrics.reviewed_events import BANDED, BANDED_HOURS, ReviewedEvents

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from trueline.ledger.engine import Engine
    from trueline.ledger.job_tables import JobTables
    from trueline.ledger.lookup import KeyLookup
    from trueline.metrics.reviewed_buckets import Placed
    from trueline.metrics.reviews import ReviewCount
    from trueline.metrics.selected_rows import SelectedRows

_HOURS = f"""
SELECT intDiv(toUnixTimestamp64Micro(ts) + {HOURS_BEFORE_1970} * {HOUR}, {HOUR}) AS since_1900,
       toInt64(since_1900) - {HOURS_BEFORE_1970} AS hour, toString(outcome) AS outcome, {BAND}, sum(sign) AS events
FROM {{events}} GROUP BY since_1900, outcome, band"""

_BUCKETS = f"""
SELECT subject_key, toString(decision) AS decision, {BAND}, sum(sign) AS events
FROM {{events}} GROUP BY subject_key, decision, band"""

# the moments are found by subject, and the rest by moment
_OF_SUBJECTS = f"ts IN (SELECT ts FROM {{table}} WHERE subject_key IN {KEYS}) AND subject_key IN {KEYS}"
_SINCE = "ts >= fromUnixTimestamp64Micro({since:Int64}, 'UTC')"
_UNTIL = "ts < fromUnixTimestamp64Micro({until:Int64}, 'UTC')"

_CONSENSUS = """
SELECT subject_key, toString(argMax(consensus, version)) AS label
FROM consensus WHERE job_id = {job:UInt64} GROUP BY subject_key"""

_EVER_SAID = SAID.replace("{votes}", VOTES)
_SAID = OCCASIONS.replace("{votes}", VOTES)
_DRAWN = (
    f"SELECT subject_key, drawn_decision AS decision, drawn_probability AS probability, drawn_reason AS reason"
    f" FROM ({DRAWN.replace('{draws}', DRAWS)})"
)


@dataclass(slots=True)
class _Kept:
    reviews: ReviewedEvents | ReviewedBuckets
    ever_said: Numbers = field(default_factory=Numbers)
    """The subjects of which a vote ever said the probability or the reason, whether that stands or not."""
    lock: threading.Lock = field(default_factory=threading.Lock)


class KeptReviews:
    """The counted reviews of one store's jobs. Whoever tells it of a write must hold the job."""

    def __init__(
        self,
        engine: Engine,
        tables: JobTables,
        lookup: KeyLookup,
        marked: Callable[[int, NDArray[np.uint64]], None],
    ) -> None:
        """`marked` is told of the keys of a job's subjects before their events are told apart."""
        self._engine = engine
        self._tables = tables
        self._lookup = lookup
        self._marked = marked
        self._kept: dict[int, _Kept] = {}

    def is_ready(self, job_id: int, *, in_parts: bool = False) -> bool:
        """Whether a job's reviews are counted, and also by parts of all time."""
        kept = self._kept.get(job_id)
        if kept is None:
            return False
        return not in_parts or isinstance(kept.reviews, ReviewedEvents) or kept.reviews.has_events

    def make_ready(self, job_id: int, *, by_bucket: bool, parts: Sequence[Window] = ()) -> None:
        """Count a job's reviews, out of the ledger; and also by parts of all time, where it is given in such."""
        kept = self._kept.get(job_id)
        if kept is None:
            kept = self._made(job_id, by_bucket=by_bucket)
        if parts and isinstance(kept.reviews, ReviewedBuckets) and not kept.reviews.has_events:
            with kept.lock:
                kept.reviews.keep_events(self._events_of(job_id, part) for part in parts)
        self._kept[job_id] = kept

    def _made(self, job_id: int, *, by_bucket: bool) -> _Kept:
        events, job = self._tables.of(job_id).name, {"job": job_id}
        if by_bucket:
            buckets = self._engine.table(_BUCKETS.replace("{events}", events), settings=READ_ONCE)
            kept = _Kept(ReviewedBuckets(buckets.cast(BANDED_BUCKETS)))
        else:
            hours = self._engine.table(_HOURS.replace("{events}", events), settings=READ_ONCE)
            kept = _Kept(ReviewedEvents(hours.select(BANDED_HOURS.names).cast(BANDED_HOURS)))
        consensus = self._engine.table(_CONSENSUS, job)
        self._set_consensus(job_id, kept, consensus["subject_key"], consensus["label"].cast(pa.string()))
        said = self._engine.table(f"SELECT DISTINCT subject_key FROM ({_EVER_SAID})", job)
        self._say(job_id, kept, said["subject_key"].to_numpy())
        self._draw(job_id, kept)
        return kept

    def _events_of(self, job_id: int, window: Window) -> pa.Table:
        """The versions of the events of a window, with the columns of `BANDED`."""
        where, bound = ["1"], {}
        for condition, name, moment in ((_SINCE, "since", window.start), (_UNTIL, "until", window.end)):
            if moment is not None:
                where.append(condition)
                bound[name] = moment
        query = self._versions(job_id, " AND ".join(where))
        return banded(self._engine.table(query, bound, READ_ONCE))

    def _versions(self, job_id: int, where: str) -> str:
        return VERSIONS.replace("{where}", where).replace("{table}", self._tables.of(job_id).name)

    def forget(self, job_id: int) -> None:
        """Drop what is kept of a job."""
        self._kept.pop(job_id, None)

    def decisions(self, job_id: int) -> list[str] | None:
        """All decisions that were ever made in a job; None where nothing is kept of it."""
        kept = self._kept.get(job_id)
        if kept is None:
            return None
        with kept.lock:
            return kept.reviews.decisions()

    def counts(self, job_id: int, window: Window, beside: Sequence[Placed] = ()) -> list[ReviewCount] | None:
        """As `ReviewQuery.counts`; None where it is not kept.

        Args:
            job_id: Whose.
            window: Of whole hours.
            beside: In a job grouped by bucket, events outside of it that count, too.
        """
        kept = self._kept.get(job_id)
        if kept is None:
            return None
        with kept.lock:
            if isinstance(kept.reviews, ReviewedEvents):
                return kept.reviews.counts(window)
            return kept.reviews.counts(window, beside)

    def marked(self, job_id: int) -> NDArray[np.uint64]:
        """The keys of the subjects of a job that are told apart; none in a job grouped by bucket."""
        kept = self._kept.get(job_id)
        if kept is None or not isinstance(kept.reviews, ReviewedEvents):
            return np.empty(0, np.uint64)
        with kept.lock:
            return kept.reviews.marked

    def counts_of_selected(self, job_id: int, selected: SelectedRows) -> list[ReviewCount] | None:
        """The same of rows that were selected; None where it is not kept, or not of the same writes."""
        kept = self._kept.get(job_id)
        if kept is None:
            return None
        if isinstance(kept.reviews, ReviewedEvents):
            groups = selected.banded_groups()
            with kept.lock:
                return kept.reviews.counts_of(groups, of_others=True)
        rows = selected.of_buckets()
        with kept.lock:
            placed = kept.reviews.place_rows(rows)
            return None if placed is None else kept.reviews.counts_of([placed])

    def counts_of(self, job_id: int, groups: pa.Table) -> list[ReviewCount] | None:
        """The same of what `ReviewQuery.groups` counted; None where it is not kept, or not of the same writes."""
        kept = self._kept.get(job_id)
        if kept is None or not isinstance(kept.reviews, ReviewedEvents):
            return None
        with kept.lock:
            return kept.reviews.counts_of(groups)

    def place(self, job_id: int, events: pa.Table) -> Placed | None:
        """What `ReviewQuery.decided` told of; None where it is not kept, or not of the same writes."""
        kept = self._kept.get(job_id)
        if kept is None or not isinstance(kept.reviews, ReviewedBuckets):
            return None
        with kept.lock:
            return kept.reviews.place(events)

    def counts_of_placed(self, job_id: int, events: Sequence[Placed]) -> list[ReviewCount] | None:
        """As `counts` of these events; None where it is not kept any more."""
        kept = self._kept.get(job_id)
        if kept is None or not isinstance(kept.reviews, ReviewedBuckets):
            return None
        with kept.lock:
            return kept.reviews.counts_of(events)

    def events_written(self, job_id: int, rows: pa.Table) -> None:
        """Take in versions of events that were set or taken back, given as rows of the table of events."""
        kept = self._kept.get(job_id)
        if kept is None:
            return
        events = pa.table(
            {
                "subject_key": rows["subject_key"],
                "ts": rows["ts"].cast(pa.int64()),
                "outcome": pc.binary_join_element_wise(rows["decision"], rows["consensus"], "\0"),
                "band": bands(rows["confidence"]),
                "sign": rows["sign"],
            },
            BANDED,
        )
        with kept.lock:
            kept.reviews.add(events)

    def consensus_written(self, job_id: int, subject_keys: pa.ChunkedArray, labels: pa.ChunkedArray) -> None:
        """Take in what subjects came to: a label, Undecided, or empty."""
        kept = self._kept.get(job_id)
        if kept is not None:
            self._set_consensus(job_id, kept, subject_keys, labels)

    def votes_written(self, job_id: int, given: pa.Table) -> None:
        """Take in votes, with the columns of `votes.GIVEN`."""
        kept = self._kept.get(job_id)
        if kept is None:
            return
        keys = given["subject_key"].to_numpy()
        says = pc.or_(given["review_probability"].is_valid(), pc.not_equal(given["review_reason"], "")).to_numpy()
        says = says | (kept.ever_said.find(keys) >= 0)
        if says.any():
            self._say(job_id, kept, np.unique(keys[says]))

    def draws_written(self, job_id: int) -> None:
        """Take in that subjects were drawn for an audit."""
        kept = self._kept.get(job_id)
        if kept is not None:
            self._draw(job_id, kept)

    def _set_consensus(self, job_id: int, kept: _Kept, subject_keys: pa.ChunkedArray, labels: pa.ChunkedArray) -> None:
        keys = subject_keys.to_numpy()
        self._mark(job_id, kept, keys)
        with kept.lock:
            kept.reviews.set_consensus(keys, labels)

    def _say(self, job_id: int, kept: _Kept, keys: NDArray[np.uint64]) -> None:
        self._mark(job_id, kept, keys)
        found = self._lookup.table(_SAID.replace("{said}", KEYS), pa.array(keys, pa.uint64()), job=job_id)
        rows = zip(*(found[name].to_pylist() for name in reviewed_events.SAID.names), strict=True)
        said = {subject: (probability, reason) for subject, probability, reason in rows}
        told = [said.get(key, (None, "")) for key in keys.tolist()]
        columns = {"subject_key": keys, "probability": [each[0] for each in told], "reason": [each[1] for each in told]}
        table = pa.table(columns, reviewed_events.SAID)
        with kept.lock:
            kept.ever_said.add(keys)
            kept.reviews.say(table)

    def _draw(self, job_id: int, kept: _Kept) -> None:
        drawn = self._engine.table(_DRAWN, {"job": job_id}).cast(reviewed_events.DRAWN)
        self._mark(job_id, kept, drawn["subject_key"].to_numpy())
        with kept.lock:
            kept.reviews.draw(drawn)

    def _mark(self, job_id: int, kept: _Kept, keys: NDArray[np.uint64]) -> None:
        if not isinstance(kept.reviews, ReviewedEvents):
            return
        new = kept.reviews.unmarked(keys)
        if len(new):
            self._marked(job_id, new)
            events = banded(self._lookup.table(self._versions(job_id, _OF_SUBJECTS), pa.array(new)))
            with kept.lock:
                kept.reviews.mark(new, events)


def bands(confidence: pa.ChunkedArray) -> NDArray[np.int8]:
    """As `reviews.BAND` has them."""
    percent = confidence.to_numpy().astype(np.float64)  # null is NaN
    known = ~np.isnan(percent)
    found = np.full(len(percent), -1, np.int8)
    found[known] = np.minimum(np.floor(percent[known] / 10), 9)
    return found
