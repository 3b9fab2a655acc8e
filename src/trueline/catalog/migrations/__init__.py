"""The catalog's schema, step by step. Run by `trueline.catalog.schema`; there is no alembic.ini."""
