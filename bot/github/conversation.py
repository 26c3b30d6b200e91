"""The comments of one thread, whatever it is: an issue, a pull request, or a discussion."""

from __future__ import annotations

from typing import Protocol

from bot.domain import Trigger
from bot.github.answers import Comment
from bot.github.graphql.discussions import Discussions
from bot.github.issues import Issues


class Conversation(Protocol):
    """Reading and writing one thread's comments; methods raise what every request raises."""

    async def list_comments(self) -> list[Comment]:
        """The thread's comments, oldest first."""

    async def find_comment(self, marker: str) -> Comment | None:
        """The bot's own newest comment that contains ``marker``."""

    async def create_comment(self, body: str) -> Comment:
        """Write a comment. Not repeated after an outage: look for the marker first."""

    async def edit_comment(self, comment: int, body: str) -> None:
        """Replace a comment's text. Raises NotFound when it is gone."""

    async def react(self, trigger: Trigger, content: str) -> None:
        """React to what asked; reacting twice is reacting once."""


class IssueConversation:
    """The conversation of an issue or a pull request."""

    def __init__(self, issues: Issues, number: int) -> None:
        self._issues = issues
        self._number = number

    async def list_comments(self) -> list[Comment]:
        """The thread's comments, oldest first."""
        return await self._issues.list_comments(self._number)

    async def find_comment(self, marker: str) -> Comment | None:
        """The bot's own newest comment that contains ``marker``."""
        return await self._issues.find_comment(self._number, marker)

    async def create_comment(self, body: str) -> Comment:
        """Write a comment."""
        return await self._issues.create_comment(self._number, body)

    async def edit_comment(self, comment: int, body: str) -> None:
        """Replace a comment's text."""
        await self._issues.edit_comment(comment, body)

    async def react(self, trigger: Trigger, content: str) -> None:
        """React to what asked."""
        await self._issues.react(trigger.kind, trigger.id, self._number, content)


class DiscussionConversation:
    """A discussion. Its events tell no node id of a comment to react to, so there are no reactions."""

    def __init__(self, discussions: Discussions, number: int) -> None:
        self._discussions = discussions
        self._number = number

    async def list_comments(self) -> list[Comment]:
        """The comments and the replies to them, as far as one request reads, oldest first."""
        return [one.comment for one in await self._discussions.list_comments(self._number)]

    async def find_comment(self, marker: str) -> Comment | None:
        """The bot's own newest comment that contains ``marker``."""
        return await self._discussions.find_comment(self._number, marker)

    async def create_comment(self, body: str) -> Comment:
        """Write a comment of its own, which can be marked as the answer."""
        return await self._discussions.create_comment(self._number, body)

    async def edit_comment(self, comment: int, body: str) -> None:
        """Replace a comment's text."""
        await self._discussions.edit_comment(self._number, comment, body)

    async def react(self, trigger: Trigger, content: str) -> None:
        """There is nothing to react to."""
