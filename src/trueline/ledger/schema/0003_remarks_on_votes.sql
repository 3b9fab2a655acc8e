-- What is said along with a vote: how likely its subject was to be reviewed and why it was, and a note.
ALTER TABLE votes
    ADD COLUMN IF NOT EXISTS review_probability Nullable(Float64),   -- above 0, at most 1; NULL: not known
    ADD COLUMN IF NOT EXISTS review_reason LowCardinality(String),   -- empty: not said
    ADD COLUMN IF NOT EXISTS note String CODEC(ZSTD(1));
