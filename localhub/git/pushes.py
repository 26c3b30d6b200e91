"""What follows when refs move, by git or by the API: events, and updates of pull requests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from localhub import events
from localhub.auth import Actor
from localhub.git.store import ZERO
from localhub.hub import Hub
from localhub.objects.commit import render_pushed_commit
from localhub.objects.repository import page_url
from localhub.pull_state import follow_base, follow_head
from localhub.rules.store import check_move
from localhub.state import Row

SHOWN_COMMITS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A ref that moved; None where it did not or does not exist."""

    ref: str
    old: str | None
    new: str | None


def compare_refs(before: dict[str, str], after: dict[str, str]) -> list[Move]:
    """The moves between two readings of all refs."""
    names = sorted(before.keys() | after.keys())
    every = [Move(ref=name, old=before.get(name), new=after.get(name)) for name in names]
    return [move for move in every if move.old != move.new]


async def move_ref(hub: Hub, actor: Actor, repo: Row, move: Move) -> bool:
    """Move one ref, with all that follows from it; False when it was not at ``move.old``.

    Raises 422 where a rule of the repository does not allow it.
    """
    await check_move(hub, actor, repo, move.ref, move.old, move.new)
    async with hub.git.lock(repo["id"]):
        if not hub.git.set_ref(repo["id"], move.ref, move.new, old=move.old):
            return False
    await follow_moves(hub, actor, repo, [move])
    return True


async def follow_moves(hub: Hub, actor: Actor, repo: Row, moved: Sequence[Move]) -> None:
    """Send events for the moves, and update pull requests from and to the branches."""
    moved = [move for move in moved if move.ref.startswith(("refs/heads/", "refs/tags/"))]
    if not moved:
        return
    hub.state.update("repos", repo["id"], pushed_at=hub.state.now())
    for move in moved:
        _set_default_branch(hub, repo, move)
        await _emit_events(hub, actor, hub.state.repo(repo["id"]), move)
    for move in moved:
        branch = move.ref.removeprefix("refs/heads/")
        if branch != move.ref:
            await follow_head(hub, actor, repo, branch, move.new)
            await follow_base(hub, actor, repo, branch, move.new)


def _set_default_branch(hub: Hub, repo: Row, move: Move) -> None:
    """Make the first branch of an empty repository its default one."""
    if (
        move.new
        and move.ref.startswith("refs/heads/")
        and hub.git.branch(repo["id"], repo["default_branch"]) is None
    ):
        branch = move.ref.removeprefix("refs/heads/")
        hub.git.set_head(repo["id"], branch)
        hub.state.update("repos", repo["id"], default_branch=branch)


async def _emit_events(hub: Hub, actor: Actor, repo: Row, move: Move) -> None:
    kind, _, name = move.ref.removeprefix("refs/").partition("/")
    about = {"ref": name, "ref_type": "tag" if kind == "tags" else "branch", "pusher_type": "user"}
    if move.old is None:
        more = {"master_branch": repo["default_branch"], "description": repo["description"]}
        events.emit(hub, actor, repo, "create", about | more)
    events.emit(hub, actor, repo, "push", await _render_push(hub, actor, repo, move))
    if move.new is None:
        events.emit(hub, actor, repo, "delete", about)


async def _render_push(hub: Hub, actor: Actor, repo: Row, move: Move) -> dict[str, Any]:
    git, account = hub.git, actor.writer
    shas: list[str] = []
    forced = False
    if move.new is not None and move.old is not None:
        forced = not await git.is_ancestor(repo["id"], move.old, move.new)
        shas = await git.commits(repo["id"], f"-{SHOWN_COMMITS}", f"{move.old}..{move.new}")
    elif move.new is not None:
        others = [sha for ref, sha in git.refs(repo["id"], "refs/heads/").items() if ref != move.ref]
        shas = await git.commits(repo["id"], f"-{SHOWN_COMMITS}", move.new, *(f"^{sha}" for sha in others))
    head = None if move.new is None else git.resolve(repo["id"], move.new)
    shown = {sha: await _render_pushed_commit(hub, repo, sha) for sha in {*shas, *([head] if head else [])}}
    old, new = move.old or ZERO, move.new or ZERO
    compare = f"{old[:12]}...{new[:12]}" if move.old and move.new else new[:12] or old[:12]
    return {
        "ref": move.ref,
        "before": old,
        "after": new,
        "created": move.old is None,
        "deleted": move.new is None,
        "forced": forced,
        "base_ref": None,
        "compare": f"{page_url(hub, repo)}/compare/{compare}",
        "commits": [shown[sha] for sha in reversed(shas)],
        "head_commit": shown[head] if head else None,
        "pusher": {
            "name": account["login"],
            "email": account["email"] or f"{account['id']}+{account['login']}@users.noreply.github.com",
        },
    }


async def _render_pushed_commit(hub: Hub, repo: Row, sha: str) -> dict[str, Any]:
    commit = hub.git.commit(repo["id"], sha)
    return render_pushed_commit(hub, repo, commit, await hub.git.list_changed_paths(repo["id"], sha))
