"""The newest report of a command on each machine that it was run on."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, func, select

from bot.tasks.database.tables import command_reports
from bot.tasks.reports.records import ReportKind

MOST = 20


def select_reports(kind: ReportKind) -> Select[Any]:
    """``host``, ``version``, ``at`` and ``found`` of the newest one of each host, the newest first."""
    row = command_reports.c
    newest = select(func.max(row.id)).where(row.kind == kind.value).group_by(row.host)
    listed = select(row.host, row.version, row.at, row.found).where(row.id.in_(newest))
    return listed.order_by(row.id.desc()).limit(MOST)
