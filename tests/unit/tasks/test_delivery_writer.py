"""Deliveries that arrive together share a commit; each still hears what became of its own."""

from __future__ import annotations

import asyncio

import pytest
import structlog
from sqlalchemy import event, text

from bot.tasks.database.connection import Database
from bot.tasks.database.tables import DeliveryState
from bot.tasks.deliveries.arrivals import ArrivedDelivery
from bot.tasks.deliveries.writer import MOST_BYTES, DeliveryWriter, StoringTooSlow
from bot.tasks.queue import Queue
from bot.tasks.store import Store
from bot.tasks.sweep import sweep
from tests.support.tasks import add_delivery, until


def arrived(guid: str, body: bytes = b"{}") -> ArrivedDelivery:
    """A delivery without anything special."""
    return ArrivedDelivery(guid=guid, event="issues", body=body, headers={"x": "1"})


async def count(database: Database, query: str) -> int:
    """What a query counts."""
    async with database.engine.connect() as connection:
        return int(await connection.scalar(text(query)) or 0)


def count_commits(database: Database) -> list[int]:
    """A list that grows with every commit from now on."""
    seen: list[int] = []
    event.listen(database.engine.sync_engine, "commit", lambda _: seen.append(1))
    return seen


async def test_s10_five_hundred_at_once_take_a_few_commits_and_wake_ups(
    store: Store, database: Database
) -> None:
    writer, commits = DeliveryWriter(store), count_commits(database)
    stored = await asyncio.gather(*(writer.add(arrived(f"g{number}")) for number in range(500)))
    assert set(stored) == {"new"}
    assert await count(database, "SELECT count(*) FROM deliveries") == 500
    assert len(commits) <= 12
    assert await count(database, "SELECT count(*) FROM procrastinate_jobs") <= 12


async def test_one_alone_is_stored_at_once_with_its_own_job(store: Store, database: Database) -> None:
    assert await DeliveryWriter(store).add(arrived("g")) == "new"
    query = "SELECT count(*) FROM procrastinate_jobs WHERE queueing_lock = 'delivery:g'"
    assert await count(database, query) == 1


async def test_who_comes_as_a_commit_ends_begins_another(store: Store) -> None:
    writer = DeliveryWriter(store)
    async with asyncio.timeout(20):
        for number in range(10):  # in the very step in which the one before was answered
            assert await writer.add(arrived(f"g{number}")) == "new"


async def test_each_hears_of_its_own(store: Store) -> None:
    writer = DeliveryWriter(store)
    await writer.add(arrived("known"))
    together = [
        arrived("known"),
        arrived("known", b"[]"),
        arrived("new"),
        arrived("new"),
        arrived("new", b"[]"),
    ]
    answers = await asyncio.gather(*(writer.add(each) for each in together))
    assert answers == ["duplicate", "conflict", "new", "duplicate", "conflict"]


async def test_a_delivery_that_cannot_be_stored_takes_no_other_with_it(
    store: Store, database: Database
) -> None:
    async with database.engine.begin() as connection:
        await connection.execute(
            text("ALTER TABLE deliveries ADD CONSTRAINT bad CHECK (guid <> 'bad') NOT VALID")
        )
    writer = DeliveryWriter(store)
    asked = [writer.add(arrived(guid)) for guid in ("a", "b", "bad", "c", "d")]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert [each for each in answers if each == "new"] == ["new"] * 4
    assert "bad" in str(answers[2])


