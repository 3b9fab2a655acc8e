"""SQLite is sealed from here on, see `trueline.catalog.seal`: this keeps away who would write without doing so."""

from __future__ import annotations

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Nothing: the transaction that notes the revision seals what it leaves behind."""
