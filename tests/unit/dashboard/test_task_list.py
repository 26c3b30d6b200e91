"""The list of tasks: what it says of each, what narrows it, and its pages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from bot.dashboard import create_app
from bot.dashboard.rendering.verdict import judge_task
from bot.dashboard.server import engine_for
from bot.domain import Check, CheckResult, Outcome, OutcomeKind, Proof, TaskState, Usage, Verdict
from bot.settings import load
from bot.tasks.database.connection import Database, sqlalchemy_url
from bot.tasks.store import Store
from tests.support.tasks import make_request

RED = CheckResult(verdict=Verdict.FAILED, exit_code=1, seconds=1.2, passed=9, failed=1)
GREEN = CheckResult(verdict=Verdict.PASSED, exit_code=0, seconds=1.1, passed=10)


@pytest.fixture
def client(database: Database) -> Iterator[FlaskClient]:
    engine = engine_for(sqlalchemy_url(database.url))
    yield create_app(load(), engine).test_client()
    engine.dispose()


async def add(store: Store, words: str, *, number: int, head: CheckResult | None = None) -> int:
    """A task that asks for something; with ``head`` it is done and its check ended so."""
    task = await store.add_task(make_request(number=number, request=words))
    if head is not None:
        claimed = await store.claim(task.id, "w")
        assert claimed
        attempt = await store.begin_attempt(claimed[1], model="test:small")
        await store.finish_run(
            claimed[1],
            outcome=Outcome(kind=OutcomeKind.CHANGED, title="Mend", summary="So"),
            proof=Proof(checks=(Check(name="test", command="pytest", base=RED, head=head),)),
            usage=Usage(turns=1, usd=0.25),
        )
        await store.choose_attempt(claimed[1], task.id, attempt.ordinal)
        await store.release(claimed[1], TaskState.DONE)
    return task.id


def shown(client: FlaskClient, query: str) -> list[int]:
    """The tasks on a page, by number."""
    page = client.get(f"/?{query}").text
    return [int(part.split('"', 1)[0]) for part in page.split('<li class="card" id="task-')[1:]]


async def test_a_task_says_what_was_asked_and_what_became_of_it(client: FlaskClient, store: Store) -> None:
    await add(store, "Round   prices\nhalf up", number=1, head=GREEN)
    page = client.get("/").text
    for said in ("Round prices half up", "proved", "$0.25", "test:small", "octo/app#1", "alice", "just now"):
        assert said in page, said


async def test_the_list_is_narrowed_by_the_address(
    client: FlaskClient, store: Store, database: Database
) -> None:
    good = await add(store, "Round prices half up", number=1, head=GREEN)
    bad = await add(store, "Mend the rounding of taxes", number=2, head=RED)
    waits = await add(store, "Explain #4 it's 100% % _ ' \\ & | !", number=7)
    async with database.engine.begin() as connection:
        await connection.execute(
            text(f"UPDATE tasks SET created_at = now() - interval '3 days' WHERE id = {good}")
        )
    assert shown(client, "") == [waits, bad, good]
    for query, found in {
        "words=round": [bad, good],
        "words=ROUND+up": [good],
        "words=breaks": [waits, bad, good],  # the thread's title
        "words=%237": [waits],
        "words=octo/app%232": [bad],
        "words=nobody/app%232": [],
        "words=it's+100%25+'+%5C+%26+%7C+!": [waits],
        "words=%00%27%29+or+1": [],
        "verdict=proved": [good],
        "verdict=fails": [bad],
        "state=queued": [waits],
        "person=ALICE": [waits, bad, good],
        "person=bob": [],
        "repo=octo/app": [waits, bad, good],
        "repo=octo/ap": [],
        "kind=change&period=day": [waits, bad],
        "kind=answer": [],
        f"before={bad}": [good],
        "state=bogus&kind=bogus&verdict=bogus&period=bogus": [waits, bad, good],
    }.items():
        assert shown(client, query) == found, query


async def test_pages_go_on_where_the_last_one_ended(
    client: FlaskClient, store: Store, database: Database
) -> None:
    first = await add(store, "one of many", number=1)
    many = "INSERT INTO tasks (kind, installation, repo, repo_id, repo_full_name, thread, thread_number,"
    same = "installation, repo, repo_id, repo_full_name, thread, thread_number"
    async with database.engine.begin() as connection:
        await connection.execute(
            text(
                f"{many} thread_key, trigger, requester, request, delivery) SELECT kind, {same}, thread_key,"
                f" trigger, requester, request, 'd' || n FROM tasks, generate_series(1, 119) n"
                f" WHERE id = {first}"
            )
        )
    pages = [shown(client, "")]
    while len(pages[-1]) == 50:
        pages.append(shown(client, f"state=queued&before={pages[-1][-1]}"))
    numbers = [number for page in pages for number in page]
    assert len(numbers) == len(set(numbers)) == 120 and numbers == sorted(numbers, reverse=True)
    assert "state=queued" in client.get("/?state=queued").text.split('id="older"')[1][:200]


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ({"state": "queued"}, "in the queue"),
        ({"state": "running", "phase": "prove"}, "running the checks"),
        ({"state": "running", "cancel_asked": True}, "stopping"),
        ({"state": "waiting", "reason": "the daily budget is used"}, "waits: the daily budget is used"),
        ({"state": "refused"}, "refused"),
        ({"state": "cancelled"}, "stopped"),
        ({"state": "done", "kind": "review"}, "reviewed"),
        ({"state": "done", "verdict": "doubtful"}, "proved, with a warning"),
        ({"state": "done", "verdict": "partly"}, "mends some of the tests"),
        ({"state": "done", "proof": {"checks": []}}, "not run"),  # as an older version stored it
        ({"state": "done", "verdict": "of a newer version"}, "done"),
    ],
)
def test_the_verdict_in_words(row: dict[str, object], text: str) -> None:
    usual = {
        "kind": "change",
        "reason": "",
        "phase": None,
        "cancel_asked": False,
        "verdict": "",
        "proof": None,
    }
    assert judge_task(usual | row).text == text
