"""Rulesets refuse what GitHub refuses, by git and by the API; the merge queue lets nobody past it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.hub import Client, Hub, running_hub

AT = "/repos/maintainer/calc"
CHECKS = {"required_status_checks": [{"context": "ci"}], "strict_required_status_checks_policy": False}


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Hub]:
    async with running_hub(tmp_path) as running:
        await running.seed_repo("calc", {"calc.py": "x = 1\n"})
        yield running


async def add_rules(hub: Hub, *rules: dict[str, Any], on: str = "~ALL") -> int:
    """Put rules in force for branches; the ruleset's id."""
    conditions = {"ref_name": {"include": [on], "exclude": []}}
    ruleset = {
        "name": "The rules",
        "target": "branch",
        "enforcement": "active",
        "conditions": conditions,
        "rules": rules,
    }
    made = await hub.as_maintainer.post(f"{AT}/rulesets", ruleset)
    assert (await hub.as_maintainer.get(f"{AT}/rulesets/{made['id']}"))["rules"] == list(rules)
    return int(made["id"])


async def push(hub: Hub, branch: str, token: str, message: str = "A change") -> str:
    """What git says of the push of a new commit to a branch."""
    work = hub.worktree("calc")
    await hub.git("checkout", "-q", "-B", "work", "origin/main", cwd=work)
    (work / "new.txt").write_text(message)
    await hub.git("add", "-A", cwd=work)
    await hub.git("commit", "-q", "-m", message, cwd=work)
    return await hub.git(
        "push", hub.git_url("calc", token), f"+HEAD:refs/heads/{branch}", cwd=work, check=False
    )


async def commit(bot: Client, *, author: bool = False) -> str:
    """A commit on main through the git database, which GitHub signs where no author is given."""
    head = (await bot.get(f"{AT}/git/ref/heads/main"))["object"]["sha"]
    entry = {"path": "new.txt", "mode": "100644", "type": "blob", "content": "new\n"}
    base = (await bot.get(f"{AT}/git/commits/{head}"))["tree"]["sha"]
    tree = (await bot.post(f"{AT}/git/trees", {"base_tree": base, "tree": [entry]}))["sha"]
    body: dict[str, Any] = {"message": "new", "tree": tree, "parents": [head]}
    if author:
        body["author"] = {"name": "Somebody", "email": "somebody@users.example"}
    return str((await bot.post(f"{AT}/git/commits", body))["sha"])


NAMES = {"type": "branch_name_pattern", "parameters": {"operator": "starts_with", "pattern": "fix/"}}
MESSAGES = {
    "type": "commit_message_pattern",
    "parameters": {"operator": "regex", "pattern": r"^[A-Z]+-\d+: "},
}


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (NAMES, "Branch name must start with a given pattern: fix/"),
        ({"type": "creation"}, "Cannot create ref due to creations being restricted."),
        ({"type": "required_signatures"}, "Commits must have verified signatures."),
        (MESSAGES, "Commit message must match a given pattern"),
    ],
    ids=lambda value: value["type"] if isinstance(value, dict) else "",
)
async def test_a_rule_refuses_a_branch_by_git_and_by_the_api(
    hub: Hub, rule: dict[str, Any], words: str
) -> None:
    bot = await hub.as_bot()
    sha = await commit(bot, author=True)
    await add_rules(hub, rule)
    said = await push(hub, "hob/1-new", bot.token or "")
    assert "GH013: Repository rule violations found for refs/heads/hob/1-new." in said
    assert words in said and "pre-receive hook declined" in said
    refused = await bot.send("POST", f"{AT}/git/refs", {"ref": "refs/heads/hob/1-new", "sha": sha})
    assert refused.status == 422
    assert refused.data["message"].startswith("Repository rule violations found") and words in refused.text
    assert await bot.get(f"{AT}/git/matching-refs/heads/hob") == []
    assert [one["type"] for one in await bot.get(f"{AT}/rules/branches/hob/1-new")] == [rule["type"]]


