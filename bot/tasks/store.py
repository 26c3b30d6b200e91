"""All records over one database.

A caller that needs one kind of record takes its class (``LeaseRecords``, ``CostRecords``, ...); whoever puts
the parts together hands it the one ``Store``, which is all of them.
"""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncEngine

from bot.tasks.attempts import AttemptRecords
from bot.tasks.costs import CostRecords
from bot.tasks.deletion.removed_installations import RemovalRecords
from bot.tasks.deliveries.records import DeliveryRecords
from bot.tasks.deliveries.undelivered import UndeliveredRecords
from bot.tasks.learning.records import LearningRecords
from bot.tasks.leases.records import LeaseRecords
from bot.tasks.live.records import LiveRecords
from bot.tasks.notices.records import NoticeRecords
from bot.tasks.pulls.records import PullRecords
from bot.tasks.reports.records import ReportRecords
from bot.tasks.runs import RunRecords
from bot.tasks.safety.records import SafetyRecords
from bot.tasks.steering import SteeringRecords
from bot.tasks.tasks import TaskRecords
from bot.tasks.workers.records import WorkerRecords


class Store(
    DeliveryRecords,
    TaskRecords,
    LeaseRecords,
    RunRecords,
    AttemptRecords,
    SteeringRecords,
    CostRecords,
    SafetyRecords,
    PullRecords,
    LearningRecords,
    RemovalRecords,
    LiveRecords,
    NoticeRecords,
    WorkerRecords,
    ReportRecords,
    UndeliveredRecords,
):
    """Every kind of record over one pool of connections. It has no state of its own."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
