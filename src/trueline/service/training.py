"""Trainings: what a model learned from, recorded with the model."""

from __future__ import annotations

import contextlib
import hashlib
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

from trueline.catalog.checks import MAX_NAME_LENGTH, is_name
from trueline.catalog.errors import NoSuchJob
from trueline.catalog.records import Model
from trueline.instants import from_micros
from trueline.labels import UNDECIDED
from trueline.metrics.consensus import consensus
from trueline.service import lines
from trueline.service.errors import ConflictError, InvalidRequestError, JobNotFoundError, NothingToLearnError
from trueline.service.feedback import Subjects
from trueline.service.ingest import moment_or_arrival
from trueline.service.lines import LineError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Unpack

    from trueline.catalog.records import Job, JobChanges
    from trueline.catalog.store import Catalog
    from trueline.ledger.store import Ledger
    from trueline.service.writing import Writing


class TrainingState(StrEnum):
    """How far the last training of a job has come."""

    NOT_STARTED = "NOT_STARTED"
    IN_PROGRESS = "IN_PROGRESS"
    FINISHED = "FINISHED"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class LastTraining:
    """The last training of a job."""

    state: TrainingState
    message: str
    """Why it failed; else empty."""
    started_at: datetime | None
    """Of a training done elsewhere: when the model was trained."""
    finished_at: datetime | None
    """While one runs: when the one before it ended."""