@pytest.mark.parametrize("mode", ["always", "exempt", "pull_request"])
async def test_who_is_named_pushes_past_a_ruleset(hub: Hub, mode: str) -> None:
    bot = await hub.as_bot()
    number = await add_rules(hub, NAMES, {"type": "required_signatures"})
    named = [{"actor_id": hub.app_id, "actor_type": "Integration", "bypass_mode": mode}]
    await hub.as_maintainer.put(f"{AT}/rulesets/{number}", {"bypass_actors": named})
    assert (await hub.as_maintainer.get(f"{AT}/rulesets/{number}"))["bypass_actors"] == named
    assert "bypass_actors" not in await bot.get(f"{AT}/rulesets/{number}")
    said = await push(hub, "hob/1-new", bot.token or "")
    made = {"ref": "refs/heads/hob/2-new", "sha": await commit(bot, author=True)}
    answer = await bot.send("POST", f"{AT}/git/refs", made)
    passes = mode != "pull_request"
    assert ("Bypassed rule violations for refs/heads/hob/1-new" in said) == passes
    assert ("GH013" in said) != passes
    assert answer.status == (201 if passes else 422)
    refused = await push(hub, "hob/3-new", hub.as_maintainer.token or "")
    assert "GH013" in refused, "the owner is not named"
    named = [{"actor_id": 5, "actor_type": "RepositoryRole", "bypass_mode": "always"}]
    await hub.as_maintainer.put(f"{AT}/rulesets/{number}", {"bypass_actors": named})
    assert "Bypassed" in await push(hub, "hob/3-new", hub.as_maintainer.token or "")


async def test_what_the_rules_allow_goes_through(hub: Hub) -> None:
    bot = await hub.as_bot()
    await add_rules(hub, NAMES, {"type": "required_signatures"}, {"type": "required_linear_history"})
    await bot.post(f"{AT}/git/refs", {"ref": "refs/heads/fix/1", "sha": await commit(bot)})
    number = await add_rules(hub, {"type": "update"}, on="refs/heads/fix/*")
    change = {"ref": "refs/heads/fix/1", "sha": await commit(bot)}
    assert (
        await bot.send("PATCH", f"{AT}/git/refs/heads/fix/1", {"sha": change["sha"], "force": True})
    ).status == 422
    await hub.as_maintainer.put(f"{AT}/rulesets/{number}", {"enforcement": "disabled"})
    await bot.patch(f"{AT}/git/refs/heads/fix/1", {"sha": change["sha"], "force": True})
    await hub.as_maintainer.delete(f"{AT}/rulesets/{number}")
    refused = await bot.send("POST", f"{AT}/rulesets", {"name": "Own", "enforcement": "active"})
    assert refused.status == 403, "an App without administration makes none"


async def test_a_merge_waits_for_the_bases_rules(hub: Hub) -> None:
    bot = await hub.as_bot()
    await bot.post(f"{AT}/git/refs", {"ref": "refs/heads/hob/1", "sha": await commit(bot)})
    pull = await bot.post(f"{AT}/pulls", {"title": "New", "head": "hob/1", "base": "main"})
    rule = {"type": "required_status_checks", "parameters": CHECKS}
    await add_rules(
        hub, rule, {"type": "required_linear_history"}, {"type": "pull_request"}, on="~DEFAULT_BRANCH"
    )
    path = f"{AT}/pulls/{pull['number']}/merge"
    refused = await hub.as_maintainer.send("PUT", path, {})
    assert refused.status == 405 and 'Required status check "ci" is expected.' in refused.data["message"]
    assert "must not contain merge commits" in refused.text
    check = {"name": "ci", "head_sha": pull["head"]["sha"], "conclusion": "success"}
    await bot.post(f"{AT}/check-runs", check)
    await hub.as_maintainer.put(path, {"merge_method": "squash"})
    contents = {"message": "By hand", "content": "eA==", "branch": "main"}
    direct = await hub.as_maintainer.send("PUT", f"{AT}/contents/y.txt", contents)
    assert direct.status == 409 and "Changes must be made through a pull request." in direct.text