async def test_large_bodies_are_not_stored_in_one_statement(store: Store, database: Database) -> None:
    writer, commits = DeliveryWriter(store), count_commits(database)
    body = b'"' + b"x" * (MOST_BYTES // 2 + 1) + b'"'
    await asyncio.gather(*(writer.add(arrived(f"g{number}", body)) for number in range(4)))
    assert len(commits) == 4


async def test_who_gave_up_waiting_does_not_hold_up_others(store: Store) -> None:
    writer = DeliveryWriter(store)
    asked = [writer.add(arrived(f"g{number}")) for number in range(9)]
    asked[4].cancel()
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert [each for each in answers if each != "new"] == [answers[4]]
    assert await store.get_delivery("g4") is None
    assert await writer.add(arrived("later")) == "new"


async def test_s07_who_waited_too_long_hears_of_it_and_is_not_stored_later(
    store: Store, database: Database
) -> None:
    writer = DeliveryWriter(store)
    async with database.engine.connect() as blocker:
        await blocker.execute(text("LOCK TABLE deliveries IN ACCESS EXCLUSIVE MODE"))
        begun = writer.add(arrived("begun"), within=0.3)

        async def is_held_up() -> bool:
            return bool(await blocker.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")))

        await until(is_held_up)
        late = writer.add(arrived("late"), within=0.3)
        patient = writer.add(arrived("patient"))
        for answer in (begun, late):
            with pytest.raises(StoringTooSlow):
                await answer
        await blocker.rollback()
    assert await patient == "new"
    assert await store.get_delivery("late") is None
    assert await writer.add(arrived("begun")) == "duplicate", "its commit was under way, and only slow"


async def test_so_many_may_wait_and_no_more(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.tasks.deliveries.writer.MOST_WAITING", 3)
    writer = DeliveryWriter(store)
    asked = [writer.add(arrived(f"g{number}")) for number in range(4)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert answers[:3] == ["new"] * 3
    assert isinstance(answers[3], StoringTooSlow)


async def test_commits_that_follow_each_other_quickly_gather(store: Store, database: Database) -> None:
    """One every millisecond, as at 1,000 a second, with a database that needs no time."""
    writer, commits = DeliveryWriter(store), count_commits(database)
    asked = []
    for number in range(100):
        asked.append(writer.add(arrived(f"g{number}")))
        await asyncio.sleep(0.001)
    assert set(await asyncio.gather(*asked)) == {"new"}
    assert len(commits) <= 60


async def test_one_line_of_the_log_tells_of_a_commit(store: Store) -> None:
    writer = DeliveryWriter(store)
    with structlog.testing.capture_logs() as lines:
        await asyncio.gather(*(writer.add(arrived(guid)) for guid in ("a", "b", "b")))
        await asyncio.gather(*(writer.add(arrived(guid)) for guid in "cdefg"))
    stored = [line for line in lines if line["event"] == "deliveries.stored"]
    told = [(line["deliveries"], line["count"], line["new"]) for line in stored]
    assert told == [("a b b", 3, 2), ("c d e f and 1 more", 5, 5)]


async def test_what_unicode_and_bytes_allow_comes_back_as_it_was(store: Store) -> None:
    body = bytes(range(256)) * 3 + b'\\"{},NULL'
    odd = ArrivedDelivery(
        guid="odd",
        event="issues",
        body=body,
        headers={'a"\\{},': "\u00e9\u2028 NULL"},
        action="a\x00\ud800b",
        installation=2**62,
        about='https://github.test/"{},\\',
    )
    plain = ArrivedDelivery(guid="plain", event="issues", body=b"", headers={}, about=None)
    assert await store.add_deliveries([odd, plain]) == ["new", "new"]
    found = await store.get_delivery("odd")
    assert found is not None
    assert (found.body, found.headers, found.installation) == (body, odd.headers, 2**62)
    assert found.action == "a\ufffd\ufffdb"
    empty = await store.get_delivery("plain")
    assert empty is not None
    assert (empty.body, empty.headers) == (b"", {})


@pytest.mark.parametrize("woken", [True, False], ids=["by its job", "by the sweep"])
async def test_s24_deliveries_of_one_commit_are_all_handled(
    store: Store, database: Database, woken: bool
) -> None:
    names = [f"g{number}" for number in range(40)]
    await store.add_deliveries([arrived(guid) for guid in names])
    found = await sweep(database.engine)
    assert found is not None
    assert found.deliveries == 0, "the job that names them all is there"
    if not woken:
        async with database.engine.begin() as connection:
            await connection.execute(text("DELETE FROM procrastinate_jobs"))
    handled: set[str] = set()
    together = most = 0

    async def handle(guid: str) -> None:
        nonlocal together, most
        together += 1
        most = max(most, together)
        await asyncio.sleep(0.002)
        together -= 1
        handled.add(guid)

    async def work(_: int) -> None:
        raise AssertionError("there is no task")

    stop = asyncio.Event()
    queue = Queue(database, every=0.2)
    running = asyncio.create_task(queue.run(on_delivery=handle, on_task=work, concurrency=1, stop=stop))

    async def all_handled() -> bool:
        left = "SELECT count(*) FROM deliveries WHERE state <> 'handled'"
        return await count(database, left) == 0

    await until(all_handled)
    stop.set()
    await running
    assert handled == set(names)
    assert most <= 8


async def test_a_job_of_a_newer_version_leaves_its_deliveries_to_the_sweep(
    store: Store, database: Database
) -> None:
    """As where an older worker meets a job that it does not know."""
    await store.add_deliveries([arrived("a"), arrived("b")])
    async with database.engine.begin() as connection:
        await connection.execute(text("UPDATE procrastinate_jobs SET task_name = 'of another version'"))
    found = await sweep(database.engine)
    assert found is not None
    assert found.deliveries == 2
    assert await add_delivery(store, "a", "issues", b"{}") == "duplicate"
    delivery = await store.get_delivery("a")
    assert delivery is not None
    assert delivery.state is DeliveryState.NEW
