-- Subjects drawn by chance to be reviewed: a row each, written once. A draw is named by what asked for it.
CREATE TABLE IF NOT EXISTS audit_draws
(
    job_id UInt64,
    draw String,
    place UInt32,                                            -- in the order of drawing, from 0
    subject_key UInt64,
    id String CODEC(ZSTD(1)),                                -- of the bucket in a job grouped by bucket, else of the event
    decision LowCardinality(String),                         -- whose subjects were drawn from
    population UInt64,                                       -- how many there were
    probability Float64,                                     -- with which each of them was drawn
    reason LowCardinality(String),                           -- the review_reason of a vote that says none
    request String CODEC(ZSTD(1)),                           -- what asked for it, as JSON
    drawn_at DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1))
)
ENGINE = MergeTree
ORDER BY (job_id, draw, place)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1;
