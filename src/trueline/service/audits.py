"""Audits: how many decisions to review for a promise, which ones, and what came of those that were drawn."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import msgspec

from trueline.filters.request import DEFAULT_LIMITS, FilterLimits
from trueline.instants import format_instant, from_micros, to_micros
from trueline.labels import UNDECIDED
from trueline.ledger.audits import Drawn
from trueline.ledger.population import Population
from trueline.metrics.audit import Seen, audit_plan
from trueline.metrics.consensus import AUDIT
from trueline.service.asking import Bounds, filters_of
from trueline.service.errors import DrawNotFoundError, InvalidRequestError
from trueline.service.question import job_shape

if TYPE_CHECKING:
    from datetime import datetime

    from trueline.catalog.records import Job
    from trueline.catalog.store import Catalog
    from trueline.ledger.store import Ledger
    from trueline.service.writing import Writing

MAX_DRAWN: Final = 100_000
"""Subjects of one draw: more than anybody reviews."""
MAX_SEED_LENGTH: Final = 200

_BOUNDS = Bounds("body", "start_datetime", "end_datetime")
_NAME_LENGTH = 32


@dataclass(frozen=True, slots=True)
class AuditWindow:
    """Which decided events an audit is about, as it was sent."""

    start: str | None = None
    end: str | None = None
    filters: object = None


@dataclass(frozen=True, slots=True)
class _Window:
    since: datetime | None
    until: datetime | None
    population: Population


class Audits:
    """Plans audits, draws for them, and tells how far they are."""

    def __init__(
        self, ledger: Ledger, catalog: Catalog, writing: Writing, *, limits: FilterLimits = DEFAULT_LIMITS
    ) -> None:
        self._ledger = ledger
        self._catalog = catalog
        self._writing = writing
        self._limits = limits

    def plan(self, job: Job, bound: float, level: float = 0.95, window: AuditWindow | None = None) -> dict[str, Any]:
        """How many of each decision to review, so that it can be said that at most `bound` of them are wrong.

        What was seen are the reviews that chance had a say in: of subjects that were drawn, or whose votes say a
        review probability. Reviews for a cause find more errors than there are, and shape no plan.

        Raises:
            InvalidRequestError: naming the part that is wrong.
            QueryTimeoutError: it took longer than the budget.
        """
        for name, share in (("bound", bound), ("level", level)):
            if not 0 < share < 1:
                raise InvalidRequestError(("body", name), f"{name} lies between 0 and 1, not at {share}")
        read = self._window(job, window or AuditWindow())
        found = self._ledger.audits.seen(read.population)
        seen = []
        for label in job.labels:
            of_label = [each for each in found if each.decision == label]
            reviewed = [each for each in of_label if each.by_chance and each.consensus not in {None, UNDECIDED}]
            wrong = sum(each.subjects for each in reviewed if each.consensus != label)
            seen.append(
                Seen(label, sum(each.subjects for each in of_label), sum(each.subjects for each in reviewed), wrong)
            )
        return {
            "job_id": job.id,
            "bound": bound,
            "level": level,
            "drawn_are": f"{job.grouping}s",
            "start_time": None if read.since is None else format_instant(read.since),
            "end_time": None if read.until is None else format_instant(read.until),
            "decisions": [
                {
                    "decision": plan.decision,
                    "population": plan.population,
                    "reviewed": of.reviewed,
                    "wrong": of.wrong,
                    "review": plan.review,
                    "allowed": plan.allowed,
                    "chance": plan.chance,
                    "reason": plan.reason,
                }
                for of, plan in zip(seen, audit_plan(seen, bound, level), strict=True)
            ],
        }

    def draw(self, job: Job, decision: str, count: int, seed: str, window: AuditWindow | None = None) -> dict[str, Any]:
        """Draw subjects of a decision by chance, without replacement, and put that on record.

        All of the decision's subjects take part, reviewed or not: only so does each stand for one over the probability
        of them, and needs nobody to know why others were reviewed. What is asked again, word for word, is answered
        with the draw on record, whatever came since.

        Args:
            job: whose events.
            decision: whose subjects.
            count: how many.
            seed: what makes this draw another than the last.
            window: which events.

        Raises:
            InvalidRequestError: naming the part that is wrong; there are fewer than `count`.
            QueryTimeoutError: it took longer than the budget.
            JobNotFoundError: it was deleted meanwhile.
        """
        if decision not in job.labels:
            raise InvalidRequestError(("body", "decision"), f"{decision[:60]!r} is not a label of this job")
        if not 1 <= count <= MAX_DRAWN:
            raise InvalidRequestError(("body", "count"), f"count must be between 1 and {MAX_DRAWN}")
        if not 0 < len(seed) <= MAX_SEED_LENGTH or not _is_unicode(seed):
            raise InvalidRequestError(("body", "seed"), f"seed must have 1 to {MAX_SEED_LENGTH} valid characters")
        read = self._window(job, window or AuditWindow())
        request = _request(job, decision, count, seed, read)
        name, salt = draw_name(request)
        known = self._ledger.audits.read(job.id, name)
        if known is not None:
            return self._told(job, known)
        population, subjects = self._ledger.audits.select(read.population, decision, count, salt)
        if len(subjects) < count:
            raise InvalidRequestError(
                ("body", "count"), f"{count} cannot be drawn of {population} {job.grouping}s decided {decision}"
            )
        with self._writing.on(job.id):
            drawn = self._ledger.audits.read(job.id, name)
            if drawn is None:
                drawn = Drawn(
                    draw=name,
                    decision=decision,
                    population=population,
                    probability=count / population,
                    reason=AUDIT,
                    request=request.decode(),
                    # in here, so that whoever asks as of a moment waits for all that arrives before it
                    drawn_at=self._ledger.clock.next(),
                    subjects=subjects,
                )
                self._ledger.audits.append(job.id, drawn)
        return self._told(job, drawn)

    def drawn(self, job: Job, draw: str) -> dict[str, Any]:
        """A draw on record, and what of it is reviewed by now.

        Raises:
            DrawNotFoundError: the job has none of that name.
        """
        known = self._ledger.audits.read(job.id, draw)
        if known is None:
            raise DrawNotFoundError
        return self._told(job, known)

    def _told(self, job: Job, drawn: Drawn) -> dict[str, Any]:
        self._writing.finish(job.id)
        consensus = self._ledger.votes.consensus_of(job.id, [key for key, _ in drawn.subjects])
        labels = [consensus[key].label if key in consensus else None for key, _ in drawn.subjects]
        reviewed = [label for label in labels if label not in {None, UNDECIDED}]
        request = msgspec.json.decode(drawn.request)
        return {
            "draw_id": drawn.draw,
            "job_id": job.id,
            "decision": drawn.decision,
            "drawn_are": f"{job.grouping}s",
            "start_time": request["start"],
            "end_time": request["end"],
            "seed": request["seed"],
            "drawn_at": format_instant(from_micros(drawn.drawn_at)),
            "count": len(drawn.subjects),
            "population": drawn.population,
            "probability": drawn.probability,
            "review_reason": drawn.reason,
            "reviewed": len(reviewed),
            "undecided": labels.count(UNDECIDED),
            "wrong": sum(label != drawn.decision for label in reviewed),
            "drawn": [
                {"id": name, "consensus": label} for (_, name), label in zip(drawn.subjects, labels, strict=True)
            ],
        }

    def _window(self, job: Job, sent: AuditWindow) -> _Window:
        since, until = _BOUNDS.window(sent.start, sent.end)
        filters = filters_of(sent.filters, self._limits)
        self._writing.finish(job.id)
        active = self._catalog.active_model(job.id)
        population = Population(
            job_id=job.id,
            shape=job_shape(job),
            training=None if active is None else active.training,
            start=None if since is None else to_micros(since),
            end=None if until is None else to_micros(until),
            filters=filters,
        )
        return _Window(since, until, population)


def draw_name(request: bytes) -> tuple[str, bytes]:
    """What names a draw, and what its ids are hashed after: both follow from what asked for it."""
    salt = hashlib.sha256(request).digest()
    return salt.hex()[:_NAME_LENGTH], salt


def _request(job: Job, decision: str, count: int, seed: str, window: _Window) -> bytes:
    """What a draw depends on, in one form however it was written: the digest of `metrics.audit.draw`."""
    return msgspec.json.encode(
        {
            "job": job.id,
            "decision": decision,
            "count": count,
            "seed": seed,
            "start": None if window.since is None else format_instant(window.since),
            "end": None if window.until is None else format_instant(window.until),
            "filters": [
                {"field": each.field, "operator": each.operator.name, "value": each.value}
                for each in window.population.filters
            ],
        }
    )


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in text)
