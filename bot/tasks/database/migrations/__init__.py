"""The schema's history, for Alembic; ``bot.tasks.database.schema.migrate`` runs it."""
