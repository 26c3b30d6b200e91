"""PostgreSQL itself: connecting, the embedded server, tables, migrations and column values."""
