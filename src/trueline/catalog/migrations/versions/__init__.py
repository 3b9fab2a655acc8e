"""One module a revision, numbered in order; a published one is never changed."""
