"""Which models became active when they were registered, so that it can be told which was at a moment."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("models", sa.Column("activated", sa.Boolean, nullable=False, server_default=sa.false()))
    # what came after the active one did not take its place; of those before it nothing else is known, and it is usual
    op.execute(
        "UPDATE models SET activated = (1 = 1) WHERE EXISTS (SELECT 1 FROM models AS current"
        " WHERE current.job_id = models.job_id AND current.active AND current.recorded_at >= models.recorded_at)"
    )
