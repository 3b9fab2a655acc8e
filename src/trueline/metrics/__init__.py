"""Numbers from counts: pure arithmetic without a database, a network or a clock."""
