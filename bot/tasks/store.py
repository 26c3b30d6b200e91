"""The store: everything Hob knows about deliveries, tasks and runs, in one place to hand around."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncEngine

from bot.tasks.attempts import AttemptRecords
from bot.tasks.costs import Costs
from bot.tasks.deliveries import DeliveryRecords
from bot.tasks.leases import Claims
from bot.tasks.runs import RunRecords
from bot.tasks.steering import SteeringRecords
from bot.tasks.tasks import TaskRecords


class Store(DeliveryRecords, TaskRecords, Claims, RunRecords, AttemptRecords, SteeringRecords, Costs):
    """All records over one pool of connections. Stateless: any number of them may be open."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
