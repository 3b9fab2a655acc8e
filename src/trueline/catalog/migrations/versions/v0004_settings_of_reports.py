"""What a job's report needs to be told: what errors cost, the time zone, whether labels are a scale, the headline."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    for column in (
        sa.Column("cost_matrix", sa.JSON, nullable=True),
        sa.Column("time_zone", sa.Text, nullable=False, server_default="UTC"),
        sa.Column("labels_ordered", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("headline_label", sa.Text, nullable=True),
    ):
        op.add_column("jobs", column)
