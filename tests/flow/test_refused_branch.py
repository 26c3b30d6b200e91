"""A rule that refuses Hob's branches: the change is kept, and another name is the way out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.tasks.database.connection import Database
from tests.support.flow import DONE, FAULTY, MEND, UNITTEST, AtWork, at_work, call

pytestmark = pytest.mark.timeout(400)

AT = "/repos/maintainer/calc"
RULE = {
    "type": "branch_name_pattern",
    "parameters": {"operator": "regex", "pattern": "^(main$|feature/|fix/)"},
}
RULESET = {
    "name": "Names",
    "target": "branch",
    "enforcement": "active",
    "conditions": {"ref_name": {"include": ["~ALL"], "exclude": []}},
    "rules": [RULE],
}


@pytest.fixture
async def hob(tmp_path: Path, home: Path, database: Database) -> AsyncIterator[AtWork]:
    async with at_work(tmp_path, home, database) as working:
        yield working


async def test_a_rule_on_names_keeps_the_change_and_another_prefix_publishes_it(
    hob: AtWork,
) -> None:
    await hob.hub.seed_repo("calc", FAULTY)
    await hob.hub.as_maintainer.post(f"{AT}/rulesets", RULESET)
    hob.says([MEND], [DONE])
    issue = (await hob.issue("calc", "Doubling is wrong", "@hob please fix this"))["number"]
    told = await hob.comment("calc", issue, "**GitHub did not take this from me**")
    assert f"`hob/{issue}-doubling-is-wrong`" in told and "GH013: Repository rule violations" in told
    assert "The change is made and proved" in told and "branch_prefix: " in told
    assert "```diff\ndiff --git a/calc.py b/calc.py" in told
    assert await hob.pulls("calc") == []

    config = f"{UNITTEST}branch_prefix: fix/hob-\n"
    await hob.hub.push_files("calc", {".github/hob.yml": config})
    hob.says([])
    await hob.hub.as_maintainer.post(f"{AT}/issues/{issue}/comments", {"body": "@hob use 1"})
    await hob.comment("calc", issue, "✅ **Done**: ")
    (pull,) = await hob.pulls("calc")
    assert pull["head"]["ref"] == f"fix/hob-{issue}-doubling-is-wrong"

    hob.says([call("write", path="notes.txt", text="n\n")], [DONE])
    number = pull["number"]
    await hob.hub.as_maintainer.post(f"{AT}/issues/{number}/comments", {"body": "@hob add a note"})
    await hob.comment("calc", number, "**Done**, pushed to this pull request")
    now = await hob.hub.as_maintainer.get(f"{AT}/pulls/{number}")
    assert now["commits"] == 2
    assert "on the commit before" in now["body"], "the table compares with the pull request's base too"


@pytest.mark.parametrize(
    "rules",
    [
        [{"type": "branch_name_pattern", "parameters": {"operator": "contains", "pattern": "ticket-"}}],
        [{"type": "creation"}],
    ],
    ids=["a word that names must have", "nobody may create branches"],
)
async def test_other_rules_keep_the_change_too(rules: list[dict[str, object]], hob: AtWork) -> None:
    await hob.hub.seed_repo("calc", FAULTY)
    await hob.hub.as_maintainer.post(f"{AT}/rulesets", {**RULESET, "rules": rules})
    hob.says([MEND], [DONE])
    issue = (await hob.issue("calc", "Verdoppeln geht nicht", "@hob bitte beheben"))["number"]
    told = await hob.comment("calc", issue, "**GitHub did not take this from me**")
    assert "GH013: Repository rule violations" in told and "branch_prefix: " in told
    assert "```diff\ndiff --git a/calc.py b/calc.py" in told and f"hob/{issue}-" in told
    assert await hob.pulls("calc") == []
