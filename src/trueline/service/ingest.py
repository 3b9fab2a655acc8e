"""Taking in events and the decisions made on them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
from msgspec.structs import replace

from trueline.instants import parse_micros
from trueline.ledger.columns import MOMENT, repeated
from trueline.ledger.events import WEIGHED, Decision, EventVersion
from trueline.ledger.votes import GIVEN, GivenVote
from trueline.metrics.consensus import Vote, consensus
from trueline.service import lines
from trueline.service.errors import EventNotFoundError, InvalidRequestError
from trueline.service.lines import BulkAnswer, EventRow, LineError, Rejected
from trueline.service.prepared import PreparedEvent, PreparedEvents, prepare_events
from trueline.service.sent import SentDecision, sent_decision

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from trueline.catalog.records import Job
    from trueline.ledger.store import Ledger
    from trueline.service.writing import Writing


class Ingest:
    """Takes in events and decisions. What it has answered is durable and in the next answer."""

    def __init__(self, ledger: Ledger, writing: Writing) -> None:
        self._ledger = ledger
        self._writing = writing

    def bulk(self, job: Job, raw_lines: Sequence[bytes]) -> BulkAnswer:
        """Take in events, one NDJSON line each; a bad line leaves the good ones in."""
        return self.commit(self.prepare(job, raw_lines))

    def prepare(self, job: Job, raw_lines: Sequence[bytes]) -> PreparedEvents:
        """Read and check lines without touching any store; blank lines are passed over."""
        return self.preparer(job)(raw_lines)

    def preparer(self, job: Job) -> Callable[[Sequence[bytes | EventRow]], PreparedEvents]:
        """What `prepare` does, also for rows of files, as a function that can be handed to another process."""
        return partial(prepare_events, job, self._ledger.keys)

    def commit(self, prepared: PreparedEvents) -> BulkAnswer:
        """Write prepared events, durably, with their decisions and votes."""
        answer = BulkAnswer(rejected=list(prepared.rejected))
        if prepared.columns.num_rows:
            with self._writing.on(prepared.job.id) as job:
                _Batch(self._ledger, self._writing, job, prepared, answer).write()
        answer.rejected.sort(key=lambda rejected: rejected.line)
        return answer

    def decide(  # noqa: PLR0913 - a decision has that many parts
        self,
        job: Job,
        event_id: str,
        *,
        label: str,
        confidence: float | None = None,
        model_id: str | None = None,
        decided_at: str | None = None,
        outlier: bool | None = None,
    ) -> None:
        """Record a decision made elsewhere on an event that is there.

        Raises:
            EventNotFoundError: no such event.
            InvalidRequestError: an unknown label, a confidence outside 0 to 100, an unreadable time.
        """
        line = lines.DecisionLine(label, confidence, model_id, decided_at, outlier)
        try:
            lines.identifier("event_id", event_id)
            sent = sent_decision(job, line)
        except LineError as error:
            raise InvalidRequestError(("body",), str(error)) from None
        key = self._ledger.keys.event(event_id)
        with self._writing.on(job.id):
            standing = self._ledger.events.standing(job.id, [key])
            event = standing.versions.get(key)
            if event is None or event.event_id != event_id:
                raise EventNotFoundError(event_id)
            arrival = self._ledger.clock.next()
            decisions = with_decision(event.decisions, sent, arrival)
            if decisions is not event.decisions:
                now = replace(event, version=arrival, decisions=decisions)
                self._ledger.events.write(job.id, [], [now], standing.documents, standing)


class _Batch:
    """The events of one request on their way into a job that is held."""

    def __init__(
        self, ledger: Ledger, writing: Writing, job: Job, prepared: PreparedEvents, answer: BulkAnswer
    ) -> None:
        self._ledger = ledger
        self._writing = writing
        self._job = job
        self._prepared = prepared
        self._answer = answer
        self._standing = ledger.events.standing(job.id, prepared.columns["event_key"])
        self._fresh: dict[int, EventVersion] = {}
        self._replacing: dict[int, EventVersion] = {}
        self._votes: dict[int, list[GivenVote]] = {}

    def write(self) -> None:
        """Write votes, then what follows from them, then the events: see `Writing` for why in this order."""
        if self._all_first():
            self._write_first()
            return
        events = self._prepared.events()
        arrivals = iter(self._ledger.clock.span(sum(1 + len(event.said.votes) for event in events)))
        for event in events:
            self._take(event, arrivals)
        # a subject without a row of consensus has votes only if they came with the event that it is
        rows = self._ledger.votes.have_consensus_row(self._job.id, list(self._votes))
        touched, new = self._with_new_votes(rows)
        self._ledger.votes.append(self._job.id, new)
        self._place_consensus(touched, rows)
        self._ledger.events.write(
            self._job.id,
            list(self._fresh.values()),
            list(self._replacing.values()),
            self._prepared.documents,
            self._standing,
        )

    def _all_first(self) -> bool:
        """Whether every event is seen for the first time, once, and brings no vote but one about it alone."""
        keys = self._prepared.columns["event_key"]
        most_votes = self._prepared.most_votes
        if self._standing.versions or most_votes > 1 or pc.count_distinct(keys).as_py() < len(keys):
            return False
        if self._job.grouping == "bucket":
            return not most_votes
        return not self._ledger.votes.have_consensus_row(self._job.id, keys)

    def _write_first(self) -> None:
        """Write what `write` would for such events, column by column: many times as fast."""
        sent = self._prepared.columns
        arrivals = self._ledger.clock.span(sent.num_rows)
        votes = sent["votes"].combine_chunks()
        voted = pc.greater(pc.list_value_length(votes), 0)
        arrived = pa.array(arrivals, MOMENT).filter(voted)
        analyst, label, at = votes.flatten().flatten()
        of_voted = sent.select(["subject_key", "event_id"]).filter(voted)
        given = pa.table(
            {
                "subject_key": of_voted["subject_key"],
                "recorded_at": arrived,
                "at": pc.coalesce(at, arrived),
                "analyst": analyst,
                "label": label,
                "override": repeated(value=False, kind=pa.bool_(), size=len(arrived)),
                "event_id": of_voted["event_id"],
            },
            GIVEN,
        )
        self._ledger.votes.append_columns(self._job.id, given)
        self._ledger.events.write_first(
            self._job.id, sent, self._weighed(given, voted), arrivals, self._prepared.documents
        )
        self._answer.accepted += sent.num_rows

    def _weighed(self, given: pa.Table, voted: pa.Array) -> pa.Table:
        """The consensus of events from the only vote that each has, if any: see `WEIGHED`.

        What one vote says depends on its label alone, so each label is weighed once.
        """
        labels = pc.unique(given["label"])
        weighed = [consensus((Vote("", label, 1, 1),), self._job.min_votes) for label in labels.to_pylist()]
        of_vote = pc.index_in(given["label"], labels).combine_chunks()
        says = pa.array([each.label or "" for each in weighed], pa.string()).take(of_vote)
        changes = pa.array([each.changed_at == 1 for each in weighed], pa.bool_()).take(of_vote)
        changed_at = pc.if_else(changes, given["at"], pa.scalar(0, MOMENT)).combine_chunks()
        none, never = repeated("", pa.string(), len(voted)), repeated(0, MOMENT, len(voted))
        return pa.table(
            {
                "consensus": pc.replace_with_mask(none, voted, says),
                "consensus_changed_at": pc.replace_with_mask(never, voted, changed_at),
                "consensus_computed_at": pc.replace_with_mask(never, voted, given["recorded_at"].combine_chunks()),
            },
            WEIGHED,
        )

    def _take(self, sent: PreparedEvent, arrivals: Iterator[int]) -> None:
        arrival = next(arrivals)
        key = sent.event_key
        before = self._fresh.get(key) or self._replacing.get(key) or self._standing.versions.get(key)
        if before is not None and before.event_id != sent.event_id:
            self._answer.rejected.append(
                Rejected(
                    sent.line,
                    "event_id shares its key with another event's by chance; send it under another id",
                )
            )
            return
        self._answer.accepted += 1
        for vote in sent.said.votes:
            given = Vote(vote.analyst, vote.label, vote.at if vote.at is not None else arrival, arrival)
            self._votes.setdefault(sent.subject_key, []).append(GivenVote(sent.subject_key, given, sent.event_id))
            arrival = next(arrivals)
        if before is None:
            self._fresh[key] = EventVersion(
                event_id=sent.event_id,
                event_key=key,
                ts=arrival if sent.ts is None else sent.ts,
                version=arrival,
                subject_key=sent.subject_key,
                bucket_id=sent.bucket_id,
                arrived_at=arrival,
                raw_body=sent.raw_body,
                document=sent.document,
                decisions=with_decision([], sent.said.decision, arrival),
            )
            return
        self._answer.replaced += 1
        now = replace(
            before,
            ts=before.arrived_at if sent.ts is None else sent.ts,
            subject_key=sent.subject_key,
            bucket_id=sent.bucket_id,
            raw_body=sent.raw_body,
            document=sent.document,
            decisions=with_decision(before.decisions, sent.said.decision, arrival),
        )
        if _differs(now, before):
            now.version = arrival
            (self._fresh if key in self._fresh else self._replacing)[key] = now

    def _with_new_votes(self, rows: set[int]) -> tuple[dict[int, list[Vote]], list[GivenVote]]:
        """All votes on the subjects that get a new one, and those new ones; the very same vote again is none."""
        voted = rows | {event.subject_key for event in self._standing.versions.values() if event.consensus_computed_at}
        known = self._ledger.votes.on(self._job.id, [subject for subject in self._votes if subject in voted])
        return add_votes(known, self._votes)

    def _place_consensus(self, touched: dict[int, list[Vote]], rows: set[int]) -> None:
        """Keep consensus with the event where its subject is one fresh event, else in its own table."""
        derived = self._writing.derive(self._job, touched)
        apart: dict[int, list[Vote]] = {}
        for subject, votes in touched.items():
            event = self._fresh.get(subject) if self._job.grouping == "event" and subject not in rows else None
            if event is None:
                apart[subject] = votes
            else:
                event.consensus = derived[subject].label or ""
                event.consensus_changed_at = derived[subject].changed_at
                event.consensus_computed_at = votes[-1].recorded_at
        self._writing.store_consensus(self._job, apart)


def add_votes(
    known: dict[int, list[Vote]], given: dict[int, list[GivenVote]]
) -> tuple[dict[int, list[Vote]], list[GivenVote]]:
    """Add votes to those known of their subjects.

    Returns:
        All votes on the subjects that got a new one, and the new ones; the very same vote again is not new.
    """
    touched: dict[int, list[Vote]] = {}
    new: list[GivenVote] = []
    for subject, votes in given.items():
        before = known.get(subject, [])
        seen = {(vote.analyst, vote.label, vote.at, vote.override) for vote in before}
        for each in votes:
            identity = (each.vote.analyst, each.vote.label, each.vote.at, each.vote.override)
            if identity not in seen:
                seen.add(identity)
                new.append(each)
                touched.setdefault(subject, list(before)).append(each.vote)
    return touched, new


def with_decision(decisions: list[Decision], sent: SentDecision | None, arrival: int) -> list[Decision]:
    """The decisions on an event with one more, in order of (decided_at, arrival): the last is in force.

    The very same decision again changes nothing and gives back the same list. A decision without a time is
    the same again when it says what the one in force says.
    """
    if sent is None:
        return decisions
    said = (sent.label, sent.confidence, sent.model_id, sent.outlier)
    against = decisions if sent.decided_at is not None else decisions[-1:]
    for made in against:
        same_time = sent.decided_at is None or made.decided_at == sent.decided_at
        if same_time and (made.label, made.confidence, made.model_id, made.outlier) == said:
            return decisions
    decided_at = arrival if sent.decided_at is None else sent.decided_at
    made = Decision(sent.label, sent.confidence, sent.model_id, sent.outlier, decided_at, arrival)
    return sorted([*decisions, made], key=lambda each: (each.decided_at, each.recorded_at))


def _differs(now: EventVersion, before: EventVersion) -> bool:
    return now.decisions is not before.decisions or any(
        getattr(now, name) != getattr(before, name) for name in ("ts", "subject_key", "bucket_id", "raw_body")
    )


def moment_or_arrival(location: tuple[str | int, ...], text: str | None, arrival: int) -> int:
    """Read a moment of a request, or take the arrival where there is none.

    Raises:
        InvalidRequestError: it cannot be read.
    """
    if text is None:
        return arrival
    try:
        return parse_micros(text)
    except ValueError as error:
        raise InvalidRequestError(location, str(error)) from None
