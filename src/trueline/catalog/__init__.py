"""Jobs, models and keys: what needs unique names and transactions, in SQLite or PostgreSQL."""
