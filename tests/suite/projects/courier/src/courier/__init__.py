"""Deliver messages."""

from courier.breaker import Breaker, Open
from courier.bus import Bus
from courier.parcel import Parcel, State, WrongStep
from courier.queue import JobQueue
from courier.retry import GaveUp, Policy, retry

__all__ = ["Breaker", "Bus", "GaveUp", "JobQueue", "Open", "Parcel", "Policy", "State", "WrongStep", "retry"]
