"""Events, decisions, votes, trainings and consensus in ClickHouse, embedded or a server."""
