-- Decisions that somebody asked to have made anew. A request names the decision that was in force at that moment, so
-- that it is done with as soon as another one is.
CREATE TABLE IF NOT EXISTS reprocess_requests
(
    job_id UInt64,
    event_key UInt64,
    decision_recorded_at DateTime64(6, 'UTC'),               -- arrival of the decision to be replaced
    request UInt64                                           -- arrival of the latest request
)
ENGINE = ReplacingMergeTree(request)
ORDER BY (job_id, event_key, decision_recorded_at)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1;
