"""The truth about every task and run, in PostgreSQL."""
