"""Alembic's entry: upgrade over the connection that ``bot.tasks.schema`` hands in, in its transaction.

There is no alembic.ini; ``bot.tasks.schema.configuration`` makes the Config.
"""

from __future__ import annotations

from alembic import context

from bot.tasks.schema import ours
from bot.tasks.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    include_name=ours,
    compare_server_default=True,
)
context.run_migrations()
