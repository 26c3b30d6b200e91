"""The rulesets of a repository, and whether a move of one of its branches by the API is allowed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from dulwich.objects import Commit

from localhub.auth import Actor
from localhub.errors import ApiError
from localhub.hub import Hub
from localhub.objects.commit import parse_identity, read_message
from localhub.objects.repository import page_url
from localhub.rules.bypass import may_bypass
from localhub.rules.judge import BranchMove, NewCommit, applies_to, find_violations
from localhub.rules.protection import find_protection, list_protections, make_rules
from localhub.state import Row

VIOLATED = "Repository rule violations found"
HEADS = "refs/heads/"


def list_active(hub: Hub, repo: Row) -> list[Row]:
    """The rulesets that are enforced in a repository, oldest first."""
    sql = "SELECT * FROM rulesets WHERE repo_id = ? AND enforcement = 'active' AND target = 'branch'"
    return hub.state.all(sql, repo["id"])


def list_rules(hub: Hub, repo: Row, branch: str) -> list[tuple[Row, dict[str, Any]]]:
    """(ruleset, rule) of every rule that is in force for a branch."""
    return [
        (row, rule)
        for row in list_active(hub, repo)
        if applies_to(json.loads(row["conditions_json"]), branch, repo["default_branch"])
        for rule in json.loads(row["rules_json"])
    ]


def list_binding(hub: Hub, repo: Row, branch: str, actor: Actor) -> list[dict[str, Any]]:
    """Every rule for a branch that binds a caller who pushes: those of rulesets that they bypass do not."""
    found = [
        rule
        for row, rule in list_rules(hub, repo, branch)
        if not may_bypass(hub.state, repo, actor, json.loads(row["bypass_json"]))
    ]
    return found + make_rules(settings) if (settings := find_protection(hub, repo, branch)) else found


def list_rules_and_protection(hub: Hub, repo: Row, branch: str) -> list[dict[str, Any]]:
    """Every rule that is in force for a branch, those of a classic protection too."""
    found = [rule for _, rule in list_rules(hub, repo, branch)]
    return found + make_rules(settings) if (settings := find_protection(hub, repo, branch)) else found


def find_queued_branches(hub: Hub, repo: Row) -> list[str]:
    """The branches whose pull requests wait in the merge queue: nobody may push to them."""
    sql = (
        "SELECT head_ref FROM queue_entries JOIN pulls ON pulls.id = pull_id"
        " WHERE pulls.repo_id = ? AND head_repo_id = pulls.repo_id"
    )
    return [row["head_ref"] for row in hub.state.all(sql, repo["id"])]


def describe_for_hook(hub: Hub, repo: Row, actor: Actor) -> str:
    """What the hook needs to judge a push, as JSON; '' where nothing is to be judged."""
    rows, queued = list_active(hub, repo), find_queued_branches(hub, repo)
    classic = list_protections(hub, repo)
    if not rows and not queued and not classic:
        return ""
    verified = hub.state.all("SELECT sha FROM verified_commits WHERE repo_id = ?", repo["id"])
    return json.dumps(
        {
            "rulesets": [
                {
                    "conditions": json.loads(row["conditions_json"]),
                    "rules": json.loads(row["rules_json"]),
                    "bypassed": may_bypass(hub.state, repo, actor, json.loads(row["bypass_json"])),
                }
                for row in rows
            ]
            + classic,
            "verified": [row["sha"] for row in verified],
            "queued": queued,
            "default_branch": repo["default_branch"],
            "page": f"{page_url(hub, repo)}/rules",
        }
    )


async def check_move(hub: Hub, actor: Actor, repo: Row, ref: str, old: str | None, new: str | None) -> None:
    """Raise 422 in GitHub's words where a rule keeps the API from moving a branch."""
    name = ref.removeprefix(HEADS)
    rules = list_binding(hub, repo, name, actor) if name != ref else []
    queued = name != ref and name in find_queued_branches(hub, repo)
    if not rules and not queued:
        return
    commits = await list_new_commits(hub, repo, new) if new else []
    forced = bool(old and new) and not await hub.git.is_ancestor(repo["id"], str(old), str(new))
    move = BranchMove(name=name, before=old, after=new, commits=commits, forced=forced, queued=queued)
    refuse(find_violations(rules, move))


def refuse(violations: Sequence[str], status: int = 422) -> None:
    """Raise an error that tells these violations; nothing where there are none."""
    if violations:
        raise ApiError(status, "\n\n".join([VIOLATED, *violations, ""]))


async def list_new_commits(hub: Hub, repo: Row, new: str) -> list[NewCommit]:
    """The commits below ``new`` that no branch of the repository has."""
    shas = await hub.git.commits(repo["id"], new, "--not", "--branches")
    return [describe_commit(hub, repo, hub.git.commit(repo["id"], sha)) for sha in shas]


def describe_commit(hub: Hub, repo: Row, commit: Commit) -> NewCommit:
    """What rules look at in a commit."""
    sha = commit.id.decode()
    known = hub.state.maybe("SELECT 1 FROM verified_commits WHERE repo_id = ? AND sha = ?", repo["id"], sha)
    return NewCommit(
        sha=sha,
        parents=len(commit.parents),
        message=read_message(commit),
        email=parse_identity(commit.author)[1],
        verified=known is not None,
    )
