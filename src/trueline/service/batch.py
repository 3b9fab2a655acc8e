"""The events of one request, or of several that came at once, on their way into a job that is held."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from trueline.ledger.events import EventVersion
from trueline.ledger.votes import GivenVote
from trueline.metrics.consensus import Remark, Vote
from trueline.service.additions import add_votes, with_decision
from trueline.service.first_events import are_first, write_first
from trueline.service.lines import BulkAnswer, Rejected
from trueline.service.prepared import together

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from trueline.catalog.records import Job
    from trueline.ledger.store import Ledger
    from trueline.service.prepared import PreparedEvent, PreparedEvents, ReadEvent
    from trueline.service.writing import Writing


class Batch:
    """Requests written as one; each gets the answer that it would get alone, after those before it."""

    def __init__(
        self, ledger: Ledger, writing: Writing, job: Job, requests: Sequence[PreparedEvents | ReadEvent]
    ) -> None:
        self._ledger = ledger
        self._writing = writing
        self._job = job
        self._sizes = [request.size for request in requests]
        self._prepared = together(requests)
        self._answers = [BulkAnswer(rejected=list(request.rejected)) for request in requests]
        keys = [] if self._prepared.named_here else self._prepared.columns["event_key"]
        self._standing = ledger.events.standing(job.id, keys)
        self._fresh: dict[int, EventVersion] = {}
        self._replacing: dict[int, EventVersion] = {}
        self._votes: dict[int, list[GivenVote]] = {}

    def write(self) -> list[BulkAnswer]:
        """Write votes, then what follows from them, then the events: see `Writing` for why in this order."""
        if not self._standing.versions and are_first(self._ledger, self._job, self._prepared):
            self._tell_first(write_first(self._ledger, self._job, self._prepared))
            return self._answers
        events = self._prepared.events()
        arrivals = iter(self._ledger.clock.span(sum(1 + len(event.said.votes) for event in events)))
        said = iter(events)
        for size, answer in zip(self._sizes, self._answers, strict=True):
            for _ in range(size):
                self._take(next(said), answer, arrivals)
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
        for answer in self._answers:
            answer.rejected.sort(key=lambda rejected: rejected.line)
        return self._answers

    def _tell_first(self, arrivals: range) -> None:
        begin = 0
        for size, answer in zip(self._sizes, self._answers, strict=True):
            answer.accepted = size
            answer.arrived_at = list(arrivals[begin : begin + size])
            begin += size

    def _take(self, sent: PreparedEvent, answer: BulkAnswer, arrivals: Iterator[int]) -> None:
        arrival = next(arrivals)
        key = sent.event_key
        before = self._fresh.get(key) or self._replacing.get(key) or self._standing.versions.get(key)
        if before is not None and before.event_id != sent.event_id:
            answer.rejected.append(
                Rejected(
                    sent.line,
                    "event_id shares its key with another event's by chance; send it under another id",
                )
            )
            return
        answer.accepted += 1
        answer.arrived_at.append(arrival if before is None else before.arrived_at)
        for vote in sent.said.votes:
            remark = Remark(vote.review_probability, vote.review_reason, vote.note)
            given = Vote(vote.analyst, vote.label, vote.at if vote.at is not None else arrival, arrival, remark=remark)
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
        answer.replaced += 1
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


def _differs(now: EventVersion, before: EventVersion) -> bool:
    return now.decisions is not before.decisions or not now.is_sent_as(before)