async def test_classic_protection_refuses_as_it_always_did(hub: Hub) -> None:
    bot = await hub.as_bot()
    wanted = {"required_status_checks": None, "enforce_admins": True, "restrictions": None}
    wanted |= {"required_pull_request_reviews": {"required_approving_review_count": 1}}
    await hub.as_maintainer.put(f"{AT}/branches/main/protection", wanted)
    said = await push(hub, "main", bot.token or "")
    assert "GH006: Protected branch update failed for refs/heads/main." in said
    assert "Changes must be made through a pull request." in said
    assert await bot.get(f"{AT}/rules/branches/main") == [], "it is none of the rulesets'"
    assert (await bot.send("GET", f"{AT}/branches/main/protection")).status == 403
    assert (await bot.get(f"{AT}/branches/main"))["protected"] is True
    await push(hub, "hob/1-new", bot.token or "")
    assert len(await bot.get(f"{AT}/git/matching-refs/heads/hob")) == 1, "other branches are free"


QUEUE = "mutation($id: ID!) { enqueuePullRequest(input: {pullRequestId: $id}) { mergeQueueEntry { state } } }"


@pytest.mark.parametrize("conclusion", ["failure", "success"])
async def test_the_queue_judges_a_commit_of_its_own(hub: Hub, conclusion: str) -> None:
    bot = await hub.as_bot()
    events = ["merge_group", "pull_request"]
    await hub.admin("app", slug="ci", permissions={"merge_queues": "read", "contents": "read"}, events=events)
    await bot.post(f"{AT}/git/refs", {"ref": "refs/heads/hob/1", "sha": await commit(bot)})
    pull = await bot.post(f"{AT}/pulls", {"title": "New", "head": "hob/1", "base": "main"})
    rule = {"type": "required_status_checks", "parameters": CHECKS}
    queue = {"merge_method": "MERGE", "grouping_strategy": "ALLGREEN", "max_entries_to_build": 1}
    queue |= {"max_entries_to_merge": 1, "min_entries_to_merge": 1, "min_entries_to_merge_wait_minutes": 0}
    queue["check_response_timeout_minutes"] = 60
    await add_rules(hub, rule, {"type": "merge_queue", "parameters": queue}, on="~DEFAULT_BRANCH")
    await hub.as_maintainer.graphql(QUEUE, id=pull["node_id"])
    (group,) = await bot.get(f"{AT}/git/matching-refs/heads/gh-readonly-queue")
    assert group["ref"] == f"refs/heads/gh-readonly-queue/main/pr-{pull['number']}-{pull['base']['sha']}"
    change = {"sha": await commit(bot, author=True), "force": True}
    waiting = await bot.send("PATCH", f"{AT}/git/refs/heads/hob/1", change)
    assert waiting.status == 422 and "has been added to a merge queue" in waiting.text
    by_git = await push(hub, "hob/1", bot.token or "")
    assert "has been added to a merge queue" in " ".join(by_git.replace("remote:", "").split())
    check = {"name": "ci", "head_sha": group["object"]["sha"], "conclusion": conclusion}
    await bot.post(f"{AT}/check-runs", check)
    after = await bot.get(f"{AT}/pulls/{pull['number']}")
    assert after["merged"] is (conclusion == "success")
    assert await bot.get(f"{AT}/git/matching-refs/heads/gh-readonly-queue") == []
    rows = hub.hub.state.all("SELECT event, action, payload FROM deliveries ORDER BY id")
    names = {f"{row['event']}.{row['action']}" for row in rows}
    assert {"merge_group.checks_requested", "merge_group.destroyed", "pull_request.enqueued"} <= names
    said = next(row["payload"] for row in rows if row["action"] == "dequeued")
    assert ("CI_FAILURE" if conclusion == "failure" else "MERGE") in said
