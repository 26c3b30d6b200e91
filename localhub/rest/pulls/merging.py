"""Merging pull requests, and bringing their branches up to date."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from localhub.auth import Actor
from localhub.errors import ApiError, not_found
from localhub.git.authoring import make_commit, make_signature
from localhub.git.pushes import Move, follow_moves, move_ref
from localhub.hub import Hub
from localhub.objects.commit import read_message
from localhub.objects.pull import issue_of
from localhub.objects.repository import repo_url
from localhub.pull_state import mark_merged
from localhub.rest.api import Call, Routes, answer, answer_nothing
from localhub.rest.pulls.pulls import ONE, READ, check_can_push
from localhub.rules.queue import find_missing_checks
from localhub.rules.store import describe_commit, list_rules_and_protection, refuse
from localhub.state import Row

routes = Routes()


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeRequest:
    """The method and the texts of a requested merge."""

    method: str
    title: str | None
    text: str | None


@routes.get(ONE + "/merge", app=READ)
async def is_merged(call: Call) -> web.Response:
    """GET pulls/{number}/merge: 204 when it is merged."""
    if call.pull()["merged_at"] is None:
        raise not_found()
    return answer_nothing()


@routes.put(ONE + "/merge", app="contents:write", user="write")
async def merge(call: Call) -> web.Response:
    """PUT pulls/{number}/merge with merge, squash or rebase."""
    hub, repo, body = call.hub, call.repo, call.body
    merge_request = MergeRequest(
        method=body.choice("merge_method", ("merge", "squash", "rebase"), "merge"),
        title=body.maybe("commit_title"),
        text=body.maybe("commit_message"),
    )
    sha = await merge_pull(hub, call.actor, repo, call.pull()["number"], merge_request, body.maybe("sha"))
    return answer({"sha": sha, "merged": True, "message": "Pull Request successfully merged"})


async def merge_pull(
    hub: Hub, actor: Actor, repo: Row, number: int, merge_request: MergeRequest, expected: str | None
) -> str:
    """Merge a pull request whose head is ``expected``, where that is given; the commit's sha."""
    async with hub.git.lock(repo["id"]):
        pull = hub.state.pull(repo["id"], number)
        if pull is None:
            raise not_found()
        _check_mergeable(hub, pull, expected)
        await _check_rules(hub, repo, pull, merge_request.method)
        base = pull["base_sha"]
        sha = await _commit(hub, actor, repo, pull, base, merge_request)
        ref = f"refs/heads/{pull['base_ref']}"
        if not hub.git.set_ref(repo["id"], ref, sha, old=base):
            raise ApiError(409, "Base branch was modified. Review and try the merge again.")
        await mark_merged(hub, actor, repo, pull, sha)
    await follow_moves(hub, actor, repo, [Move(ref=ref, old=base, new=sha)])
    return sha


def _check_mergeable(hub: Hub, pull: Row, sha: str | None) -> None:
    if sha is not None and sha != pull["head_sha"]:
        raise ApiError(409, "Head branch was modified. Review and try the merge again.")
    if pull["draft"]:
        raise ApiError(405, "Pull Request is still a draft")
    if issue_of(hub, pull)["state"] == "closed" or not pull["mergeable"]:
        raise ApiError(405, "Pull Request is not mergeable")


async def _check_rules(hub: Hub, repo: Row, pull: Row, method: str) -> None:
    """Raise 405 where the base's rules do not let a pull request be merged, or not so."""
    rules = {
        rule["type"]: rule.get("parameters") or {}
        for rule in list_rules_and_protection(hub, repo, pull["base_ref"])
    }
    found = []
    if "merge_queue" in rules:
        found.append("Changes must be made through the merge queue")
    missing = find_missing_checks(hub, repo, pull["base_ref"], pull["head_sha"])
    found += [f'Required status check "{name}" is expected.' for name in missing]
    approvals = {row["user_id"] for row in hub.state.reviews(pull["id"]) if row["state"] == "APPROVED"}
    wanted = int(rules.get("pull_request", {}).get("required_approving_review_count", 0))
    if len(approvals) < wanted:
        found.append(f"At least {wanted} approving review is required by reviewers with write access.")
    if method == "merge" and "required_linear_history" in rules:
        found.append("This branch must not contain merge commits.")
    if method != "squash" and "required_signatures" in rules:
        shas = await hub.git.commits(repo["id"], f"{pull['base_sha']}..{pull['head_sha']}")
        commits = [describe_commit(hub, repo, hub.git.commit(repo["id"], sha)) for sha in shas]
        if not all(commit.verified for commit in commits):
            found.append("Commits must have verified signatures.")
    refuse(found, 405)


