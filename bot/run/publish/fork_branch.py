"""A change for a fork's pull request, published in one of three ways.

Onto the fork's branch where its author lets maintainers push there; else onto a branch here, with a pull
request of its own; else as a patch in a review. The last two differ in trust: what is pushed here runs with
this repository's secrets in its workflows, so the commit tells them to stay away (a trailer), and nothing is
pushed here that changes a protected path.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import structlog

from bot.domain import ChangeSet, Fork
from bot.domain.paths.protected_paths import why_protected
from bot.errors import UserError
from bot.git.commit import BuiltCommit
from bot.git.push import HeadMoved, push
from bot.github.app import RepoApi
from bot.github.http.scope import Purpose
from bot.run.messages.push_refused import render_how_to_apply
from bot.run.publish.branch import MOVED
from bot.text.defuse import fence
from bot.text.fit import mark
from bot.workspace.fork import branch_here

log = structlog.get_logger(__name__)

MOST_PATCH = 40_000  # characters, in a review's body


class LandingWay(StrEnum):
    """Where a change was published; the values are stored with the record of the push."""

    OWN_BRANCH = ""  # on the branch of a pull request that comes from this repository
    TO_FORK = "fork"  # on the fork's branch
    HERE = "here"  # on a branch in this repository, with a pull request of its own
    PATCH = "patch"  # nowhere: as a patch in a review


@dataclass(frozen=True, slots=True, kw_only=True)
class LandedCommit:
    """The commit that holds a published change, None for a patch, and which way it went."""

    sha: str | None
    way: LandingWay

    @classmethod
    def from_json(cls, answer: Any) -> LandedCommit:
        """The recorded answer of a push; ``way`` is missing where only one was possible."""
        return cls(sha=answer["sha"] or None, way=LandingWay(answer.get("way", "")))

    def to_json(self) -> dict[str, Any]:
        """The answer to record: ``sha`` is '' for a patch."""
        way = {"way": self.way.value} if self.way is not LandingWay.OWN_BRANCH else {}
        return {"sha": self.sha or ""} | way


class ForkLanding:
    """One fork's pull request and the commit for it: ``built`` for the fork, ``here`` for a branch here."""

    def __init__(
        self, api: RepoApi, url: str, fork: Fork, *, head: str, built: BuiltCommit, here: BuiltCommit
    ) -> None:
        self._api, self._url, self._fork, self._head = api, url, fork, head
        self._built, self._here = built, here

    async def find(self) -> LandedCommit | None:
        """Where the commit is published already, None when it is nowhere."""
        if (await self._api.pulls.get(self._fork.number)).head.sha == self._built.sha:
            return LandedCommit(sha=self._built.sha, way=LandingWay.TO_FORK)
        if await self._api.commits.find_branch_head(branch_here(self._fork.number)) == self._here.sha:
            return LandedCommit(sha=self._here.sha, way=LandingWay.HERE)
        return None

    async def land(self, protected: Sequence[str]) -> LandedCommit:
        """Push it where that is possible, else it is a patch. Raises UserError when the fork moved."""
        fork = self._fork
        if fork.url and await self._push(fork.url, fork.branch, self._built, self._head):
            return LandedCommit(sha=self._built.sha, way=LandingWay.TO_FORK)
        if await self._may_stand_here(protected) and await self._push(
            self._url, branch_here(fork.number), self._here, None
        ):
            return LandedCommit(sha=self._here.sha, way=LandingWay.HERE)
        return LandedCommit(sha=None, way=LandingWay.PATCH)

    async def _may_stand_here(self, protected: Sequence[str]) -> bool:
        """Whether the fork's commits change no protected path, as far as all that they change is known.

        Those that would be pushed: what the pull request lists follows its author, who may push meanwhile.
        """
        paths = await self._api.commits.list_changed_paths(self._fork.base, self._head)
        return paths is not None and not any(why_protected(path, protected) for path in paths)

    async def _push(self, url: str, branch: str, built: BuiltCommit, expected: str | None) -> bool:
        """Whether the push was taken. GitHub decides who may push to a fork: a no is no error here."""
        foreign = expected is not None
        try:
            await self._api.with_token(
                Purpose.PUBLISH,
                lambda token: push(
                    url, token=token, branch=branch, built=built, expected=expected, foreign=foreign
                ),
            )
        except HeadMoved:
            if foreign:
                raise UserError(MOVED.format(branch), phase="publish") from None
            return False  # a branch of that name is there, and its pull request was closed
        except UserError as refused:
            log.warning("publish.fork_refused", branch=branch, reason=refused.message)
            return False
        return True


def render_patch_review(fork: Fork, changes: ChangeSet, diff: str, key: str, run_url: str) -> str:
    """The review that holds the change, to be applied. Raises UserError for a merge: it is no patch."""
    if changes.parents:
        raise UserError(
            f"I merged `{fork.base}` and settled the conflicts, but may push neither to the fork nor here, "
            "and a patch cannot say a merge. Let maintainers edit the pull request, and ask again.",
            phase="publish",
        )
    whole = fence(diff, "diff") if len(diff) < MOST_PATCH else f"It is too long for here: [look]({run_url})."
    why = "I may neither push to the fork nor make a branch of it here, so this is the change as a patch."
    how = render_how_to_apply(diff, changes.base)
    return "\n\n".join((mark(key), f"{why} {how}", whole))
