"""From whom requests are taken, over the whole path and at the terminal: a newcomer, a burst, a block."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bot.cli.main import main
from bot.tasks.database.connection import Database
from bot.tasks.store import Store
from tests.support.flow import DONE, FAULTY, MEND, at_work, eventually
from tests.support.worker import working

pytestmark = pytest.mark.timeout(400)
AT = "/repos/maintainer/calc"


async def run_hob(*arguments: str) -> Result:
    """A command, in a thread because it has an event loop of its own."""
    return await asyncio.to_thread(CliRunner().invoke, main, list(arguments))


async def test_a_newcomer_waits_for_a_nod_a_burst_is_stopped_and_a_block_holds(
    tmp_path: Path, home: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOB_HOME", str(home))
    monkeypatch.setenv("HOB_DATABASE_URL", database.url)
    more = {"first_requests": "hold", "person_hourly": 2, "contact": "hob@example.com"}
    async with (
        at_work(tmp_path, home, database, worker=False) as hob,
        working(hob, home, database, **more),
    ):
        hub, store = hob.hub, Store(database.engine)
        await hub.seed_repo("calc", FAULTY)
        await hub.as_maintainer.put(f"{AT}/collaborators/stranger", {"permission": "push"})
        hob.says([MEND], [DONE])

        async def say(who: object, number: int, words: str) -> None:
            await who.post(f"{AT}/issues/{number}/comments", {"body": words})  # type: ignore[attr-defined]

        first = (await hob.issue("calc", "Doubling is wrong", "@hob fix it", stranger=True))["number"]
        await hob.comment("calc", first, "it waits until a maintainer says `@hob admit stranger` here")
        assert await store.list_tasks() == [] and await hob.pulls("calc") == []
        await say(hub.as_maintainer, first, "@hob admit stranger")
        await hob.comment("calc", first, "**Done**")

        hob.says([{"name": "finish", "args": {"kind": "answered", "summary": "Since it adds."}}])
        await say(hub.as_stranger, first, "@hob why was it wrong?")
        await hob.comment("calc", first, "Since it adds.")
        await say(hub.as_stranger, first, "@hob and why?")
        said = await hob.comment(
            "calc", first, "No more than 2 requests in an hour are taken from `stranger`"
        )
        assert "write to who runs this Hob: hob@example.com" in said

        done = await run_hob("block", "stranger", "--reason", "a burst")
        assert done.exit_code == 0 and "blocked, 0 tasks stopped" in done.output, done.output
        assert "stranger  all  the operator" in (await run_hob("block")).output
        other = (await hob.issue("calc", "More", "@hob fix it", stranger=True))["number"]
        await hob.comment(
            "calc", other, "I take no requests from `stranger`: whoever runs this Hob decided so"
        )
        missing = await run_hob("block", "nobody-knows")
        assert missing.exit_code == 1 and "give the account's number" in missing.output
        assert (await run_hob("unblock", "stranger")).exit_code == 0
        assert (await run_hob("unblock", "stranger")).exit_code == 1
        assert len(await store.list_tasks()) == 2

        async def counted() -> bool:
            return await store.count_refusals() == {"first request": 1, "too much asked": 1, "blocked": 1}

        await eventually(counted, "what was refused is not counted", store.count_refusals)
