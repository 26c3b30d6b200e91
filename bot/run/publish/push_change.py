"""A proven change becomes a commit on a branch: of this repository, or of the fork that it is for.

A commit that is there already is found by its tree, and a push is recorded as an Effect, so that a run that
takes over pushes nothing twice. Where the pull request was closed meanwhile, nothing is pushed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from bot.domain import EffectKind, ProvenChange
from bot.errors import UserError
from bot.git.commit import BuiltCommit, build_commit
from bot.github.answers import Pull
from bot.run.messages.commit_message import render_commit_message
from bot.run.publish.branch import Landing
from bot.run.publish.context import PublishContext
from bot.run.publish.fork_branch import ForkLanding, LandedCommit, LandingWay
from bot.workspace.fork import add_skip_trailer, is_foreign, on_its_own

CLOSED = "The pull request of `{}` was closed while I worked, so I pushed nothing to it."

Push = Callable[[], Awaitable[LandedCommit]]
FindPushed = Callable[[], Awaitable[LandedCommit | None]]


async def push_change(context: PublishContext, repo: Path, proven: ProvenChange) -> tuple[str, LandingWay]:
    """Commit the change and push it. Returns the commit's sha where it landed, GitHub's own where GitHub
    signed it, and which way it went.

    ``repo`` is an object store that has the base commit. Raises UserError when somebody else moved the branch
    or closed its pull request, and PushRefused.
    """
    message = _render_message(context, proven, here=True)
    built = await _build_commit(context, repo, proven, message)
    if proven.fork:
        return await _push_for_fork(context, repo, proven, here=built)
    return await _push_own_branch(context, repo, proven, built, message)


async def _push_for_fork(
    context: PublishContext, repo: Path, proven: ProvenChange, *, here: BuiltCommit
) -> tuple[str, LandingWay]:
    """Push to the fork's branch where that is allowed, else ``here``; '' where it became a patch instead."""
    assert proven.fork  # noqa: S101  the caller looked
    theirs = await _build_commit(context, repo, proven, _render_message(context, proven, here=False))
    landing = ForkLanding(
        context.api,
        context.task.repo.clone_url,
        proven.fork,
        head=proven.head or proven.result.changes.base,
        built=theirs,
        here=here,
    )
    return await _push_once(
        context, proven, theirs, find=landing.find, do=lambda: landing.land(proven.protected)
    )


async def _push_own_branch(
    context: PublishContext, repo: Path, proven: ProvenChange, built: BuiltCommit, message: str
) -> tuple[str, LandingWay]:
    changes = proven.result.changes
    landing = Landing(
        context.api,
        context.task.repo.clone_url,
        branch=proven.branch,
        head=proven.head,
        built=built,
        message=message,
        prefix=proven.prefix,
    )

    async def find() -> LandedCommit | None:
        sha = await landing.find(changes)
        return LandedCommit(sha=sha, way=LandingWay.OWN_BRANCH) if sha else None

    async def do() -> LandedCommit:
        return LandedCommit(sha=await landing.land(repo, changes), way=LandingWay.OWN_BRANCH)

    return await _push_once(context, proven, built, find=find, do=do)


async def _push_once(
    context: PublishContext, proven: ProvenChange, built: BuiltCommit, *, find: FindPushed, do: Push
) -> tuple[str, LandingWay]:
    async def push_if_open() -> LandedCommit:
        await _require_open(context, proven)
        return await do()

    key = f"task:{context.task.id}:push:{built.sha}"
    landed = await context.effects.once_as(LandedCommit, key, EffectKind.PUSH, find=find, do=push_if_open)
    return landed.sha or "", landed.way


async def _require_open(context: PublishContext, proven: ProvenChange) -> None:
    """Raise UserError when the branch's pull request is closed: that is how a person says no.

    A branch that did not exist before has no pull request yet.
    """
    if proven.head is None:
        return
    if proven.fork or on_its_own(context.task, proven.branch):
        pull: Pull | None = await context.api.pulls.get(context.task.thread.number)
    else:
        pull = await context.api.pulls.find_by_branch(proven.branch)
    if pull is None or not pull.is_open:
        raise UserError(CLOSED.format(proven.branch), phase="publish")


def _render_message(context: PublishContext, proven: ProvenChange, *, here: bool) -> str:
    """The commit's message; ``here``: it goes to a branch in this repository."""
    message = render_commit_message(
        context.task,
        proven.result.outcome,
        run_url=proven.run_url,
        email_domain=context.identity.email_domain,
    )
    return add_skip_trailer(message) if here and is_foreign(proven.branch) else message


async def _build_commit(
    context: PublishContext, repo: Path, proven: ProvenChange, message: str
) -> BuiltCommit:
    return await asyncio.to_thread(
        build_commit,
        repo,
        parent=proven.result.changes.base,
        changes=proven.result.changes,
        message=message,
        author=context.identity.author,
        at=context.task.created_at,
    )
