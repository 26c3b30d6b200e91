"""What ``hob redteam``, ``hob tune`` and ``hob export`` found, so that the dashboard can say it.

Nothing rests on it. Of each kind the newest ``MOST`` are kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.tasks.database.column_values import plain, storable
from bot.tasks.database.tables import command_reports

MOST = 50


class ReportKind(StrEnum):
    """The command that found it."""

    REDTEAM = "redteam"
    TUNE = "tune"
    EXPORT = "export"


class ReportRecords:
    """The table ``command_reports``."""

    engine: AsyncEngine

    async def add_report(self, kind: ReportKind, host: str, version: str, found: Mapping[str, Any]) -> None:
        """Store what a command found on ``host``; older ones of the kind than the newest ``MOST`` go."""
        row = command_reports.c
        new = {"kind": kind.value, "host": storable(host), "version": version, "found": plain(found)}
        newest = select(row.id).where(row.kind == kind.value).order_by(row.id.desc()).limit(MOST)
        async with self.engine.begin() as connection:
            await connection.execute(insert(command_reports).values(new))
            old = (row.kind == kind.value) & row.id.not_in(newest)
            await connection.execute(delete(command_reports).where(old))
