"""Which ledger the catalog belongs to."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table("its_ledger", sa.Column("identity", sa.Text, primary_key=True))
