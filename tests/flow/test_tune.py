"""An operator tunes the offline engine on histories, has some repositories go without, and compares both."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from bot.cli.main import main
from bot.tasks.database.connection import Database
from bot.tasks.store import Store
from tests.support.dashboard import read_page
from tests.support.fix_history import make_fix_history
from tests.support.flow import FAULTY_PYTEST, at_work

pytestmark = pytest.mark.timeout(400)


async def run_hob(*words: str) -> str:
    """What the command prints."""
    done = await asyncio.to_thread(CliRunner().invoke, main, words)
    assert done.exit_code == 0, done.output
    return done.output


async def test_tuned_weights_are_learned_used_and_compared(
    tmp_path: Path, home: Path, database: Database, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOB_HOME", str(home))
    monkeypatch.setenv("HOB_DATABASE_URL", database.url)
    history = await asyncio.to_thread(make_fix_history, tmp_path / "shop")
    before = await asyncio.to_thread(read_page, "/experiments", database)
    assert "Every worker goes by the weights that Hob comes with" in before
    said = await run_hob("tune", str(history), "--fresh")
    assert "shop (MIT): 6 small fixes" in said and "does not show this" not in said
    assert json.loads((home / "tuned" / "weights.json").read_text())["weights"]
    async with at_work(tmp_path, home, database, model="offline") as hob:
        names = {"calc": "not set", "plain": "false"}
        numbers = {name: (await hob.hub.seed_repo(name, FAULTY_PYTEST))["id"] for name in names}
        await run_hob("flags", "set", "tuned", "false", "--for", f"repository:{numbers['plain']}")
        for name in names:
            issue = (await hob.issue(name, "Doubling is wrong", "@hob please fix the failing test"))["number"]
            await hob.comment(name, issue, "**Done**")
            (task,) = await store.list_tasks_on(f"{numbers[name]}#{issue}")
            told = await store.load_flags(task.id)
            said_to = (told or {}).get("tuned", {})
            assert said_to.get("value") is (False if name == "plain" else None), told
            assert not said_to.get("ignored"), "the worker has the weights"
    report = await run_hob("experiment", "tuned")
    assert "false" in report and "not set" in report
    page = await asyncio.to_thread(read_page, "/experiments?flag=tuned", database)
    assert "shop (MIT, 6 places)" in page and "not set" in page
