"""The merge queue: a pull request on top of its base, on a branch of GitHub's own, until its checks ended.

Each group holds one pull request. A required check that fails there takes it out of the queue; when all
required ones pass, it is merged.
https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/configuring-pull-request-merges/managing-a-merge-queue
"""

from __future__ import annotations

from typing import Any

from localhub import events
from localhub.auth import Actor, user_actor
from localhub.errors import ApiError
from localhub.git.authoring import make_commit
from localhub.git.pushes import Move, follow_moves
from localhub.hub import Hub
from localhub.objects.check import render_head_commit
from localhub.objects.pull import issue_of
from localhub.pull_state import mark_merged
from localhub.rules.store import list_rules
from localhub.state import Row

PREFIX = "refs/heads/gh-readonly-queue"
BOT = "github-merge-queue[bot]"


def find_entry(hub: Hub, pull: Row) -> Row | None:
    """The place of a pull request in the queue."""
    return hub.state.maybe("SELECT * FROM queue_entries WHERE pull_id = ?", pull["id"])


async def enqueue(hub: Hub, actor: Actor, repo: Row, pull: Row) -> Row:
    """Put a pull request into the queue of its base, which asks for checks on a commit of the queue's own."""
    rules = [rule for _, rule in list_rules(hub, repo, pull["base_ref"])]
    if not any(rule["type"] == "merge_queue" for rule in rules):
        raise ApiError(422, "Pull request Merge queue is not enabled for this branch")
    if find_entry(hub, pull) or pull["draft"] or issue_of(hub, pull)["state"] == "closed":
        raise ApiError(422, "Pull request is not in a state in which it can be queued")
    base = pull["base_sha"]
    merged = await hub.git.merge(repo["id"], base, pull["head_sha"])
    if merged.tree is None:
        raise ApiError(422, "Pull request has merge conflicts")
    text = f"Merge pull request #{pull['number']} from {pull['head_owner']}/{pull['head_ref']}"
    sha = make_commit(
        hub, _queue_actor(hub), repo, tree=merged.tree, parents=[base, pull["head_sha"]], message=text
    )
    ref = f"{PREFIX}/{pull['base_ref']}/pr-{pull['number']}-{base}"
    hub.git.force_ref(repo["id"], ref, sha)
    row_id = hub.state.insert(
        "queue_entries", pull_id=pull["id"], head_sha=sha, base_sha=base, ref=ref, created_at=hub.state.now()
    )
    entry = hub.state.one("SELECT * FROM queue_entries WHERE id = ?", row_id)
    events.send_pull(hub, actor, repo, "enqueued", pull)
    await follow_moves(hub, _queue_actor(hub), repo, [Move(ref=ref, old=None, new=sha)])
    _send_group(hub, repo, "checks_requested", pull, entry)
    return entry


async def dequeue(hub: Hub, actor: Actor, repo: Row, pull: Row, reason: str) -> Row:
    """Take a pull request out of the queue for one of GitHub's reasons, as ``CI_FAILURE`` or ``MANUAL``."""
    entry = find_entry(hub, pull)
    if entry is None:
        raise ApiError(422, "Pull request is not in the merge queue")
    hub.state.run("DELETE FROM queue_entries WHERE id = ?", entry["id"])
    events.send_pull(hub, actor, repo, "dequeued", pull, reason=reason)
    _send_group(hub, repo, "destroyed", pull, entry, reason="merged" if reason == "MERGE" else "dequeued")
    hub.git.set_ref(repo["id"], entry["ref"], None, old=entry["head_sha"])
    gone = Move(ref=entry["ref"], old=entry["head_sha"], new=None)
    await follow_moves(hub, _queue_actor(hub), repo, [gone])
    return entry


async def note_check(hub: Hub, repo: Row, run: Row) -> None:
    """Let a completed check run decide on the pull request whose group it ran on."""
    entry = hub.state.maybe(
        "SELECT queue_entries.* FROM queue_entries JOIN pulls ON pulls.id = pull_id"
        " WHERE repo_id = ? AND queue_entries.head_sha = ?",
        repo["id"],
        run["head_sha"],
    )
    if entry is None:
        return
    pull = hub.state.one("SELECT * FROM pulls WHERE id = ?", entry["pull_id"])
    missing = find_missing_checks(hub, repo, pull["base_ref"], entry["head_sha"])
    actor = _queue_actor(hub)
    if missing and run["name"] in missing and run["conclusion"] not in PASSING:
        await dequeue(hub, actor, repo, pull, "CI_FAILURE")
    elif not missing:
        ref = f"refs/heads/{pull['base_ref']}"
        await dequeue(hub, actor, repo, pull, "MERGE")
        hub.git.set_ref(repo["id"], ref, entry["head_sha"], old=entry["base_sha"])
        await mark_merged(hub, actor, repo, pull, entry["head_sha"])
        await follow_moves(hub, actor, repo, [Move(ref=ref, old=entry["base_sha"], new=entry["head_sha"])])


PASSING = ("success", "neutral", "skipped")


def find_missing_checks(hub: Hub, repo: Row, branch: str, sha: str) -> list[str]:
    """The checks that a branch's rules require and that have not passed on a commit."""
    wanted = [
        check["context"]
        for _, rule in list_rules(hub, repo, branch)
        if rule["type"] == "required_status_checks"
        for check in rule["parameters"]["required_status_checks"]
    ]
    passed = set()
    for row in reversed(hub.state.check_runs(repo["id"], sha)):  # the newest of a name decides
        passed.discard(row["name"])
        if row["conclusion"] in PASSING:
            passed.add(row["name"])
    statuses = "SELECT context, state FROM statuses WHERE repo_id = ? AND sha = ? ORDER BY id"
    for row in hub.state.all(statuses, repo["id"], sha):
        passed.discard(row["context"])
        if row["state"] == "success":
            passed.add(row["context"])
    return [name for name in wanted if name not in passed]


def _queue_actor(hub: Hub) -> Actor:
    known = hub.state.account_by_login(BOT)
    if known is None:
        hub.state.insert("accounts", login=BOT, type="Bot", name=BOT, created_at=hub.state.now())
        known = hub.state.require_account(BOT)
    return user_actor(known)


def _send_group(hub: Hub, repo: Row, action: str, pull: Row, entry: Row, **more: Any) -> None:
    group = {
        "head_sha": entry["head_sha"],
        "head_ref": entry["ref"],
        "base_sha": entry["base_sha"],
        "base_ref": f"refs/heads/{pull['base_ref']}",
        "head_commit": render_head_commit(hub, repo, entry["head_sha"]),
    }
    payload = {"action": action, "merge_group": group, **more}
    events.emit(hub, _queue_actor(hub), repo, "merge_group", payload)
