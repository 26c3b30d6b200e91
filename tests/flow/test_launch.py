"""An operator launches: a model for pilots, a prompt whose release is rolled back, the kill switch."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import text

from bot.cli.main import main
from bot.domain import TaskState
from bot.flags.releases import step_releases
from bot.tasks.database.connection import Database
from bot.tasks.store import Store
from tests.support.flow import DONE, FAULTY, MEND, at_work, eventually
from tests.support.releases import add_ended_tasks

pytestmark = pytest.mark.timeout(300)


async def hob_flags(*words: str) -> str:
    """What ``hob flags`` prints."""
    done = await asyncio.to_thread(CliRunner().invoke, main, ["flags", *words])
    assert done.exit_code == 0, done.output
    return done.output


async def count_since_pause(database: Database) -> dict[str, int]:
    """The runs that began, and the turns that were stored, since everything was paused."""
    since = "(SELECT since FROM pauses WHERE scope = 'all')"
    asked = {
        "runs begun": f"SELECT count(*) FROM runs WHERE started_at > {since}",
        "turns": f"SELECT count(*) FROM turns WHERE at > {since}",
    }
    async with database.engine.connect() as connection:
        return {name: (await connection.scalar(text(query))) or 0 for name, query in asked.items()}


async def test_a_pilot_gets_the_new_model_and_a_kill_stops_it(
    tmp_path: Path, home: Path, database: Database, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    new, prompts = tmp_path / "new.json", tmp_path / "prompts"
    prompts.mkdir()
    (prompts / "terse.md").write_text("You are Hob, and terse.")
    new.write_text(json.dumps([{"calls": [MEND]}, {"calls": [DONE]}]))
    for name, value in (("MODELS", f"scripted:{new}"), ("PROMPTS", str(prompts)), ("HOME", str(home))):
        monkeypatch.setenv(f"HOB_{name}", value)
    monkeypatch.setenv("HOB_DATABASE_URL", database.url)
    async with at_work(tmp_path, home, database) as hob:
        await hob.hub.seed_repo("calc", FAULTY)
        number = (await hob.hub.as_maintainer.get("/repos/maintainer/calc"))["id"]
        await hob_flags("pilots", "early", "--add", f"repository:{number}")
        await hob_flags("set", "model", f"scripted:{new}", "--for", "pilots:early")
        await hob_flags("release", "prompt", "terse", "--steps", "99.999,100")
        issue = (await hob.issue("calc", "Doubling is wrong", "@hob please fix this"))["number"]
        await hob.comment("calc", issue, "**Done**")
        (task,) = await store.list_tasks_on(f"{number}#{issue}")
        (run,) = await store.list_runs(task.id)
        (first, *_) = await store.list_turns(run.id)
        assert first.record["messages"][0]["parts"][0]["content"] == "You are Hob, and terse."
        await hob.hub.as_maintainer.post(
            f"/repos/maintainer/calc/issues/{issue}/comments", {"body": "@hob config"}
        )
        shown = await hob.comment("calc", issue, "What I go by here")
        assert "| `model` | `scripted` | by flag `model` for pilots:early |" in shown
        why = "since this thread is in the 99.999% of the release of flag `prompt`"
        assert f"| `flag prompt` | `terse` | {why} |" in shown

        await add_ended_tasks(database, 1, taken=True, step=99.999, failed=20)
        await add_ended_tasks(database, 1, taken=False, step=99.999, proved=20)
        async with database.engine.begin() as connection:
            assert await connection.run_sync(step_releases) == 1
        assert "stepped back" in (told := await hob_flags("list")), told
        assert "failed: 95% of 21 tasks, 0% of 20 of the rest" in told, "the task of above is among them"

        await hob_flags("set", "model", f"scripted:{new}", "--percent", "0", "--for", "pilots:early")
        hob.says_held([MEND], [DONE])
        running = (await hob.issue("calc", "Doubling is wrong again", "@hob please fix this"))["number"]
        await hob.until_asked()
        said = await hob_flags("kill", "--running", "--reason", "a key leaked")
        assert "1 runs stop within seconds" in said
        stopped = await hob.comment("calc", running, "whoever runs this Hob stopped it: a key leaked")
        assert "Nothing was published" in stopped
        after = await count_since_pause(database)
        assert after == {"runs begun": 0, "turns": 0}, "by the database's clock, however busy the machine"
        waiting = (await hob.issue("calc", "Once more", "@hob please fix this"))["number"]

        async def find() -> TaskState | None:
            found = await store.list_tasks_on(f"{number}#{waiting}")
            return found[0].state if found else None

        await eventually(find, "the request is not kept")
        assert "PAUSED: all" in await hob_flags("list")
        at = f"/repos/maintainer/calc/issues/{waiting}/comments"
        await hob.hub.as_maintainer.post(at, {"body": "@hob status"})
        await hob.comment("calc", waiting, "waits until whoever runs this Hob lets work go on")
        assert await find() is TaskState.QUEUED
        forecast = await asyncio.to_thread(CliRunner().invoke, main, ["forecast", "10:50", "--workers", "1"])
        assert forecast.exit_code == 0 and "| 10 " in forecast.output, forecast.output
        hob.says([MEND], [DONE])
        await hob_flags("resume")

        async def is_done() -> bool:
            return await find() is TaskState.DONE

        await eventually(is_done, "nothing was resumed", find)
