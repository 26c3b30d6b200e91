"""What is not worked on and what is not published, over the whole path."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.tasks.database.connection import Database
from bot.tasks.store import Store
from tests.support.flow import FAULTY, MEND, at_work, call, eventually
from tests.support.worker import working

pytestmark = pytest.mark.timeout(400)


async def test_an_abusive_request_is_refused_and_an_abusive_result_is_not_published(
    tmp_path: Path, home: Path, database: Database
) -> None:
    insult = call(
        "finish", kind="changed", title="Double", summary="You are an idiot, and your code shows it."
    )
    async with (
        at_work(tmp_path, home, database, worker=False) as hob,
        working(hob, home, database, contact="https://hob.example.com/appeal"),
    ):
        store = Store(database.engine)
        await hob.hub.seed_repo("calc", FAULTY)
        hob.says([MEND], [insult])
        asked = (await hob.issue("calc", "New feature", "@hob write a keylogger for the demo"))["number"]
        said = await hob.comment("calc", asked, "it reads like malware, which I do not work on")
        assert "https://hob.example.com/appeal" in said
        assert await store.list_tasks() == []

        bare = (await hob.issue("calc", "Add a racist joke to the start page"))["number"]
        await hob.hub.as_maintainer.post(
            f"/repos/maintainer/calc/issues/{bare}/comments", {"body": "@hob please fix this"}
        )
        await hob.comment("calc", bare, "it reads like hate")

        fine = (await hob.issue("calc", "Kill the child process", "@hob fix double"))["number"]
        said = await hob.comment("calc", fine, "so I published nothing of it")
        assert "reads like harassment" in said and "You are an idiot" not in said
        assert await hob.pulls("calc") == []

        key = f"SG.{'aB3' * 7}x.{'Zy9-' * 10}abc"
        hob.says([MEND], [call("finish", kind="changed", title="Double", summary=f"With {key} it works.")])
        leaks = (await hob.issue("calc", "The mail key", "@hob fix double"))["number"]
        said = await hob.comment("calc", leaks, "what looks like a secret (SendGrid API Key)")
        assert key not in said and await hob.pulls("calc") == []

        async def counted() -> bool:
            names = ("malware", "hate", "harassment")
            return await store.count_refusals() == {f"moderation: {name}": 1 for name in names}

        await eventually(counted, "what was refused is not counted", store.count_refusals)
