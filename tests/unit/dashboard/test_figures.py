"""The figures: what is counted, by what, for whom, and as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from bot.dashboard import create_app
from bot.dashboard.figures.query import build_figures_query, read_choice
from bot.dashboard.page_reader import PageReader
from bot.dashboard.server import engine_for
from bot.domain import Check, CheckResult, Proof, TaskState, Usage, Verdict
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


async def fill(store: Store, database: Database) -> None:
    """Two tasks on one pull request, proved and failed, of repository 11; one open task of another."""
    for number, state in ((1, TaskState.DONE), (2, TaskState.FAILED)):
        task = await store.add_task(make_request(number=number))
        claimed = await store.claim(task.id, "w")
        assert claimed
        await store.update_task(claimed[1], pull=7)
        proof = Proof(checks=(Check(name="test", command="pytest", base=RED, head=GREEN),))
        await store.finish_run(
            claimed[1], proof=proof if number == 1 else None, usage=Usage(turns=1, usd=0.25)
        )
        await store.release(claimed[1], state)
    await store.add_task(make_request(number=3, repo=12))
    async with database.engine.begin() as connection:
        await connection.execute(text("UPDATE tasks SET repo_full_name = '=cmd|evil' WHERE repo_id = 12"))


def table(client: FlaskClient, query: str) -> list[list[str]]:
    answer = client.get(f"/figures.csv?{query}")
    assert answer.mimetype == "text/csv"
    return [row[:8] for row in csv.reader(io.StringIO(answer.text))]


async def test_what_a_flag_said_is_compared(client: FlaskClient, store: Store, database: Database) -> None:
    await fill(store, database)
    told = """UPDATE runs SET flags = '{"prompt": {"value": "v2", "why": "by flag"}}' WHERE task = 1"""
    async with database.engine.begin() as connection:
        await connection.execute(text(told))
    _, *rows = table(client, "by=prompt-flag")
    assert [row[:4] for row in rows] == [["not set", "2", "0", "1"], ["v2", "1", "1", "0"]]
    assert [row[0] for row in table(client, "by=model-flag")[1:]] == ["not set"]
    assert "prompt-flag" in client.get("/figures").text
    assert "<dt>Flag prompt</dt><dd>v2, by flag</dd>" in client.get("/runs/1").text


async def test_tasks_are_counted_by_group(client: FlaskClient, store: Store, database: Database) -> None:
    await fill(store, database)
    head, *rows = table(client, "by=repository")
    assert head == ["repository", "tasks", "done", "failed", "pulls", "proved", "usd", "usd_per_pull"]
    assert rows == [
        ["octo/app", "2", "1", "1", "1", "1", "0.5", "0.5"],
        ["'=cmd|evil", "1", "0", "0", "0", "0", "0", ""],
    ]
    assert table(client, "by=person")[1][:2] == ["alice", "3"]
    assert len(table(client, "by=bogus&period=bogus")) == 2, "by week"
    page = client.get("/figures?by=repository").text
    assert "$0.50" in page and '<th scope="row">=cmd|evil</th>' in page


async def test_what_is_not_seen_is_not_counted(client: FlaskClient, store: Store, database: Database) -> None:
    await fill(store, database)
    reader: PageReader = client.application.extensions["reader"]
    choice = read_choice({"by": "repository"})
    assert [row["name"] for row in reader.select(build_figures_query(choice, [11]))] == ["octo/app"]
    assert reader.select(build_figures_query(choice, [])) == []
    async with database.engine.begin() as connection:
        await connection.execute(text("UPDATE tasks SET created_at = now() - interval '40 days'"))
    assert "No task in this time" in client.get("/figures?period=month").text


async def test_what_became_of_pull_requests_is_counted(
    client: FlaskClient, store: Store, database: Database
) -> None:
    await fill(store, database)  # one pull request, number 7
    for number in (8, 9, 10):
        task = await store.add_task(make_request(number=number))
        claimed = await store.claim(task.id, "w")
        assert claimed
        await store.update_task(claimed[1], pull=number)
        await store.finish_run(claimed[1], usage=Usage(turns=1, usd=0.5))
        await store.release(claimed[1], TaskState.DONE)
    for pull, merged in ((7, True), (8, True), (9, False)):
        await store.note_pull_end(11, pull, merged=merged, thumbs_up=1, thumbs_down=0)
    await store.note_pull_end(99, 10, merged=True, thumbs_up=5, thumbs_down=5)  # another repository's
    await store.note_revert(11, 8, by=12)
    async with database.engine.begin() as connection:
        await connection.execute(text("UPDATE pull_ends SET at = now() + interval '3 hours'"))
        await connection.execute(text("UPDATE tasks SET kind = 'revise' WHERE thread_number = 2"))
    answer = client.get("/figures.csv?by=repository")
    row = next(each for each in csv.DictReader(io.StringIO(answer.text)) if each["repository"] == "octo/app")
    told = ("pulls", "merged", "closed", "reverted", "rounds", "thumbs_up", "thumbs_down", "usd_per_merged")
    assert [row[name] for name in told] == ["4", "2", "1", "1", "0.25", "3", "0", "1"]
    assert row["merge_rate"] == "0.6667" and float(row["hours_to_merge"]) == pytest.approx(3, abs=0.1)
    page = client.get("/figures?by=week").text
    assert ">2 of 4 merged</text>" in page and "4 opened, 2 merged, 1 closed unmerged" in page
    assert "67%" in page and "3 up, 0 down" in page
    for by in ("model", "prompt", "person", "kind"):
        assert "<title" in client.get(f"/figures?by={by}").text
