"""Processes that start while what they need is away: they wait, say so once, and go on."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import aiohttp
import psycopg
import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from bot.demo.free_port import find_free_port
from bot.errors import UserError
from bot.serve.process import identify_or_wait, open_database_or_wait, start_process
from bot.serve.web import serve_web
from bot.settings import load
from bot.tasks.database.connection import DatabaseTrouble, wait_for_database
from tests.conftest import at_database
from tests.support.github_scripted import github, scripted
from tests.support.pipeline import BOT
from tests.support.tasks import until


async def test_s06_web_without_a_database_listens_says_so_and_goes_on(postgres: str, tmp_path: Path) -> None:
    port, stop = find_free_port(), asyncio.Event()
    settings = load(
        home=tmp_path,
        database_url=at_database(postgres, "late"),
        webhook_secret="open-sesame-please",
        port=port,
    )  # its database is made later
    serving = asyncio.create_task(serve_web(settings, stop))
    async with (
        aiohttp.ClientSession() as http,
        await psycopg.AsyncConnection.connect(postgres, autocommit=True) as admin,
    ):

        async def ready(status: int) -> bool:
            try:
                async with http.get(f"http://127.0.0.1:{port}/readyz") as answer:
                    return answer.status == status
            except aiohttp.ClientError:
                assert not serving.done(), serving.exception()
                return False

        await until(lambda: ready(503), 20)
        await admin.execute("CREATE DATABASE late STRATEGY file_copy")
        await until(lambda: ready(200), 30)
        stop.set()
        await serving
        await admin.execute("DROP DATABASE late WITH (FORCE)")


async def test_s06_a_database_that_is_there_is_migrated_before_it_is_used(
    postgres: str, tmp_path: Path
) -> None:
    settings = load(home=tmp_path, database_url=at_database(postgres, "template"))
    async with open_database_or_wait(settings, asyncio.Event()) as database:
        async with database.engine.connect() as connection:
            assert await connection.scalar(text("SELECT count(*) FROM tasks")) == 0
        await database.engine.dispose()


async def test_a_wait_for_a_database_ends_with_the_stop_and_is_no_use_for_a_bad_address(
    postgres: str,
) -> None:
    stop = asyncio.Event()
    with capture_logs() as logs:
        waiting = asyncio.create_task(wait_for_database(at_database(postgres, "never"), stop, every=0.01))
        await asyncio.sleep(0.3)
        stop.set()
        assert await waiting is False
    assert [each["event"] for each in logs] == ["database.waiting"]
    with pytest.raises(DatabaseTrouble, match="must look like"):
        await wait_for_database("mysql://x", asyncio.Event())


async def test_a_worker_waits_for_a_github_that_is_away_and_not_for_one_that_refuses_it() -> None:
    async with scripted() as script, github(script) as hub:
        script.on("GET /app", *[(503, {})] * 6, {"id": 7, "slug": "hob"})
        script.on("GET /app/installations", [{"id": 55}])
        script.on("GET /users/hob[bot]", BOT)
        with capture_logs() as logs:
            app = await identify_or_wait(hub, asyncio.Event(), every=0.01)
        assert app is not None and app.slug == "hob"
        assert [each["event"] for each in logs if each["log_level"] == "error"] == ["github.waiting"]
    async with scripted() as script, github(script) as hub:
        script.on("GET /app", (401, {"message": "A JSON web token could not be decoded"}))
        with pytest.raises(UserError, match="credentials"):
            await identify_or_wait(hub, asyncio.Event(), every=0.01)


def test_every_process_warns_of_names_and_addresses_that_are_most_likely_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOB_MODLE", "offline")
    start_process(load(home=tmp_path, app_id=7))
    unknown, links = map(json.loads, capsys.readouterr().err.splitlines())
    assert unknown["event"] == "settings.unknown" and "did you mean HOB_MODEL?" in unknown["mend"]
    assert links["event"] == "settings.local_links" and "HOB_BASE_URL" in links["mend"]
    monkeypatch.delenv("HOB_MODLE")
    start_process(load(home=tmp_path, app_id=7, base_url="https://hob.example"))
    assert not capsys.readouterr().err
