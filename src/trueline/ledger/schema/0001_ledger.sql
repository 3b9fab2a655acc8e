-- The ledger's tables, but for those of events: see events_of_a_job.sql. Everything is appended; what may be seen
-- changed is a later row.

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
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

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
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

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
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- What makes this store itself: the secret that ids are hashed with.
CREATE TABLE IF NOT EXISTS store_identity
(
    salt String,
    made_at DateTime64(6, 'UTC') DEFAULT now64(6)
)
ENGINE = MergeTree
ORDER BY made_at
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- Where readiness checks write; nothing is kept for long.
CREATE TABLE IF NOT EXISTS pings (answered_at DateTime)
ENGINE = MergeTree
ORDER BY answered_at
TTL answered_at + INTERVAL 1 HOUR
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- Keys that are being looked up, in memory: see lookup.py.
CREATE TABLE IF NOT EXISTS wanted_keys (key UInt64) ENGINE = Memory;