async def _commit(
    hub: Hub, actor: Actor, repo: Row, pull: Row, base: str, merge_request: MergeRequest
) -> str:
    row, git, repo_id, head = issue_of(hub, pull), hub.git, repo["id"], pull["head_sha"]
    tree = (await git.merge(repo_id, base, head)).tree
    if tree is None:
        raise ApiError(405, "Pull Request is not mergeable")
    if merge_request.method == "rebase":
        return await _rebase(hub, actor, repo, pull, base)
    if merge_request.method == "merge":
        title = (
            merge_request.title
            or f"Merge pull request #{row['number']} from {pull['head_owner']}/{pull['head_ref']}"
        )
        parents, text = [base, head], row["title"] if merge_request.text is None else merge_request.text
        author = None
    else:
        shas = await git.commits(repo_id, "--reverse", f"{base}..{head}")
        title = merge_request.title or f"{row['title']} (#{row['number']})"
        own = (
            "\n\n".join(f"* {read_message(git.commit(repo_id, sha))}" for sha in shas)
            if len(shas) > 1
            else ""
        )
        parents, text = [base], own if merge_request.text is None else merge_request.text
        author = make_signature(hub.state.account(row["user_id"]))
    whole = f"{title}\n\n{text}".rstrip("\n")
    return make_commit(hub, actor, repo, tree=tree, parents=parents, message=whole, author=author)


async def _rebase(hub: Hub, actor: Actor, repo: Row, pull: Row, base: str) -> str:
    """The commits anew on top of the base; only where that is no more than moving them along."""
    git, repo_id = hub.git, repo["id"]
    if not await git.is_ancestor(repo_id, base, pull["head_sha"]):
        raise ApiError(405, "This branch can't be rebased")
    tip = base
    for sha in await git.commits(repo_id, "--reverse", f"{base}..{pull['head_sha']}"):
        commit = git.commit(repo_id, sha)
        tip = make_commit(
            hub, actor, repo, tree=commit.tree.decode(), parents=[tip], message=read_message(commit),
            author=commit.author, verified=False,
        )  # fmt: skip
    return tip


@routes.put(ONE + "/update-branch", app="pull_requests:write", user="write")
async def update_branch(call: Call) -> web.Response:
    """PUT pulls/{number}/update-branch: merge the base into the head."""
    hub, repo, pull = call.hub, call.repo, call.pull()
    expected = call.body.maybe("expected_head_sha")
    if expected is not None and expected != pull["head_sha"]:
        raise ApiError(422, "expected head sha didn't match current head ref.")
    check_can_push(hub, call.actor, hub.state.repo(pull["head_repo_id"]))
    merged = await hub.git.merge(repo["id"], pull["base_sha"], pull["head_sha"])
    if merged.tree is None:
        raise ApiError(422, "merge conflict between base and head")
    text = f"Merge branch '{pull['base_ref']}' into {pull['head_ref']}"
    parents = [pull["head_sha"], pull["base_sha"]]
    sha = make_commit(hub, call.actor, repo, tree=merged.tree, parents=parents, message=text)
    head_repo = hub.state.repo(pull["head_repo_id"])
    await hub.git.fetch_commit(repo["id"], head_repo["id"], sha)
    ref = f"refs/heads/{pull['head_ref']}"
    if not await move_ref(hub, call.actor, head_repo, Move(ref=ref, old=pull["head_sha"], new=sha)):
        raise ApiError(422, "expected head sha didn't match current head ref.")
    url = f"{repo_url(hub, repo)}/pulls/{pull['number']}"
    return answer({"message": "Updating pull request branch.", "url": url}, 202)
