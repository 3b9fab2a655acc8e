"""The catalog: the jobs, their models and the keys, in one database."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self, Unpack

from sqlalchemy import delete, exists, false, func, insert, select, union_all, update
from sqlalchemy.exc import SQLAlchemyError

from trueline.catalog.checks import MAX_COST, MAX_ID, check_job, check_key, check_model, is_name
from trueline.catalog.copying import copy_sqlite
from trueline.catalog.engine import asking, connect, name_of, parse_dsn, writing
from trueline.catalog.errors import (
    JobIdDeleted,
    JobIdTaken,
    KeyIdTaken,
    ModelIdTaken,
    NoSuchJob,
    StoreUnavailable,
    TitleTaken,
)
from trueline.catalog.model_metrics import ModelMetricsRecords
from trueline.catalog.records import Costs, Grouping, Job, JobChanges, Key, Model, Status
from trueline.catalog.remembered import Remembered
from trueline.catalog.schema import newest_known, refuse_newer, upgrade
from trueline.catalog.tables import deleted_jobs, its_ledger, jobs, keys, models

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from sqlalchemy import CompoundSelect, Connection, Engine, Row

_CHANGEABLE = JobChanges.__annotations__.keys()


class Catalog:
    """Jobs, models and keys. For many threads at once; each write is on disk when its method returns.

    A text that no database can keep, a number out of its bounds or a moment without a zone is a ValueError.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._remembered = Remembered(engine)
        self.model_metrics = ModelMetricsRecords(engine)

    @classmethod
    def open(cls, dsn: str) -> Self:
        """Open `sqlite:///path` or `postgresql://user:password@host/name`, brought to this version's schema.

        The folder of a SQLite file must be there. PostgreSQL takes `?sslmode=require` or `verify-full`, the
        latter with `&sslrootcert=path` for an authority of one's own.

        Raises:
            StoreTooNew: a later version wrote it; it is left as it was found.
            UnsupportedStore: another kind of database.
            StoreUnavailable: it does not answer, cannot be written, or is no database.
        """
        url = parse_dsn(dsn)
        engine = connect(url)
        try:
            refuse_newer(url)
            upgrade(engine)
        except SQLAlchemyError as error:
            engine.dispose()
            raise StoreUnavailable(name_of(url)) from error
        except BaseException:
            engine.dispose()
            raise
        return cls(engine)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections. Closing twice is harmless."""
        self._remembered.close()
        self._engine.dispose()

    def ping(self) -> None:
        """Raise StoreUnavailable if the database does not answer or takes no writes."""
        try:
            with writing(self._engine) as connection:
                connection.execute(delete(keys).where(false()))
        except SQLAlchemyError as error:
            raise StoreUnavailable(name_of(self._engine.url)) from error

    @property
    def schema(self) -> str:
        """The name of the schema it has."""
        return newest_known()

    def copy_to(self, file: Path) -> None:
        """Copy all of it, as it is at one moment, into a new file of SQLite.

        Raises:
            UnsupportedStore: it is kept elsewhere.
            StoreUnavailable: it cannot be read, or the copy not be written.
        """
        copy_sqlite(self._engine.url, file)

    def add_job(  # noqa: PLR0913 - a job has that many
        self,
        *,
        title: str,
        labels: Sequence[str],
        grouping: Grouping = Grouping.EVENT,
        decision_points: Sequence[str] = (),
        minutes_per_alert: float = 10.0,
        min_votes: int = 1,
        low_confidence_below: float = 60.0,
        description: str = "",
        label_colors: Mapping[str, str] | None = None,
        advanced_settings: Mapping[str, Any] | None = None,
        cost_matrix: Costs | None = None,
        time_zone: str = "UTC",
        labels_ordered: bool = False,
        headline_label: str | None = None,
        job_id: int | None = None,
        created_at: datetime | None = None,
    ) -> Job:
        """Add a job; without an id it gets the one after the largest ever, without a moment the present one.

        Raises:
            TitleTaken, JobIdTaken: another job has it.
            JobIdDeleted: a job that was deleted had it.
        """
        with writing(self._engine) as connection:
            job = Job(
                id=_next_job_id(connection) if job_id is None else job_id,
                title=title,
                labels=tuple(labels),
                grouping=Grouping(grouping),
                decision_points=tuple(decision_points),
                minutes_per_alert=float(minutes_per_alert),
                min_votes=min_votes,
                low_confidence_below=float(low_confidence_below),
                consensus_min_votes=min_votes,
                created_at=(created_at or datetime.now(UTC)).astimezone(UTC),
                description=description,
                label_colors=dict(label_colors or {}),
                advanced_settings=dict(advanced_settings or {}),
                cost_matrix=cost_matrix,
                time_zone=time_zone,
                labels_ordered=labels_ordered,
                headline_label=headline_label,
            )
            check_job(job)
            if connection.scalar(select(exists().where(jobs.c.id == job.id))):
                raise JobIdTaken(job.id)
            if connection.scalar(select(exists().where(deleted_jobs.c.id == job.id))):
                raise JobIdDeleted(job.id)
            _refuse_title_of_another(connection, job)
            connection.execute(insert(jobs).values(asdict(job)))
        return job

    def job_by_id(self, job_id: int) -> Job | None:
        if not 1 <= job_id <= MAX_ID:
            return None

        def read() -> Job | None:
            with asking(self._engine) as connection:
                return _read_job(connection, job_id)

        return self._remembered.get(("job", job_id), read)

    def job_by_title(self, title: str) -> Job | None:
        """Return the job with exactly this title."""
        if not is_name(title):
            return None

        def read() -> Job | None:
            with asking(self._engine) as connection:
                row = connection.execute(select(jobs).where(jobs.c.title == title)).one_or_none()
            return None if row is None else _job(row)

        return self._remembered.get(("title", title), read)

    def jobs(self) -> list[Job]:
        """Return all jobs by id."""
        with asking(self._engine) as connection:
            return [_job(row) for row in connection.execute(select(jobs).order_by(jobs.c.id))]

    def change_job(self, job_id: int, **changes: Unpack[JobChanges]) -> Job:
        """Change what is named of a job and return it whole.

        Raises:
            NoSuchJob: there is none of this id.
            TitleTaken: another job has the title.
        """
        if unknown := changes.keys() - _CHANGEABLE:
            raise TypeError(f"{min(unknown)!r} of a job cannot change")
        values: dict[str, Any] = dict(changes)
        if "labels" in values:
            values["labels"] = tuple(values["labels"])
        with writing(self._engine) as connection:
            found = _read_job(connection, job_id) if 1 <= job_id <= MAX_ID else None
            if found is None:
                raise NoSuchJob(job_id)
            job = replace(found, **values)
            check_job(job)
            _refuse_title_of_another(connection, job)
            if values:
                connection.execute(update(jobs).where(jobs.c.id == job_id).values(values))
        return job

    def delete_job(self, job_id: int, at: datetime) -> None:
        """Take a job and its models away for good; its id stays known, with its ledger yet to be cleared.

        Raises:
            NoSuchJob: there is none of this id.
        """
        with writing(self._engine) as connection:
            if not 1 <= job_id <= MAX_ID or _read_job(connection, job_id) is None:
                raise NoSuchJob(job_id)
            connection.execute(delete(models).where(models.c.job_id == job_id))
            connection.execute(delete(jobs).where(jobs.c.id == job_id))
            connection.execute(insert(deleted_jobs).values(id=job_id, deleted_at=at))

    def belongs_to(self, identity: str) -> bool:
        """Whether a ledger is the one that it was first opened with; if it was with none yet, that is this one."""
        wanted = select(its_ledger.c.identity)
        with asking(self._engine) as connection:
            known = connection.scalar(wanted)
        if known is None:
            with writing(self._engine) as connection:
                known = connection.scalar(wanted)
                if known is None:
                    connection.execute(insert(its_ledger).values(identity=identity))
                    known = identity
        return bool(known == identity)

    def job_ids(self) -> set[int]:
        """The ids of all jobs that there are and that were deleted."""
        with asking(self._engine) as connection:
            return set(connection.scalars(_given_job_ids()))

    def uncleared_jobs(self) -> list[int]:
        """The ids of deleted jobs of which the ledger may still have something."""
        uncleared = select(deleted_jobs.c.id).where(deleted_jobs.c.ledger_cleared_at.is_(None))
        with asking(self._engine) as connection:
            return sorted(connection.scalars(uncleared))

    def mark_cleared(self, job_id: int, at: datetime) -> None:
        """Note that the ledger has nothing left of a deleted job."""
        with writing(self._engine) as connection:
            connection.execute(update(deleted_jobs).where(deleted_jobs.c.id == job_id).values(ledger_cleared_at=at))

    def add_model(self, model: Model) -> Model:
        """Add a model; an active one takes the place of the job's active model in the same transaction.

        Raises:
            NoSuchJob: there is no job for it.
            ModelIdTaken: the job has a model of this id; `request_digest` tells a request sent again.
        """
        check_model(model)
        same_job = models.c.job_id == model.job_id
        with writing(self._engine) as connection:
            if _read_job(connection, model.job_id) is None:
                raise NoSuchJob(model.job_id)
            if connection.scalar(select(exists().where(same_job, models.c.id == model.id))):
                raise ModelIdTaken(model.job_id, model.id)
            if model.active:
                connection.execute(update(models).where(same_job, models.c.active).values(active=False))
            connection.execute(insert(models).values(asdict(model)))
        return model

    def models(self, job_id: int) -> list[Model]:
        """Return the models of a job, the one trained first at the head."""
        return list(self._models(job_id))

    def model(self, job_id: int, model_id: str) -> Model | None:
        return next((model for model in self._models(job_id) if model.id == model_id), None)

    def active_model(self, job_id: int) -> Model | None:
        return next((model for model in self._models(job_id) if model.active), None)

    def _models(self, job_id: int) -> tuple[Model, ...]:
        if not 1 <= job_id <= MAX_ID:
            return ()

        def read() -> tuple[Model, ...]:
            with asking(self._engine) as connection:
                rows = connection.execute(select(models).where(models.c.job_id == job_id)).all()
            # Sorted here: databases differ in the order of texts.
            return tuple(
                sorted(
                    (Model(**row._asdict()) for row in rows),
                    key=lambda model: (model.trained_at, model.recorded_at, model.id),
                )
            )

        return self._remembered.get(("models", job_id), read)

    def add_key(self, key: Key) -> Key:
        """Add a key.

        Raises:
            KeyIdTaken: there is one of this id.
        """
        check_key(key)
        with writing(self._engine) as connection:
            if _read_key(connection, key.id) is not None:
                raise KeyIdTaken(key.id)
            connection.execute(insert(keys).values(asdict(key)))
        return key

    def key(self, key_id: str, digest: str) -> Key | None:
        """Return the key of this id and digest; None where one of them is another."""
        if not is_name(key_id):
            return None

        def read() -> Key | None:
            with asking(self._engine) as connection:
                row = connection.execute(select(keys).where(keys.c.id == key_id, keys.c.digest == digest)).one_or_none()
            return None if row is None else _key(row)

        return self._remembered.get(("key", key_id, digest), read)

    def keys(self) -> list[Key]:
        """Return all keys, also those revoked or expired, the oldest first."""
        with asking(self._engine) as connection:
            found = [_key(row) for row in connection.execute(select(keys))]
        return sorted(found, key=lambda key: (key.created_at, key.id))

    def revoke_key(self, key_id: str, at: datetime) -> Key | None:
        """Mark a key as revoked and return it; None: there is none. One revoked before keeps its moment."""
        if not is_name(key_id):
            return None
        with writing(self._engine) as connection:
            found = _read_key(connection, key_id)
            if found is None or found.revoked_at is not None:
                return found
            revoked = replace(found, revoked_at=at)
            check_key(revoked)
            connection.execute(update(keys).where(keys.c.id == key_id).values(revoked_at=at))
        return revoked


def _job(row: Row[Any]) -> Job:
    values = row._asdict()
    values["grouping"] = Grouping(values["grouping"])
    values["status"] = Status(values["status"])
    # stores of before there was a bound have jobs beyond it, which are to open and to be changed like others
    values["minutes_per_alert"] = min(values["minutes_per_alert"], MAX_COST)
    for name in ("labels", "decision_points"):
        values[name] = tuple(values[name])
    return Job(**values)


def _key(row: Row[Any]) -> Key:
    values = row._asdict()
    values["scopes"] = tuple(values["scopes"])
    values["jobs"] = None if values["jobs"] is None else tuple(values["jobs"])
    return Key(**values)


def _read_job(connection: Connection, job_id: int) -> Job | None:
    row = connection.execute(select(jobs).where(jobs.c.id == job_id)).one_or_none()
    return None if row is None else _job(row)


def _read_key(connection: Connection, key_id: str) -> Key | None:
    row = connection.execute(select(keys).where(keys.c.id == key_id)).one_or_none()
    return None if row is None else _key(row)


def _refuse_title_of_another(connection: Connection, job: Job) -> None:
    if connection.scalar(select(exists().where(jobs.c.title == job.title, jobs.c.id != job.id))):
        raise TitleTaken(job.title)


def _given_job_ids() -> CompoundSelect[tuple[int]]:
    return union_all(select(jobs.c.id), select(deleted_jobs.c.id))


def _next_job_id(connection: Connection) -> int:
    """Return the id after the largest there ever was; where that is the last there is, one never given."""
    given = _given_job_ids().subquery()
    largest = connection.execute(select(func.max(given.c.id))).scalar_one() or 0
    if largest < MAX_ID:
        return int(largest) + 1
    after = given.alias()
    has_next = exists().where(after.c.id - 1 == given.c.id)
    before_gap = select(func.min(given.c.id)).where(given.c.id < MAX_ID, ~has_next)
    return int(connection.execute(before_gap).scalar_one() or 0) + 1
