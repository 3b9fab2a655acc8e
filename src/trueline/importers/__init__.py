"""Alerts, decisions and votes out of files: CSV, TSV, NDJSON and Parquet, also gzipped or inside a zip."""
