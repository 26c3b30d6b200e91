"""The same correction on three pull requests becomes a rule that a person merges, and runs then read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bot.tasks.database.connection import Database
from bot.tasks.learning.corrections import RuleState
from bot.tasks.store import Store
from tests.support.flow import DONE, FAULTY, MEND, UNITTEST, AtWork, at_work, eventually
from tests.support.hub import Refused

pytestmark = pytest.mark.timeout(400)
AT = "/repos/maintainer/calc"
READY = """mutation($id: ID!) {
    markPullRequestReadyForReview(input: {pullRequestId: $id}) { pullRequest { isDraft } } }"""
SAID = (
    "Please write `2 * x` with the number first, never last.",
    "the number comes first: write `2 * x`, number never last",
    "Write the number first, never last",
)


async def correct(hob: AtWork, words: str) -> int:
    """An issue, Hob's pull request for it, a remark there, and its end."""
    issue = (await hob.issue("calc", "Doubling is wrong", "@hob please fix this"))["number"]
    await hob.comment("calc", issue, "**Done**")
    number: int = (await hob.pulls("calc"))[0]["number"]
    for who, said in (
        (hob.hub.as_stranger, "Always name the unit in the docstring"),
        (hob.hub.as_maintainer, words),
    ):
        await who.post(f"{AT}/issues/{number}/comments", {"body": said})
    await hob.hub.as_maintainer.patch(f"{AT}/pulls/{number}", {"state": "closed"})
    return number


async def test_three_corrections_become_a_rule_that_the_next_run_reads(
    tmp_path: Path, home: Path, database: Database, store: Store
) -> None:
    async with at_work(tmp_path, home, database) as hob:
        hob.says([MEND], [DONE])
        made = await hob.hub.seed_repo("calc", {**FAULTY, ".github/hob.yml": f"{UNITTEST}learning: true\n"})
        numbers = [await correct(hob, words) for words in SAID]

        async def find() -> dict[str, Any] | None:
            pulls = await hob.pulls("calc")
            return next((pull for pull in pulls if "/rule-" in pull["head"]["ref"]), None)

        proposal = await eventually(find, "no rule is proposed", lambda: store.list_corrections(made["id"]))
        for number in numbers:
            assert f"[#{number}](" in proposal["body"]
        assert "docstring" not in proposal["body"], "a stranger's words teach nothing"
        await hob.hub.as_maintainer.graphql(READY, id=proposal["node_id"])

        async def merge() -> bool:
            try:
                at = f"{AT}/pulls/{proposal['number']}/merge"
                await hob.hub.as_maintainer.put(at, {"merge_method": "merge"})
            except Refused:  # not yet: whether it can be merged is found out meanwhile
                return False
            return True

        await eventually(merge, "the rule's pull request cannot be merged")

        async def is_merged() -> bool:
            (rule,) = await store.list_proposed_rules(made["id"])
            return rule.state is RuleState.MERGED

        await eventually(is_merged, "that it was merged is not known")
        issue = (await hob.issue("calc", "Still wrong", "@hob please fix this"))["number"]
        await hob.comment("calc", issue, "**Done**")
        (task,) = await store.list_tasks_on(f"{made['id']}#{issue}")
        (run,) = await store.list_runs(task.id)
        first = (await store.list_turns(run.id))[0].record["messages"]
        assert "## What reviews taught" in str(first) and "first, never last" in str(first)
