"""The use cases: jobs, ingest, feedback, training, metrics, keys."""
