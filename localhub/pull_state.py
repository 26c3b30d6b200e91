"""What a pull request knows about its two branches, kept true while they move."""

from __future__ import annotations

import asyncio

from localhub import events
from localhub.auth import Actor
from localhub.closing_keywords import close_named_issues
from localhub.errors import invalid
from localhub.git.authoring import make_commit
from localhub.git.diffs import find_moved_line, places, read_diff
from localhub.hub import Hub
from localhub.objects.pull import issue_of
from localhub.state import Row


async def refresh_pull(hub: Hub, actor: Actor, repo: Row, pull: Row) -> Row:
    """Compute merge base, sizes and mergeability anew; sets refs/pull/N/head and refs/pull/N/merge."""
    git, repo_id, head, base = hub.git, repo["id"], pull["head_sha"], pull["base_sha"]
    merge_base = await git.merge_base(repo_id, base, head)
    diff, commits, merge = await asyncio.gather(
        git.diff(repo_id, merge_base or base, head),
        git.list_new_commits(repo_id, head, [base]),
        git.merge(repo_id, base, head),
    )
    files = read_diff(diff)
    git.force_ref(repo_id, f"refs/pull/{pull['number']}/head", head)
    test_merge = None
    if merge.tree is not None:
        text = f"Merge {head} into {base}"
        test_merge = make_commit(hub, actor, repo, tree=merge.tree, parents=[base, head], message=text)
        git.force_ref(repo_id, f"refs/pull/{pull['number']}/merge", test_merge)
    hub.state.update(
        "pulls",
        pull["id"],
        merge_base_sha=merge_base or base,
        mergeable=merge.tree is not None,
        merge_commit_sha=test_merge,
        commits=len(commits),
        additions=sum(file.additions for file in files),
        deletions=sum(file.deletions for file in files),
        changed_files=len(files),
    )
    return hub.state.one("SELECT * FROM pulls WHERE id = ?", pull["id"])


def _open_pulls(hub: Hub, where: str, repo_id: int, branch: str) -> list[Row]:
    sql = f"SELECT pulls.* FROM pulls JOIN issues ON issues.id = issue_id WHERE state = 'open' AND {where}"  # noqa: S608
    return hub.state.all(sql, repo_id, branch)


async def follow_head(hub: Hub, actor: Actor, repo: Row, branch: str, new: str | None) -> None:
    """The branch from which pull requests come moved (``synchronize``) or went (they are closed)."""
    for pull in _open_pulls(hub, "head_repo_id = ? AND head_ref = ?", repo["id"], branch):
        base_repo = hub.state.repo(pull["repo_id"])
        if new is None:
            await close_pull(hub, actor, base_repo, pull)
            continue
        before = pull["head_sha"]
        if before == new:
            continue
        await hub.git.fetch_commit(repo["id"], base_repo["id"], new)
        now = hub.state.now()
        hub.state.update("pulls", pull["id"], head_sha=new)
        hub.state.update("issues", pull["issue_id"], updated_at=now)
        fresh = await refresh_pull(hub, actor, base_repo, pull | {"head_sha": new})
        await move_review_comments(hub, base_repo, fresh, before)
        events.send_pull(hub, actor, base_repo, "synchronize", fresh, before=before, after=new)


async def follow_base(hub: Hub, actor: Actor, repo: Row, branch: str, new: str | None) -> None:
    """The branch into which pull requests go moved; one whose commits are all in it now is merged."""
    for pull in _open_pulls(hub, "pulls.repo_id = ? AND base_ref = ?", repo["id"], branch):
        if new is None:
            await close_pull(hub, actor, repo, pull)
        elif await hub.git.is_ancestor(repo["id"], pull["head_sha"], new):
            await mark_merged(hub, actor, repo, pull, new)
        else:
            hub.state.update("pulls", pull["id"], base_sha=new)
            await refresh_pull(hub, actor, repo, pull | {"base_sha": new})


