"""Jobs, models and keys."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", sa.BigInteger, autoincrement=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("labels", sa.JSON, nullable=False),
        sa.Column("grouping", sa.Text, nullable=False),
        sa.Column("decision_points", sa.JSON, nullable=False),
        sa.Column("minutes_per_alert", sa.Double, nullable=False),
        sa.Column("min_votes", sa.BigInteger, nullable=False),
        sa.Column("low_confidence_below", sa.Double, nullable=False),
        sa.Column("consensus_min_votes", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_jobs"),
        sa.UniqueConstraint("title", name="uq_jobs_title"),
    )
    op.create_table(
        "models",
        sa.Column("job_id", sa.BigInteger, autoincrement=False),
        sa.Column("id", sa.Text),
        sa.Column("trained_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("training", sa.BigInteger, nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("request_digest", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("job_id", "id", name="pk_models"),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name="fk_models_job_id"),
    )
    op.create_index(
        "one_active_model_per_job",
        "models",
        ["job_id"],
        unique=True,
        sqlite_where=sa.text("active"),
        postgresql_where=sa.text("active"),
    )
    op.create_table(
        "keys",
        sa.Column("id", sa.Text),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("scopes", sa.JSON, nullable=False),
        sa.Column("jobs", sa.JSON, nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("digest", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_keys"),
    )
