"""A worker's heartbeat: every few seconds it stores its state in the database."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from pathlib import Path

import structlog
from sqlalchemy.exc import SQLAlchemyError

from bot import __version__
from bot.serve.metrics.worker import WorkerMetrics
from bot.tasks.database.transactions import first_line, is_unreachable
from bot.tasks.workers.records import WorkerRecords, WorkerState
from bot.workspace.disk_cache import DiskCache

log = structlog.get_logger(__name__)

EVERY_SECONDS = 10.0


async def report_presence(
    records: WorkerRecords, worker: str, slots: int, metrics: WorkerMetrics, disk_cache: DiskCache
) -> None:
    """Report until cancelled, then that the worker is gone; skipped while the database is away."""
    try:
        while True:
            disk = disk_cache.last  # None until it was measured first
            state = WorkerState(
                worker=worker,
                version=__version__,
                slots=slots,
                memory_bytes=read_memory(),
                cache_bytes=disk.taken if disk else 0,
                free_bytes=disk.free if disk else 0,
                limits=metrics.limits,
            )
            try:
                await records.note_worker(state)
            except Exception as trouble:  # the loop's boundary: the next one may be stored
                if not is_unreachable(trouble):
                    log.exception("presence.not_stored")
                log.warning("presence.database_away", error=first_line(trouble))
            await asyncio.sleep(EVERY_SECONDS)
    finally:
        with suppress(SQLAlchemyError, OSError):
            await records.forget_worker(worker)


def read_memory() -> int:
    """The resident bytes of this process: https://man7.org/linux/man-pages/man5/proc_pid_statm.5.html"""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
