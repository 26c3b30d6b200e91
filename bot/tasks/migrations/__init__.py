"""The schema's history, for Alembic; ``bot.tasks.schema.migrate`` runs it."""
