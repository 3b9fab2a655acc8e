"""What was known at a moment: the same question about it has the same answer for ever."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

from trueline.instants import format_instant, from_micros, parse_micros, to_micros
from trueline.service.errors import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Callable

    from trueline.catalog.records import Job, Model
    from trueline.catalog.store import Catalog
    from trueline.ledger.store import Ledger
    from trueline.service.writing import Writing

_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True)
class Known:
    """What a question is asked against: all that is known, or what was known at a moment."""

    as_of: int | None
    """Microseconds since 1970, inclusive, of arrival; None: all that is known. For `Population.as_of`."""
    models: tuple[Model, ...]
    """Of the job, the one trained first at the head."""
    active: Model | None
    """What `Model.active` says of the others, and of this one, is about now."""

    @property
    def training(self) -> int | None:
        """The training of the active model, for `Population.training`."""
        return None if self.active is None else self.active.training


class AsOf:
    """Asks questions about a job as of a moment."""

    def __init__(self, ledger: Ledger, catalog: Catalog, writing: Writing) -> None:
        self._ledger = ledger
        self._catalog = catalog
        self._writing = writing

    def moment(self, job: Job, text: str, location: tuple[str | int, ...] = ("body", "as_of")) -> int:
        """Read a moment, microseconds since 1970, and settle it: nothing arrives up to it any more.

        Waits for a write of the job that is under way and may have begun before it.

        Raises:
            InvalidRequestError: it cannot be read, is still to come, or is one of which not all was kept.
            JobNotFoundError: the job was deleted meanwhile.
            LedgerFullError, StoreFull: what was cut short before it cannot be finished: see `Writing.settle_until`.
        """
        try:
            moment = parse_micros(text)
        except ValueError as error:
            raise InvalidRequestError(location, f"as_of: {error}") from None
        kept_since = self._ledger.kept_since
        from_then_on = kept_since + timedelta(seconds=1)
        if job.created_at < kept_since and moment < to_micros(from_then_on):
            raise InvalidRequestError(
                location,
                f"as_of {text} cannot be answered: what events were before they were sent again is kept since"
                f" {format_instant(from_then_on)}",
            )
        if not self._writing.settle_until(job.id, moment):
            raise InvalidRequestError(location, f"as_of {text} is still to come: what will be known then is not known")
        return moment

    def ask(
        self, job: Job, as_of: int | None, question: Callable[[Known], _Answer], *, at_once: bool = False
    ) -> _Answer:
        """Answer a question that is put to the ledger in any number of queries.

        What was known is read from rows that a write may be moving at the same time: then the question is asked once
        more, with the job held.

        Args:
            job: The job.
            as_of: Of `moment`; None: about all that is known, which takes no such care unless told to.
            question: Given what it is asked against, it asks the ledger; it may be called twice.
            at_once: Whether all its queries have to be answered from the same writes.

        Raises:
            JobNotFoundError: the job was deleted meanwhile.
        """
        self._writing.finish(job.id)
        known = self._known(job, as_of)
        if as_of is None and not at_once:
            return question(known)
        if as_of is None:
            return self._ask_at_once(job, known, question)
        kept = self._ledger.kept
        before = kept.changes(job.id)
        if before % 2 == 0:
            answer = question(known)
            if kept.changes(job.id) == before:
                return answer
        with self._writing.held(job.id):
            return question(known)

    def _ask_at_once(self, job: Job, known: Known, question: Callable[[Known], _Answer]) -> _Answer:
        before = self._writing.state(job.id)
        if before is not None:
            answer = question(known)
            if self._writing.state(job.id) == before:
                return answer
        with self._writing.held(job.id):
            return question(self._known(job, None))

    def _known(self, job: Job, as_of: int | None) -> Known:
        models = self._catalog.models(job.id)
        if as_of is None:
            return Known(None, tuple(models), next((model for model in models if model.active), None))
        then = from_micros(as_of)
        models = [model for model in models if model.recorded_at <= then]
        activated = [model for model in models if model.activated]
        return Known(
            as_of, tuple(models), max(activated, key=lambda model: (model.recorded_at, model.training), default=None)
        )
