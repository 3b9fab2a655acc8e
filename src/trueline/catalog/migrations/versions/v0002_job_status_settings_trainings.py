"""Status, description, colours and settings of jobs, their last training, and which were deleted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    empty = sa.text("'{}'")
    for column in (
        sa.Column("status", sa.Text, nullable=False, server_default="ENABLED"),
        sa.Column("description", sa.Text, nullable=False, server_default=""),
        sa.Column("label_colors", sa.JSON, nullable=False, server_default=empty),
        sa.Column("advanced_settings", sa.JSON, nullable=False, server_default=empty),
        sa.Column("last_train_started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_train_finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_train_error", sa.Text, nullable=False, server_default=""),
    ):
        op.add_column("jobs", column)
    op.create_table(
        "deleted_jobs",
        sa.Column("id", sa.BigInteger, autoincrement=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ledger_cleared_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_deleted_jobs"),
    )
