"""The proved change onto its branch: as a commit that GitHub signs, or pushed as it was built.

A new branch is made at its first commit, in one step: workflows and previews see one push. Either way the
branch is compared and swapped, so nobody's commits are overwritten, and what stands there in the end has the
very tree that was proved.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import structlog

from bot.domain import ChangeKind, ChangeSet, FileChange, Repo
from bot.errors import Parked, UserError
from bot.git.branch_name import OWN_PREFIX
from bot.git.commit import (
    BuiltCommit,
    has_only_ordinary_files,
    is_a_place_taken,
    list_files_over,
    read_tree_name,
)
from bot.git.push import HeadMoved, PushRefused, push, remove
from bot.github.app import RepoApi
from bot.github.http.responses import Forbidden, NotFound, Rejected, Stale
from bot.github.http.scope import Purpose

log = structlog.get_logger(__name__)

MODES = (0o100644, 0o100755, 0o120000)  # what a tree can be told through the API
MOST_BYTES = 4 << 20  # in one request; GitHub names no bound, and a third is added on the way
MOVED = (
    "`{}` was changed by somebody else while I worked, so I left it alone. Ask again and I will go on from "
    "there."
)

# GitHub lets nobody move a branch whose pull request is queued, until the queue has merged or dropped it.
QUEUED = "the pull request of {} is in the merge queue, so that GitHub lets nobody change its branch"
QUEUE_SECONDS = 300.0
WORKFLOWS = (
    "The base changed workflow files since, and GitHub lets no app push those without a permission that I do "
    "not ask for. Press *Update branch* on the pull request, or merge the base into `{}` by hand."
)


class Landing:
    """A commit to be put on one branch. ``head`` is where the branch was, None when it did not exist."""

    def __init__(
        self,
        api: RepoApi,
        url: str,
        *,
        branch: str,
        head: str | None,
        built: BuiltCommit,
        message: str,
        prefix: str = OWN_PREFIX,
    ) -> None:
        self._api = api
        self._url = url
        self._branch = branch
        self._head = head
        self._prefix = prefix
        self._built = built
        self._message = message.replace("\0", "").strip()

    async def find(self, changes: ChangeSet) -> str | None:
        """The commit when it is the branch's head already: built here, or GitHub's of the same tree."""
        at = await self._api.commits.find(self._branch)
        if at is None:
            return None
        proved = (at.tree, at.parents) == (self._built.tree, changes.parents or (changes.base,))
        return at.sha if proved or at.sha == self._built.sha else None

    async def land(self, repo: Path, changes: ChangeSet) -> str:
        """Put the change on the branch; its commit's sha. Raises UserError when the branch was moved, Parked
        while its pull request is in a merge queue.
        """
        under = changes.parents[0] if changes.parents else changes.base
        if self._head not in (None, under):  # it would take the place of commits that are not below it
            raise UserError(MOVED.format(self._branch), phase="publish")
        try:
            try:
                made = await self._land_by_github(repo, changes)
            except (Rejected, NotFound, Forbidden) as refused:  # git may be allowed what the API is not
                if "archived" in refused.message:  # but an archive takes nothing from anybody
                    raise PushRefused(refused.message) from None
                log.warning("publish.unsigned", reason=refused.message)
                made = None
            return made or await self._push(self._built, self._head)
        except PushRefused as refused:
            if "merge queue" in refused.reason.lower():
                raise Parked(QUEUED.format(self._branch), after=QUEUE_SECONDS) from None
            if changes.parents and "workflow" in refused.reason:
                raise UserError(WORKFLOWS.format(self._branch), phase="publish") from None
            raise
        except (HeadMoved, Stale):
            raise UserError(MOVED.format(self._branch), phase="publish") from None

    async def _land_by_github(self, repo: Path, changes: ChangeSet) -> str | None:
        """The sha of the commit that GitHub made; None where the API cannot be told this change."""
        new = self._head is None
        parents = changes.parents or (changes.base,)
        base, files = changes.base, list(changes.files)
        if changes.parents:  # what differs from the branch that is merged in: this pull request's own work
            base = changes.parents[-1]
            over = await asyncio.to_thread(list_files_over, repo, self._built, base=base)
            if over is None or new:
                return None
            files = over
        if not can_be_told(files):
            return None
        ordinary = not changes.parents and await asyncio.to_thread(
            has_only_ordinary_files, repo, base=base, changes=changes
        )
        if ordinary and not new:
            return await self._commit_by_github(changes)
        if not new and not self._branch.startswith(self._prefix):
            return None
        return await self._move_branch_by_github(repo, base, parents, files)

    async def _commit_by_github(self, changes: ChangeSet) -> str:
        made = await self._api.commits.create_on_branch(
            self._branch, changes.base, self._message, changes.files
        )
        if made.tree == self._built.tree:
            return made.sha
        # GitHub made something else of it: what was proved takes its place, if nobody built on it yet.
        log.error("publish.other_tree", made=made.tree, proved=self._built.tree)
        return await self._push(self._built, made.sha)

    async def _move_branch_by_github(
        self, repo: Path, base: str, parents: Sequence[str], files: Sequence[FileChange]
    ) -> str:
        """The commit of ``files`` over commit ``base``, and the branch begun at it, or moved on to it."""
        commits = self._api.commits
        base_tree = await asyncio.to_thread(read_tree_name, repo, base)
        made = await commits.create_commit(parents, base_tree, self._message, files)
        if made.tree != self._built.tree:  # no branch has it, so nobody saw it
            log.error("publish.other_tree", made=made.tree, proved=self._built.tree)
            return await self._push(self._built, self._head)
        move = commits.create_branch if self._head is None else commits.advance_branch
        await move(self._branch, made.sha, prefix=self._prefix)
        return made.sha

    async def _push(self, built: BuiltCommit, expected: str | None) -> str:
        await self._api.with_token(
            Purpose.PUBLISH,
            lambda token: push(
                self._url,
                token=token,
                branch=self._branch,
                built=built,
                expected=expected,
                prefix=self._prefix,
            ),
        )
        return built.sha


async def remove_branch(api: RepoApi, repo: Repo, branch: str, expected: str) -> None:
    """Delete one of Hob's branches while it is at ``expected``. Raises UserError when it was moved.

    That it is Hob's, by whatever prefix, is for the caller to know.
    """
    try:
        await api.with_token(
            Purpose.PUBLISH,
            lambda token: remove(
                repo.clone_url, token=token, branch=branch, expected=expected, prefix=branch
            ),
        )
    except HeadMoved:
        raise UserError(
            f"`{branch}` was changed by somebody while I looked at it, so I left it alone."
        ) from None


def can_be_told(files: Sequence[FileChange]) -> bool:
    """Whether GitHub can be told these files, with their modes, so that it commits them itself."""
    if sum(len(file.data) for file in files) > MOST_BYTES or is_a_place_taken(files):
        return False
    if any(file.path.startswith(".github/workflows/") for file in files):
        return False  # a refused push says why, and leaves no branch behind
    return all(file.kind is ChangeKind.DELETED or file.mode in MODES for file in files)
