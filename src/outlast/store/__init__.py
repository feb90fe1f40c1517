"""The store: the only SQL. One SQLite database in WAL mode; one method per verb, one transaction per method."""
