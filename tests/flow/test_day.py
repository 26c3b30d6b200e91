"""The day of `day_story`, played to its end, with what must hold of it as a whole."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from bot.tasks.database.connection import Database
from tests.support import ROOT
from tests.support.day_story import AT, CHAPTERS, Day, dawn
from tests.support.flow import eventually

pytestmark = pytest.mark.timeout(400)


async def test_s78_a_day_on_a_repository(tmp_path: Path, home: Path, database: Database) -> None:
    async with dawn(tmp_path, home, database) as day:
        for chapter in CHAPTERS:
            await chapter(day)
        assert len(day.runs) == 9
        refusals = [
            each for each in await day.hob.comments("shop", day.prize) if "people who may write" in each
        ]
        assert len(refusals) == 1
        nobodys(day.asked)
        await eventually(lambda: at_rest(day), "a check of its own is still going on")


def nobodys(asked: list[str]) -> None:
    """That the bot neither merged nor decided any review."""
    assert any(one.startswith("POST") and one.split()[1].endswith("/reviews") for one in asked)
    decided = ("/merge", "/events", "/dismissals", "/requested_reviewers", "/merges")
    assert not [one for one in asked if one.split()[1].endswith(decided)]


def test_s78_what_a_pushed_branch_could_start_is_not_asked_for() -> None:
    manifest = yaml.safe_load((ROOT / "app.yml").read_text())
    rights = manifest["default_permissions"]
    assert not {"workflows", "administration", "actions", "secrets", "environments"} & rights.keys()


async def at_rest(day: Day) -> bool:
    """Whether no check of the bot's own says that it is at work."""
    commits = await day.people.get(f"{AT}/pulls/{day.pull}/commits")
    found = [await day.people.get(f"{AT}/commits/{each['sha']}/check-runs") for each in commits]
    return all(run["status"] == "completed" for each in found for run in each["check_runs"])
