"""Taking in votes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from trueline.ledger.votes import GivenVote
from trueline.metrics.consensus import NO_REMARK, Remark, Vote
from trueline.service import lines
from trueline.service.additions import add_votes
from trueline.service.errors import EventNotFoundError, InvalidRequestError
from trueline.service.lines import BulkAnswer, LineError, Rejected

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trueline.catalog.records import Job
    from trueline.ledger.store import Ledger
    from trueline.service.writing import Writing


@dataclass(frozen=True, slots=True)
class SentFeedback:
    """A vote as it was sent, checked; `event_id` or `bucket_id` names what it is about."""

    line: int
    event_id: str | None
    bucket_id: str | None
    analyst: str
    label: str | None
    at: int | None
    override: bool
    remark: Remark = NO_REMARK


@dataclass(frozen=True, slots=True)
class PreparedVotes:
    """The lines of a bulk request of votes, read and checked; nothing is stored yet."""

    job: Job
    votes: list[SentFeedback]
    rejected: list[Rejected]

    @property
    def has_override(self) -> bool:
        """Whether any of them settles a subject, which takes a scope of its own."""
        return any(vote.override for vote in self.votes)


class Feedback:
    """Takes in votes. What it has answered is durable and in the next answer."""

    def __init__(self, ledger: Ledger, writing: Writing) -> None:
        self._ledger = ledger
        self._writing = writing

    def bulk(self, job: Job, raw_lines: Sequence[bytes]) -> BulkAnswer:
        """Take in votes, one NDJSON line each; a bad line leaves the good ones in."""
        return self.commit(self.prepare(job, raw_lines))

    def prepare(self, job: Job, raw_lines: Sequence[bytes]) -> PreparedVotes:
        """Read and check lines without touching any store; blank ones are passed over."""
        prepared = PreparedVotes(job, [], [])
        for number, raw in enumerate(raw_lines, 1):
            if not raw.strip():
                continue
            try:
                prepared.votes.append(_sent(job, number, raw))
            except LineError as error:
                prepared.rejected.append(Rejected(number, str(error)))
        return prepared

    def commit(self, prepared: PreparedVotes) -> BulkAnswer:
        """Write prepared votes, durably, and the consensus that follows from them."""
        answer = BulkAnswer(rejected=list(prepared.rejected))
        if prepared.votes:
            with self._writing.on(prepared.job.id) as job:
                given = self._given(job, prepared.votes, answer)
                touched, new = add_votes(self._ledger.votes.on(job.id, list(given)), given)
                self._ledger.votes.append(job.id, new)
                self._writing.store_consensus(job, touched)
        answer.rejected.sort(key=lambda rejected: rejected.line)
        return answer

    def give(self, job: Job, event_id: str, analyst: str, label: str, note: str | None = None) -> None:
        """Take in one analyst's vote on an event, given now.

        Raises:
            EventNotFoundError: no such event.
            InvalidRequestError: an unknown label, an overlong name or note.
        """
        try:
            lines.identifier("event_id", event_id)
            sent = SentFeedback(
                line=1,
                event_id=event_id,
                bucket_id=None,
                analyst=lines.analyst_name(analyst),
                label=lines.known_label(job, label),
                at=None,
                override=False,
                remark=lines.remark(None, None, note),
            )
        except LineError as error:
            raise InvalidRequestError(("body",), str(error)) from None
        if self.commit(PreparedVotes(job, [sent], [])).rejected:
            raise EventNotFoundError(event_id)

    def _given(self, job: Job, votes: list[SentFeedback], answer: BulkAnswer) -> dict[int, list[GivenVote]]:
        subjects = Subjects(
            self._ledger,
            job,
            [vote.event_id for vote in votes if vote.event_id is not None],
            [vote.bucket_id for vote in votes if vote.bucket_id is not None],
        )
        given: dict[int, list[GivenVote]] = {}
        for sent in votes:
            arrival = self._ledger.clock.next()
            try:
                subject = subjects.key(sent.event_id, sent.bucket_id)
            except LineError as error:
                answer.rejected.append(Rejected(sent.line, str(error)))
                continue
            at = arrival if sent.at is None else sent.at
            vote = Vote(sent.analyst, sent.label, at, arrival, sent.override, sent.remark)
            given.setdefault(subject, []).append(GivenVote(subject, vote, sent.event_id or ""))
            answer.accepted += 1
        return given


class Subjects:
    """Finds the subjects that events and buckets name, for many of them at once."""

    def __init__(self, ledger: Ledger, job: Job, event_ids: Sequence[str], bucket_ids: Sequence[str]) -> None:
        self._keys = ledger.keys
        self._by_bucket = job.grouping == "bucket"
        if not self._by_bucket:  # each event is its own bucket, named like it
            event_ids, bucket_ids = [*event_ids, *bucket_ids], []
        self._events = ledger.events.subjects(job.id, sorted({self._keys.event(each) for each in event_ids}))
        self._buckets = ledger.events.known_buckets(job.id, sorted({self._keys.bucket(each) for each in bucket_ids}))

    def key(self, event_id: str | None, bucket_id: str | None) -> int:
        """The key of the subject that an event or a bucket is or belongs to.

        Raises:
            LineError: there is no such event or bucket.
        """
        if bucket_id is not None and self._by_bucket:
            subject = self._keys.bucket(bucket_id)
            if subject not in self._buckets:
                raise LineError(f"unknown bucket {bucket_id[:60]!r}")
            return subject
        name = event_id if event_id is not None else (bucket_id or "")
        found = self._events.get(self._keys.event(name))
        if found is None or found[0] != name:
            raise LineError(f"unknown event {name[:60]!r}")
        return found[1]


def _sent(job: Job, number: int, raw: bytes) -> SentFeedback:
    line = lines.read_vote_line(raw)
    event_id = lines.identifier("event_id", line.event_id)
    bucket_id = lines.identifier("bucket_id", line.bucket_id)
    if (event_id is None) == (bucket_id is None):
        raise LineError("a vote names either an event_id or a bucket_id")
    return SentFeedback(
        number,
        event_id,
        bucket_id,
        lines.analyst_name(line.analyst),
        None if line.label is None else lines.known_label(job, line.label),
        None if line.at is None else lines.moment("at", line.at),
        line.override,
        lines.remark(line.review_probability, line.review_reason, line.note),
    )
