-- Events of one job. A row is one version of one event; `sign` 1 sets it, -1 takes it back (with all the same values),
-- so that sum(sign) counts every event once at any moment, merged or not.
CREATE TABLE IF NOT EXISTS {events}
(
    ts DateTime64(6, 'UTC'),
    event_key UInt64,                         -- keyed hash of event_id
    version UInt64 CODEC(Delta, ZSTD(3)),     -- arrival of this version, microseconds
    sign Int8,
    event_id String CODEC(ZSTD(1)),
    subject_key UInt64,                       -- event_key, or the keyed hash of bucket_id in a bucket job
    bucket_id String CODEC(ZSTD(1)),          -- empty in a job grouped by event
    arrived_at DateTime64(6, 'UTC') CODEC(Delta, ZSTD(3)),   -- first arrival
    decision LowCardinality(String),          -- label in force; empty: not decided yet
    confidence Nullable(Float64) CODEC(ZSTD(1)),
    model_id LowCardinality(String),
    outlier Nullable(Bool),
    decided_at DateTime64(6, 'UTC') CODEC(ZSTD(3)),
    decision_recorded_at DateTime64(6, 'UTC') CODEC(Delta, ZSTD(3)),
    previous_decision LowCardinality(String), -- label next before the one in force
    -- every other decision ever made on the event, in order of (decided_at, recorded_at)
    other_label Array(LowCardinality(String)),
    other_confidence Array(Nullable(Float64)),
    other_model_id Array(LowCardinality(String)),
    other_outlier Array(Nullable(Bool)),
    other_decided_at Array(DateTime64(6, 'UTC')),
    other_recorded_at Array(DateTime64(6, 'UTC')),
    -- consensus of the votes that came in the event's first line, in a job grouped by event;
    -- a row of `consensus` for the subject, where there is one, stands above it
    consensus LowCardinality(String),
    consensus_changed_at DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    consensus_computed_at DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    outcome LowCardinality(String) MATERIALIZED concat(decision, '\0', consensus),  -- what is counted by, as one
    raw_body String CODEC(ZSTD(1)),           -- the document as it was sent
    other_paths Map(String, Array(String)),   -- what stands at paths that have no columns, by path: see job_tables.py
    -- and a column for each path and kind of value, added when the first document has one: see documents.py
    INDEX by_event_key event_key TYPE bloom_filter(0.001) GRANULARITY 1,
    PROJECTION by_subject
    (
        SELECT subject_key, ts, outcome, consensus_changed_at, bucket_id, sign ORDER BY subject_key, ts
    )
)
ENGINE = VersionedCollapsingMergeTree(sign, version)
ORDER BY (ts, event_key)
-- parts as they are inserted keep to few files, since each file of a part is synced; more of them are merged at once, as
-- writing rows anew takes most of what a large job's bulk requests cost
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
    min_bytes_for_wide_part = 134217728, deduplicate_merge_projection_mode = 'rebuild', merge_selector_base = 10;
