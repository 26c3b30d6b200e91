"""Requests to put into a store, and waiting for what becomes of them."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime

from bot.domain import Event, Person, Repo, Request, TaskKind, Thread, Trigger, TriggerKind
from bot.tasks.deliveries.arrivals import ArrivedDelivery, Stored
from bot.tasks.deliveries.records import DeliveryRecords

_numbers = itertools.count(1)
ALICE = Person(id=7, login="alice")


def make_request(
    *,
    number: int = 3,
    delivery: str = "",
    request: str = "fix the bug",
    installation: int = 5,
    repo: int = 11,
) -> Request:
    """A request on issue ``number`` of repository ``repo``, from a delivery of its own by default."""
    trigger = Trigger(
        kind=TriggerKind.COMMENT,
        id=99,
        text=f"@hob {request}",
        author=ALICE,
        url="https://github.test/octo/app/issues/3#issuecomment-99",
        at=datetime(2026, 3, 1, 12, tzinfo=UTC),
    )
    event = Event(
        delivery=delivery or f"00000000-0000-0000-0000-{next(_numbers):012d}",
        name="issue_comment",
        action="created",
        installation=installation,
        sender=ALICE,
        repo=Repo(
            id=repo, owner="octo", name="app", default_branch="main", clone_url="https://github.test/octo/app"
        ),
        thread=Thread(
            number=number,
            is_pull=False,
            title="It breaks",
            body="See \x00 and \ud800.",
            author=ALICE,
            url="https://github.test/octo/app/issues/3",
            labels=("bug",),
        ),
        trigger=trigger,
    )
    return Request(kind=TaskKind.CHANGE, request=request, event=event)


async def until(true: Callable[[], Awaitable[bool]], seconds: float = 60) -> None:
    """Wait for something to be so."""
    async with asyncio.timeout(seconds):
        while True:
            if await true():
                return
            await asyncio.sleep(0.02)


async def add_delivery(
    store: DeliveryRecords,
    guid: str,
    event: str,
    body: bytes,
    headers: Mapping[str, str] | None = None,
    *,
    action: str = "",
) -> Stored:
    """Store one delivery; what became of it."""
    arrived = ArrivedDelivery(guid=guid, event=event, body=body, headers=headers or {}, action=action)
    (stored,) = await store.add_deliveries([arrived])
    return stored
