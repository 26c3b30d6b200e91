"""The audit log: what people had done on the dashboard, who, when, from where, and what came of it."""

from __future__ import annotations

from sqlalchemy import Engine, insert, select, update

from bot.dashboard.access.viewer import Viewer
from bot.dashboard.page_reader import Row
from bot.tasks.database.column_values import storable
from bot.tasks.database.tables import audit

ORDERS = ("stop", "retry", "try", "use", "approve", "say")  # what people can have done about a task


class AuditLog:
    """The actions that people ordered, in the order of their requests."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def begin(self, viewer: Viewer, *, address: str, action: str, task: Row | None, words: str) -> int:
        """Record an action before it is carried out; returns the entry's id."""
        row = {
            "person": viewer.person,
            "login": viewer.login,
            "address": address,
            "action": action,
            "task": task["id"] if task else None,
            "repo_id": task["repo_id"] if task else None,
            "words": storable(words),
        }
        with self._engine.begin() as connection:
            number: int = connection.execute(insert(audit).values(row).returning(audit.c.id)).scalar_one()
        return number

    def end(self, number: int, outcome: str) -> None:
        """Record the action's outcome."""
        with self._engine.begin() as connection:
            connection.execute(update(audit).where(audit.c.id == number).values(outcome=storable(outcome)))

    def list_entries(self, task: int = 0) -> list[Row]:
        """The entries about a task, or all of them, the newest first."""
        query = select(audit).order_by(audit.c.id.desc()).limit(50)
        if task:
            query = query.where(audit.c.task == task)
        with self._engine.connect() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]
