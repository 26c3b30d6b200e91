"""Alembic's entry: upgrade over the connection that ``schema.py`` hands in, in its transaction.

There is no alembic.ini; ``bot.tasks.database.schema.build_configuration`` makes the Config.
"""

from __future__ import annotations

from alembic import context

from bot.tasks.database.schema import is_ours
from bot.tasks.database.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    include_name=is_ours,
    compare_server_default=True,
)
context.run_migrations()
