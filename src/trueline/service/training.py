"""Trainings: what a model learned from, recorded with the model."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from trueline.catalog.checks import MAX_NAME_LENGTH, is_name
from trueline.catalog.records import Model
from trueline.instants import from_micros
from trueline.labels import UNDECIDED
from trueline.metrics.consensus import consensus
from trueline.service import lines
from trueline.service.errors import ConflictError, InvalidRequestError
from trueline.service.feedback import Subjects
from trueline.service.ingest import moment_or_arrival
from trueline.service.lines import LineError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trueline.catalog.records import Job
    from trueline.catalog.store import Catalog
    from trueline.ledger.store import Ledger
    from trueline.service.writing import Writing


class Training:
    """Records trainings. The knowledge base is written before the model that names it, so none is without."""

    def __init__(self, ledger: Ledger, catalog: Catalog, writing: Writing) -> None:
        self._ledger = ledger
        self._catalog = catalog
        self._writing = writing

    def models(self, job: Job) -> list[Model]:
        """The models of a job, oldest first."""
        return self._catalog.models(job.id)

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
        digest = hashlib.sha256(msgspec.json.encode([trained_at, activate, training_set])).hexdigest()
        if model_id is not None and not is_name(model_id):
            raise InvalidRequestError(
                ("body", "model_id"),
                f"model_id must have 1 to {MAX_NAME_LENGTH} characters, all of them valid and none NUL",
            )
        with self._writing.on(job.id) as held:
            training = self._ledger.clock.next()
            if model_id is None:
                model_id = f"generic-1-{job.id}-model-{training // 1_000_000}"
            elif (known := self._catalog.model(job.id, model_id)) is not None:
                if known.request_digest == digest:
                    return known
                raise ConflictError(f"model {model_id!r} is registered already, with another training")
            until = moment_or_arrival(("body", "trained_at"), trained_at, training)
            if training_set is None:
                self._learn_from_consensus(held, training, until)
            else:
                labels = self._handed_over(held, training_set)
                self._ledger.trainings.learn(job.id, training, labels, from_consensus=False)
            return self._catalog.add_model(
                Model(
                    job_id=job.id,
                    id=self._free_id(job, model_id),
                    trained_at=from_micros(until),
                    active=activate,
                    training=training,
                    recorded_at=from_micros(training),
                    request_digest=digest,
                )
            )

    def _free_id(self, job: Job, model_id: str) -> str:
        """The id, or with a number behind it when two trainings of one second would share it."""
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
