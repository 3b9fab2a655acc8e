-- The ledger's tables. Everything is appended; what may be seen changed is a later row.

-- Events. A row is one version of one event; `sign` 1 sets it, -1 takes it back (with all the same values),
-- so that sum(sign) counts every event once at any moment, merged or not.
CREATE TABLE IF NOT EXISTS events
(
    job_id UInt64,
    ts DateTime64(6, 'UTC'),
    event_key UInt64,                         -- keyed hash of event_id
    version UInt64,                           -- arrival of this version, microseconds
    sign Int8,
    event_id String,
    subject_key UInt64,                       -- event_key, or the keyed hash of bucket_id in a bucket job
    bucket_id String,                         -- empty in a job grouped by event
    arrived_at DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),   -- first arrival
    decision LowCardinality(String),          -- label in force; empty: not decided yet
    confidence Nullable(Float64),
    model_id LowCardinality(String),
    outlier Nullable(Bool),
    decided_at DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    decision_recorded_at DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
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
    document JSON(max_dynamic_paths = 1024),  -- flat and tagged, for filters: see documents.py
    objects Array(LowCardinality(String)),    -- paths at which the document holds an object
    raw_body String CODEC(ZSTD(1))            -- the document as it was sent
)
ENGINE = VersionedCollapsingMergeTree(sign, version)
PARTITION BY job_id
ORDER BY (job_id, ts, event_key)
-- parts as they are inserted keep to few files, since each file of a part is synced
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, min_bytes_for_wide_part = 134217728;

-- Versions on their way to replace others pass through here, in memory, so that setting one and taking back
-- the one before it is a single insert into `events`.
CREATE TABLE IF NOT EXISTS incoming_events AS events ENGINE = Memory;

-- Votes and overrides, as given.
CREATE TABLE IF NOT EXISTS votes
(
    job_id UInt64,
    subject_key UInt64,
    recorded_at DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),  -- arrival; unique, so it orders equal times
    request UInt64 CODEC(Delta, ZSTD(1)),                    -- arrival of the request it came in
    at DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    analyst LowCardinality(String),
    label LowCardinality(String),                            -- empty: withdrawn
    override Bool,
    event_id String                                          -- the event it was given on, if it was
)
ENGINE = MergeTree
ORDER BY (job_id, subject_key, recorded_at)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1;

-- Consensus of subjects, derived from their votes: one row a subject, the latest counts.
CREATE TABLE IF NOT EXISTS consensus
(
    job_id UInt64,
    subject_key UInt64,
    version UInt64,
    consensus LowCardinality(String),                        -- a label, Undecided, or empty for none
    changed_at DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    computed_at DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1))   -- arrival of the latest vote
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (job_id, subject_key)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1;

-- Knowledge bases: the subjects each training learned from. A training counts once the catalog names it.
CREATE TABLE IF NOT EXISTS knowledge_base
(
    job_id UInt64,
    training UInt64,
    subject_key UInt64,
    label LowCardinality(String),
    from_consensus Bool                                      -- the label was the consensus at that moment
)
ENGINE = MergeTree
ORDER BY (job_id, training, subject_key)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1;

-- What makes this store itself: the secret that ids are hashed with.
CREATE TABLE IF NOT EXISTS store_identity
(
    salt String,
    made_at DateTime64(6, 'UTC') DEFAULT now64(6)
)
ENGINE = MergeTree
ORDER BY made_at
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1;

-- Where readiness checks write; nothing is kept for long.
CREATE TABLE IF NOT EXISTS pings (answered_at DateTime)
ENGINE = MergeTree
ORDER BY answered_at
TTL answered_at + INTERVAL 1 HOUR
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1;

-- Keys that are being looked up, in memory: see lookup.py.
CREATE TABLE IF NOT EXISTS wanted_keys (key UInt64) ENGINE = Memory;
