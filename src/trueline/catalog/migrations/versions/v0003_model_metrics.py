"""Metrics of models, as they were last computed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "model_metrics",
        sa.Column("job_id", sa.BigInteger, autoincrement=False),
        sa.Column("model_id", sa.Text),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("computed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("counts", sa.JSON, nullable=True),
        sa.PrimaryKeyConstraint("job_id", "model_id", name="pk_model_metrics"),
        sa.ForeignKeyConstraint(
            ["job_id", "model_id"], ["models.job_id", "models.id"], name="fk_model_metrics_model", ondelete="CASCADE"
        ),
    )
