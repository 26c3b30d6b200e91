"""Whose turn it is: decided when a task is claimed, by installation, repository and person."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import text

from bot.domain import Person, Request, TaskState, TriggerKind
from bot.tasks.database.connection import Database
from bot.tasks.database.reading import read_from
from bot.tasks.leases.next_task import FAIR_CHOICE
from bot.tasks.leases.records import _CLAIM
from bot.tasks.store import Store
from tests.support.tasks import make_request


def ask(*, person: int = 7, automatic: bool = False, **place: int) -> Request:
    """A request of a person, or of a check that failed."""
    made = make_request(**place)
    trigger = made.event.trigger
    assert trigger
    if automatic:
        trigger = replace(trigger, kind=TriggerKind.CHECK)
    sender = Person(id=person, login=f"person{person}")
    return replace(made, event=replace(made.event, sender=sender, trigger=trigger))


async def serve(store: Store, most: int) -> list[int]:
    """Claim and end one task after the other; their ids in order."""
    order: list[int] = []
    while len(order) < most and (task := await store.find_next_task()) is not None:
        claimed = await store.claim(task, "w")
        assert claimed
        await store.release(claimed[1], TaskState.DONE)
        order.append(task)
    return order


async def test_s23_a_repository_with_five_hundred_tasks_keeps_no_other_waiting(
    store: Store, database: Database
) -> None:
    first = await store.add_task(ask(repo=1, number=1))
    async with database.engine.begin() as connection:
        columns = """kind, installation, repo, repo_id, repo_full_name, thread, thread_number, trigger,
            requester, request"""
        await connection.execute(
            text(f"""
                INSERT INTO tasks ({columns}, thread_key, delivery)
                SELECT {columns}, '1#' || n, 'flood' || n FROM tasks, generate_series(2, 500) n
                WHERE id = :id
            """),
            {"id": first.id},
        )
    others = {(await store.add_task(ask(repo=repo, number=1))).id for repo in range(2, 51)}
    order = await serve(store, 60)
    assert others <= set(order), "every other repository's first task is within the first sixty"


async def test_s23_installations_come_before_repositories_and_these_before_people(store: Store) -> None:
    async def add(installation: int, repo: int, person: int, number: int) -> int:
        request = ask(installation=installation, repo=repo, person=person, number=number)
        return (await store.add_task(request)).id

    flood = [await add(1, 11, 7, number) for number in range(4)]
    same_repo = await add(1, 11, 8, 9)
    other_repo = await add(1, 12, 7, 1)
    elsewhere = [await add(2, 21, 9, number) for number in range(2)]
    assert await serve(store, 99) == [
        flood[0], elsewhere[0], other_repo, elsewhere[1], same_repo, *flood[1:]
    ]  # fmt: skip
    assert await store.find_next_task() is None


async def test_s23_a_person_comes_before_a_check(store: Store) -> None:
    automatic = (await store.add_task(ask(automatic=True, number=1))).id
    asked = [(await store.add_task(ask(number=number))).id for number in (2, 3)]
    assert await serve(store, 99) == [*asked, automatic]


async def test_a_blocked_thread_is_passed_over(store: Store) -> None:
    task = await store.add_task(ask(number=1))
    assert await store.claim(task.id, "w")
    await store.add_task(ask(number=1))
    other = await store.add_task(ask(number=2))
    assert await store.find_next_task() == other.id


async def test_the_choice_stays_prepared(store: Store, database: Database) -> None:
    """As long as nothing rolls back on its connection: planning it takes longer than running it."""
    for _ in range(8):
        await store.find_next_task()
    query = "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE 'WITH lately%'"
    async with read_from(database.engine) as connection:
        assert await connection.scalar(text(query)) == 1


def test_a_plan_of_a_claim_can_be_kept(database: Database) -> None:
    """PostgreSQL matches a partial index with a literal state alone."""
    for statement in (_CLAIM, FAIR_CHOICE):
        compiled = str(statement.compile(dialect=database.engine.dialect))
        assert "state = 'queued'" in compiled
        assert "state = %(" not in compiled
        assert "POSTCOMPILE" not in compiled, "a list of parameters is written out anew each time"
