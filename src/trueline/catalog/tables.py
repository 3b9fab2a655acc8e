"""The tables as the newest migration leaves them; a test compares the two."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    false,
    text,
)

if TYPE_CHECKING:
    from sqlalchemy import Dialect


class Moment(TypeDecorator[datetime]):
    """An aware moment in UTC, to the microsecond. SQLite has no zones, so there it stands without one."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


class Unsigned64(TypeDecorator[int]):
    """0 to 2^64 - 1, kept in the 64 signed bits that databases have; so its order means nothing in SQL."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        return value - 2**64 if value is not None and value >= 2**63 else value

    def process_result_value(self, value: int | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        return value + 2**64 if value is not None and value < 0 else value


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

jobs = Table(
    "jobs",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("title", Text, nullable=False, unique=True),
    Column("labels", JSON, nullable=False),
    Column("grouping", Text, nullable=False),
    Column("decision_points", JSON, nullable=False),
    Column("minutes_per_alert", Double, nullable=False),
    Column("min_votes", BigInteger, nullable=False),
    Column("low_confidence_below", Double, nullable=False),
    Column("consensus_min_votes", BigInteger, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("status", Text, nullable=False, server_default="ENABLED"),
    Column("description", Text, nullable=False, server_default=""),
    Column("label_colors", JSON, nullable=False, server_default=text("'{}'")),
    Column("advanced_settings", JSON, nullable=False, server_default=text("'{}'")),
    Column("last_train_started_at", Moment, nullable=True),
    Column("last_train_finished_at", Moment, nullable=True),
    Column("last_train_error", Text, nullable=False, server_default=""),
    Column("cost_matrix", JSON(none_as_null=True), nullable=True),
    Column("time_zone", Text, nullable=False, server_default="UTC"),
    Column("labels_ordered", Boolean, nullable=False, server_default=false()),
    Column("headline_label", Text, nullable=True),
)

deleted_jobs = Table(
    "deleted_jobs",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("deleted_at", Moment, nullable=False),
    Column("ledger_cleared_at", Moment, nullable=True),
)

models = Table(
    "models",
    metadata,
    Column("job_id", BigInteger, ForeignKey("jobs.id"), primary_key=True, autoincrement=False),
    Column("id", Text, primary_key=True),
    Column("trained_at", Moment, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("training", Unsigned64, nullable=False),
    Column("recorded_at", Moment, nullable=False),
    Column("request_digest", Text, nullable=False),
    Column("activated", Boolean, nullable=False, server_default=false()),
    Index(
        "one_active_model_per_job",
        "job_id",
        unique=True,
        sqlite_where=text("active"),
        postgresql_where=text("active"),
    ),
)

model_metrics = Table(
    "model_metrics",
    metadata,
    Column("job_id", BigInteger, primary_key=True, autoincrement=False),
    Column("model_id", Text, primary_key=True),
    Column("status", Text, nullable=False),
    Column("requested_at", Moment, nullable=False),
    Column("computed_at", Moment, nullable=True),
    Column("counts", JSON(none_as_null=True), nullable=True),
    ForeignKeyConstraint(
        ["job_id", "model_id"], ["models.job_id", "models.id"], name="fk_model_metrics_model", ondelete="CASCADE"
    ),
)

keys = Table(
    "keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("scopes", JSON, nullable=False),
    Column("jobs", JSON(none_as_null=True), nullable=True),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=True),
    Column("revoked_at", Moment, nullable=True),
    Column("digest", Text, nullable=False),
)

its_ledger = Table("its_ledger", metadata, Column("identity", Text, primary_key=True))
"""The ledger that the catalog belongs to, in one row; none before it was first opened with one."""