class Training:
    """Records trainings. The knowledge base is written before the model that names it, so none is without."""

    def __init__(self, ledger: Ledger, catalog: Catalog, writing: Writing) -> None:
        self._ledger = ledger
        self._catalog = catalog
        self._writing = writing
        self._running: set[int] = set()  # of this process, so that none stays when it ends
        self._lock = threading.Lock()

    def forget_cut_short(self, jobs: Iterable[Job]) -> None:
        """Drop what trainings learned whose model was never recorded. Nobody may train these jobs meanwhile."""
        self._ledger.trainings.forget_cut_short(
            {job.id: max((model.training for model in self.models(job)), default=0) for job in jobs}
        )

    def models(self, job: Job) -> list[Model]:
        """The models of a job, oldest first."""
        return self._catalog.models(job.id)

    def train(self, job: Job) -> Model:
        """Record a training of the knowledge base as it is now: every subject with a consensus label.

        Its model becomes the active one. What makes the decisions is outside, and may ask for it.

        Raises:
            ConflictError: a training of the job runs already, or no subject has a consensus label.
        """
        with self._run(job):
            return self._train(job)

    def _train(self, job: Job) -> Model:
        with self._writing.on(job.id) as held:
            training = self._next(held)
            self._learn_from_consensus(held, training, training)
            if self._ledger.trainings.size(job.id, training):
                return self._record(held, training, trained_at=training, request_digest=_digest(None, None, True))
        raise NothingToLearnError(job.title)

    @contextlib.contextmanager
    def _run(self, job: Job) -> Iterator[None]:
        """Say that a training runs, and in the end how it went."""
        with self._lock:
            if job.id in self._running:
                raise ConflictError(f"the job {job.title!r} is being trained already")
            self._running.add(job.id)
        error = "the training was broken off"
        try:
            self._note(job.id, last_train_started_at=datetime.now(UTC))
            yield
            error = ""
        except NothingToLearnError as nothing:
            error = str(nothing)
            raise
        finally:
            try:
                self._note(job.id, last_train_finished_at=datetime.now(UTC), last_train_error=error)
            finally:
                with self._lock:
                    self._running.discard(job.id)

    def _note(self, job_id: int, **changes: Unpack[JobChanges]) -> None:
        try:
            self._catalog.change_job(job_id, **changes)
        except NoSuchJob:
            raise JobNotFoundError from None

    def last(self, job: Job) -> LastTraining:
        """What is known of the last training of a job, one made here or one registered."""
        with self._lock:
            running = job.id in self._running
        started, finished = job.last_train_started_at, job.last_train_finished_at
        if running:
            return LastTraining(TrainingState.IN_PROGRESS, "", started, finished)
        newest = max(self._catalog.models(job.id), key=lambda model: model.recorded_at, default=None)
        if newest is not None and (started is None or newest.recorded_at > max(started, finished or started)):
            return LastTraining(TrainingState.FINISHED, "", newest.trained_at, newest.recorded_at)
        if started is None:
            return LastTraining(TrainingState.NOT_STARTED, "", None, None)
        if finished is None or finished < started:
            return LastTraining(TrainingState.FAILED, "the training was broken off", started, finished)
        failed = bool(job.last_train_error)
        return LastTraining(
            TrainingState.FAILED if failed else TrainingState.FINISHED, job.last_train_error, started, finished
        )

    def register(
        self,
        job: Job,
        *,
        model_id: str | None = None,
        trained_at: str | None = None,
        activate: bool = True,
        training_set: Sequence[Mapping[str, object]] | None = None,
    ) -> Model:
        """Record a training and its model.

        Without a `training_set` the model learned from every subject with a consensus label at `trained_at`
        (votes with ``at`` up to then); a handed-over set names events or buckets, seen or not, each with the
        label it was learned with; named twice, the last counts. The same request again changes nothing.

        Raises:
            InvalidRequestError: an unreadable time, an unknown label or event, a wrong shape.
            ConflictError: the model id belongs to another training.
        """
        digest = _digest(trained_at, training_set, activate)
        if model_id is not None and not is_name(model_id):
            raise InvalidRequestError(
                ("body", "model_id"),
                f"model_id must have 1 to {MAX_NAME_LENGTH} characters, all of them valid and none NUL",
            )
        with self._writing.on(job.id) as held:
            if model_id is not None and (known := self._catalog.model(job.id, model_id)) is not None:
                if known.request_digest == digest:
                    return known
                raise ConflictError(f"model {model_id!r} is registered already, with another training")
            training = self._next(held)
            until = moment_or_arrival(("body", "trained_at"), trained_at, training)
            if training_set is None:
                self._learn_from_consensus(held, training, until)
            else:
                labels = self._handed_over(held, training_set)
                self._ledger.trainings.learn(job.id, training, labels, from_consensus=False)
            return self._record(
                held, training, trained_at=until, model_id=model_id, active=activate, request_digest=digest
            )

    def _next(self, job: Job) -> int:
        """The number of a training of a job that is held, with nothing left there of one that was not recorded."""
        self.forget_cut_short([job])
        return self._ledger.clock.next()

    def _record(  # noqa: PLR0913 - a model has that many parts
        self,
        job: Job,
        training: int,
        *,
        trained_at: int,
        request_digest: str,
        model_id: str | None = None,
        active: bool = True,
    ) -> Model:
        """Add the model of a training whose knowledge base is written; without an id it gets one."""
        return self._catalog.add_model(
            Model(
                job_id=job.id,
                id=self._free_id(job, training) if model_id is None else model_id,
                trained_at=from_micros(trained_at),
                active=active,
                training=training,
                recorded_at=from_micros(training),
                request_digest=request_digest,
                activated=active,
            )
        )

    def _free_id(self, job: Job, training: int) -> str:
        """The id for a training, with a number behind it when two trainings of one second would share it."""
        model_id = f"generic-1-{job.id}-model-{training // 1_000_000}"
        free, number = model_id, 2
        while self._catalog.model(job.id, free) is not None:
            free, number = f"{model_id}-{number}", number + 1
        return free

    def _learn_from_consensus(self, job: Job, training: int, until: int) -> None:
        self._ledger.trainings.learn_from_consensus(job.id, training, until)
        for votes in self._ledger.votes.all(job.id, only_after=until):
            labels = {}
            for subject, given in votes.items():
                then = consensus([vote for vote in given if vote.at <= until], job.min_votes).label
                if then is not None and then != UNDECIDED:
                    labels[subject] = then
            self._ledger.trainings.learn(job.id, training, labels, from_consensus=True)

    def _handed_over(self, job: Job, training_set: Sequence[Mapping[str, object]]) -> dict[int, str]:
        members = [_member(job, position, each) for position, each in enumerate(training_set)]
        labels: dict[int, str] = {}
        by_bucket = job.grouping == "bucket"
        # only in a job grouped by bucket must an event be there, to know its bucket
        events = [event for event, _, _ in members if event is not None] if by_bucket else []
        subjects = Subjects(self._ledger, job, events, [])
        for position, (event, bucket, label) in enumerate(members):
            if not by_bucket:
                labels[self._ledger.keys.event(event if event is not None else bucket or "")] = label
            elif bucket is not None:
                labels[self._ledger.keys.bucket(bucket)] = label
            else:
                try:
                    labels[subjects.key(event, None)] = label
                except LineError as error:
                    raise InvalidRequestError(("body", "training_set", position), str(error)) from None
        return labels


def _digest(trained_at: str | None, training_set: object, activate: bool) -> str:
    return hashlib.sha256(msgspec.json.encode([trained_at, activate, training_set])).hexdigest()


def _member(job: Job, position: int, member: object) -> tuple[str | None, str | None, str]:
    """The event id, the bucket id and the label of a member of a training set."""
    try:
        if not isinstance(member, Mapping):
            raise LineError("a member is {event_id or bucket_id, label}")  # noqa: TRY301
        event, bucket, label = (member.get(name) for name in ("event_id", "bucket_id", "label"))
        if not isinstance(label, str) or not all(
            each is None or (isinstance(each, str | int) and not isinstance(each, bool)) for each in (event, bucket)
        ):
            raise LineError("a member is {event_id or bucket_id, label}")  # noqa: TRY301
        event_id = lines.identifier("event_id", event)
        bucket_id = lines.identifier("bucket_id", bucket)
        if (event_id is None) == (bucket_id is None):
            raise LineError("a member names either an event_id or a bucket_id")  # noqa: TRY301
        return event_id, bucket_id, lines.known_label(job, label)
    except LineError as error:
        raise InvalidRequestError(("body", "training_set", position), str(error)) from None
