"""Run by Alembic: applies the revisions on the connection handed over, inside its transaction."""

from __future__ import annotations

from alembic import context

from trueline.catalog.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite alters a column only by copying its table.
    render_as_batch=True,
)
context.run_migrations()
