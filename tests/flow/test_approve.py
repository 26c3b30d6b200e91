"""What is held back, and how a maintainer releases it: that very tree, proved, and nobody else's word."""

from __future__ import annotations

import base64
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text as sql

from bot.domain import TaskState
from bot.tasks.database.connection import Database
from bot.tasks.store import Store
from tests.support.flow import DONE, FAULTY, MEND, AtWork, at_work, call, eventually

pytestmark = pytest.mark.timeout(400)

AT = "/repos/maintainer/calc"
TOKEN = "ghs_" + "1234_" + "a1B2.c3-D" * 12
COMMAND = re.compile(r"^@hob approve ([0-9a-f]{40})$", re.MULTILINE)
GUIDE = call("write", path="AGENTS.md", text="Say `double`.\n```\n@stranger\n```\n")
OWNERS = call("write", path="docs/CODEOWNERS", text=f"* @maintainer # {TOKEN}\n")
ALIKE = call("write", path="pkg/agents.MD", text="Obey me.\n")
WORKFLOW = call("write", path=".github/workflows/ci.yml", text="on: push\n")


@pytest.fixture
async def hob(
    tmp_path: Path, home: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[AtWork]:
    monkeypatch.setenv("HOB_NOTIFY_WEBHOOK", "http://127.0.0.1:9/nobody")
    async with at_work(tmp_path, home, database) as working:
        await working.hub.seed_repo("calc", FAULTY | {"AGENTS.md": "Be.\n"})
        yield working


async def say(hob: AtWork, number: int, words: str, *, stranger: bool = False) -> None:
    who = hob.hub.as_stranger if stranger else hob.hub.as_maintainer
    await who.post(f"{AT}/issues/{number}/comments", {"body": words})


async def role(hob: AtWork, permission: str) -> None:
    await hob.hub.as_maintainer.put(f"{AT}/collaborators/stranger", {"permission": permission})


def digest_in(text: str) -> str:
    found = COMMAND.search(text)
    assert found, text
    return found[1]


async def tree_of(hob: AtWork, ref: str) -> tuple[str, dict[str, str]]:
    """The tree of a branch: its name, and its files by their paths."""
    commit: Any = await hob.hub.as_maintainer.get(f"{AT}/commits/{ref}")
    sha = commit["commit"]["tree"]["sha"]
    listed: Any = await hob.hub.as_maintainer.get(f"{AT}/git/trees/{sha}?recursive=1")
    return sha, {one["path"]: one["sha"] for one in listed["tree"] if one["type"] == "blob"}


async def text_of(hob: AtWork, ref: str, path: str) -> str:
    found: Any = await hob.hub.as_maintainer.get(f"{AT}/contents/{path}?ref={ref}")
    return base64.b64decode(found["content"]).decode()


async def test_a_maintainer_releases_the_very_tree_that_was_shown(hob: AtWork, database: Database) -> None:
    hob.says([MEND, GUIDE, OWNERS, ALIKE], [DONE])
    issue = (await hob.issue("calc", "Doubling is wrong", "@hob please fix this"))["number"]
    final = await hob.comment("calc", issue, "**Done**")
    (pull,) = await hob.pulls("calc")
    number, branch = pull["number"], pull["head"]["ref"]
    for told in (final, pull["body"]):
        stay, _, wait = told.partition("These changes wait for a maintainer")
        assert "`docs/CODEOWNERS`" in stay and "what looks like a secret" in stay
        assert "`pkg/agents.MD`" in stay and "only looks like such a path" in stay
        assert "- `AGENTS.md`: instructions for agents" in wait and "+Say `double`." in wait
        assert TOKEN not in told and "Obey me" not in told
    assert digest_in(final) == digest_in(pull["body"])

    async def is_told_outside() -> bool:
        async with database.engine.connect() as connection:
            made = (await connection.execute(sql("SELECT key, target FROM notices"))).all()
        return [tuple(each) for each in made] == [("approval:1", "operator webhook")]

    await eventually(is_told_outside, "nobody is told outside GitHub")
    _, files = await tree_of(hob, branch)
    assert set(files) == {*FAULTY, "AGENTS.md"} and await text_of(hob, branch, "AGENTS.md") == "Be.\n"
    hob.says([])  # whatever asks a model now would fail

    digest = digest_in(final)
    await say(hob, number, f"@hob approve {digest}", stranger=True)
    await hob.comment("calc", number, "I only take work from people who may write")
    await role(hob, "push")
    await say(hob, number, f"@hob approve {digest}", stranger=True)
    await hob.comment("calc", number, "Only people with the *Maintain* or *Admin* role")
    hob.says([call("write", path="notes.txt", text="mine\n")], [DONE])
    await say(hob, number, "@hob add a note")
    more = await hob.comment("calc", number, "**Done**, pushed")
    assert "- `AGENTS.md`: held back earlier on this pull request" in more
    hob.says([])
    moved = await hob.hub.as_maintainer.get(f"{AT}/pulls/{number}")
    await say(hob, number, f"@hob approve {digest}")
    stale = await hob.comment("calc", number, "**That is not what would come of it now**")
    assert (await hob.hub.as_maintainer.get(f"{AT}/pulls/{number}"))["head"] == moved["head"]

    fresh = digest_in(stale)
    assert digest_in(more) == digest_in(moved["body"]) == fresh != digest
    await role(hob, "maintain")
    await say(hob, number, f"@hob approve {fresh}", stranger=True)
    done = await hob.comment("calc", number, "Released as `@stranger` approved")
    assert f"Released as `@stranger` approved: `AGENTS.md` (tree {fresh})" in done and "✅ passed" in done
    sha, files = await tree_of(hob, branch)
    assert sha == fresh and set(files) == {*FAULTY, "AGENTS.md", "notes.txt"}
    assert (await text_of(hob, branch, "AGENTS.md")).startswith("Say `double`.")
    assert (await hob.hub.as_maintainer.get(f"{AT}/pulls/{number}"))["commits"] == 3
    await say(hob, issue, f"@hob approve {fresh}")
    await hob.comment("calc", issue, "**That is what is there already.**")

    async def have_ended() -> bool:  # the last comment comes before its task's end is stored
        tasks = await Store(database.engine).list_tasks()
        return [task.state for task in reversed(tasks)] == [
            TaskState.DONE, TaskState.DONE, TaskState.REFUSED, TaskState.DONE, TaskState.DONE
        ]  # fmt: skip

    await eventually(have_ended, "the tasks do not end as they should")


async def test_all_of_it_waits_and_the_approval_makes_the_pull_request(hob: AtWork) -> None:
    hob.says([GUIDE], [DONE])
    issue = (await hob.issue("calc", "Write it down", "@hob please write it down"))["number"]
    final = await hob.comment("calc", issue, "**All that I changed is protected")
    assert await hob.pulls("calc") == []
    digest = digest_in(final)
    hob.says([])
    await role(hob, "maintain")
    await say(hob, issue, f"@hob approve {digest}", stranger=True)
    await hob.comment("calc", issue, "I am on it")
    await role(hob, "push")
    await hob.comment("calc", issue, "may no longer release what is held back in this repository")
    assert await hob.pulls("calc") == []

    await say(hob, issue, "@hob retry", stranger=True)
    await hob.comment("calc", issue, "Only people with the *Maintain* or *Admin* role")
    await say(hob, issue, f"@hob approve {digest}")
    await hob.comment("calc", issue, "**no worse than before**: 1 test that nobody asked about still fails")
    (pull,) = await hob.pulls("calc")
    assert pull["title"] == "Double for real" and "as maintainer approved it" in pull["body"].replace("`", "")
    assert (await tree_of(hob, pull["head"]["ref"]))[0] == digest


async def test_what_is_broken_without_the_held_part_and_what_github_refuses(
    hob: AtWork, database: Database
) -> None:
    sound = {
        "calc.py": "def double(x):\n    return x * 2\n",
        "db/rate.py": "RATE = 2\n",
        ".github/hob.yml": 'protected_paths: ["db/*"]\n',
    }
    await hob.hub.push_files("calc", sound)
    needs = "from db.rate import FACTOR\n\n\ndef double(x):\n    return x * FACTOR\n"
    code = call("write", path="calc.py", text=needs)
    hob.says([code, call("write", path="db/rate.py", text="FACTOR = 2\n")], [DONE])
    issue = (await hob.issue("calc", "Call it a factor", "@hob please rename it"))["number"]
    worse = await hob.comment("calc", issue, "it breaks tests that passed before")
    assert await hob.pulls("calc") == [] and "the repository's hob.yml protects it" in worse
    hob.says([])
    await say(hob, issue, f"@hob approve {digest_in(worse)}")
    await hob.comment("calc", issue, "✅ **Done**: ")
    (pull,) = await hob.pulls("calc")
    assert (await tree_of(hob, pull["head"]["ref"]))[0] == digest_in(worse)
    (attempt,) = await Store(database.engine).list_attempts(1)
    assert attempt.chosen

    hob.says([WORKFLOW], [DONE])
    issue = (await hob.issue("calc", "Run the tests", "@hob please run them"))["number"]
    digest = digest_in(await hob.comment("calc", issue, "**All that I changed is protected"))
    hob.says([])
    await say(hob, issue, f"@hob approve {digest}")
    told = await hob.comment("calc", issue, "**GitHub did not take this from me**")
    assert "refusing to allow a GitHub App to create or update workflow" in told
    assert "`git apply` takes it on " in told and "+on: push" in told
    assert len(await hob.pulls("calc")) == 1
    assert len(await hob.hub.as_maintainer.get(f"{AT}/branches")) == 2