async def close_pull(hub: Hub, actor: Actor, repo: Row, pull: Row) -> None:
    """Close a pull request without merging it."""
    now = hub.state.now()
    hub.state.update(
        "issues",
        pull["issue_id"],
        state="closed",
        closed_at=now,
        closed_by_id=actor.account_id,
        updated_at=now,
    )
    events.send_pull(hub, actor, repo, "closed", pull)


async def set_pull_state(hub: Hub, actor: Actor, repo: Row, pull: Row, state: str) -> None:
    """Close or reopen a pull request and send its event."""
    if state == "closed":
        await close_pull(hub, actor, repo, pull)
        return
    head = None if pull["head_repo_id"] is None else hub.git.branch(pull["head_repo_id"], pull["head_ref"])
    base = hub.git.branch(repo["id"], pull["base_ref"])
    if pull["merged_at"] is not None or head is None or base is None:
        reason = "state cannot be changed. The pull request cannot be reopened."
        raise invalid("PullRequest", "state", "invalid", reason)
    now = hub.state.now()
    hub.state.update(
        "issues", pull["issue_id"], state="open", closed_at=None, closed_by_id=None, updated_at=now
    )
    await hub.git.fetch_commit(pull["head_repo_id"], repo["id"], head)
    hub.state.update("pulls", pull["id"], head_sha=head, base_sha=base)
    await refresh_pull(hub, actor, repo, pull | {"head_sha": head, "base_sha": base})
    events.send_pull(hub, actor, repo, "reopened", pull)


def set_draft(hub: Hub, actor: Actor, repo: Row, pull: Row, draft: bool) -> None:
    """Make a pull request a draft, or ready for review (GitHub has this in GraphQL only)."""
    if bool(pull["draft"]) == draft:
        return
    hub.state.update("pulls", pull["id"], draft=draft)
    hub.state.update("issues", pull["issue_id"], updated_at=hub.state.now())
    events.send_pull(hub, actor, repo, "converted_to_draft" if draft else "ready_for_review", pull)


async def mark_merged(hub: Hub, actor: Actor, repo: Row, pull: Row, merge_sha: str) -> None:
    """Close a pull request as merged, and the issues it says it fixes when it went to the default branch."""
    now = hub.state.now()
    with hub.state.transaction():
        hub.state.update(
            "pulls", pull["id"], merged_at=now, merged_by_id=actor.account_id, merge_commit_sha=merge_sha
        )
        hub.state.update(
            "issues",
            pull["issue_id"],
            state="closed",
            closed_at=now,
            closed_by_id=actor.account_id,
            updated_at=now,
        )
    events.send_pull(hub, actor, repo, "closed", pull)
    if pull["base_ref"] == repo["default_branch"]:
        close_named_issues(hub, actor, repo, issue_of(hub, pull)["body"] or "")


async def move_review_comments(hub: Hub, repo: Row, pull: Row, before: str) -> None:
    """Let inline comments follow their lines to the new head; those whose line is gone become outdated."""
    comments = [row for row in hub.state.review_comments(pull["id"]) if row["line"] is not None]
    if not comments:
        return
    git, repo_id, head = hub.git, repo["id"], pull["head_sha"]
    whole = {file.path: file for file in read_diff(await git.diff(repo_id, pull["merge_base_sha"], head))}
    code, _ = await git.run(repo_id, "cat-file", "-e", before, accept=(0, 1, 128))
    zero = await git.text(repo_id, "diff", "--unified=0", "--full-index", before, head) if code == 0 else ""
    since = {file.old_path: file for file in read_diff(zero)}
    for row in comments:
        file = whole.get(row["path"])
        spots = places(file.patch) if file is not None and file.patch else {}
        changed = since.get(row["path"])
        patch = changed.patch if changed is not None else None
        line = row["line"] if row["side"] == "LEFT" else find_moved_line(patch, row["line"])
        spot = None if line is None else spots.get((row["side"], line))
        if spot is None:
            hub.state.update("review_comments", row["id"], line=None, start_line=None, position=None)
            continue
        start = row["start_line"] if row["start_line"] is None else find_moved_line(patch, row["start_line"])
        hub.state.update(
            "review_comments", row["id"], line=line, start_line=start, position=spot.position, commit_id=head
        )
