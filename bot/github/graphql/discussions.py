"""Discussions: read and answered. GitHub has them in GraphQL alone, behind the permission ``discussions``.

The queries are checked in the tests against GitHub's published schema.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from bot.domain import Person
from bot.github.answers import GHOST, Comment, parse
from bot.github.http.client import Client
from bot.github.http.responses import NotFound
from bot.github.repository import AppInfo, RepoAddress, Repository
from bot.text.fit import fit, has_mark
from bot.text.json_fields import Fields

_COMMENT = """
  id databaseId body url createdAt updatedAt viewerDidAuthor
  author { __typename login ... on User { databaseId } ... on Bot { databaseId } }
"""
# https://docs.github.com/en/graphql/guides/using-the-graphql-api-for-discussions
DISCUSSION = f"""
query Discussion($owner: String!, $name: String!, $number: Int!) {{
  repository(owner: $owner, name: $name) {{
    discussion(number: $number) {{
      id
      comments(last: 50) {{ nodes {{ {_COMMENT} replies(last: 20) {{ nodes {{ {_COMMENT} }} }} }} }}
    }}
  }}
}}
"""
ADD = f"""
mutation Answer($input: AddDiscussionCommentInput!) {{
  addDiscussionComment(input: $input) {{ comment {{ {_COMMENT} }} }}
}}
"""
UPDATE = """
mutation Edit($input: UpdateDiscussionCommentInput!) {
  updateDiscussionComment(input: $input) { comment { id } }
}
"""
NEEDED = "discussions=write"
WHAT = "the discussion"


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenDiscussionComment:
    """A comment of a discussion or a reply to one, with its node id; ``own`` means that this app wrote it."""

    node: str
    comment: Comment
    own: bool


class Discussions(Repository):
    """The discussions of a repository."""

    def __init__(
        self,
        client: Client,
        address: RepoAddress,
        identify: Callable[[], Awaitable[AppInfo]],
        *,
        discussing: Client,
    ) -> None:
        """``discussing`` is a client that may write discussions."""
        super().__init__(client, address, identify)
        self._discussing = discussing

    async def list_comments(self, number: int) -> list[SeenDiscussionComment]:
        """The last fifty comments, each with its last twenty replies, oldest first.

        https://docs.github.com/en/graphql/reference/objects#discussion
        """
        return (await self._read(number))[1]

    async def find_comment(self, number: int, marker: str) -> Comment | None:
        """The bot's own newest comment that bears ``marker``."""
        own = [one.comment for one in await self.list_comments(number) if one.own]
        return next((one for one in reversed(own) if has_mark(one.body, marker)), None)

    async def create_comment(self, number: int, body: str) -> Comment:
        """Comment on a discussion. Not repeated after an outage: look for the marker first.

        https://docs.github.com/en/graphql/reference/mutations#adddiscussioncomment
        """
        wanted = {"discussionId": (await self._read(number))[0], "body": fit(body)}
        data = await self._ask(ADD, input=wanted)
        return parse(data, "data", _read_added).comment

    async def edit_comment(self, number: int, comment: int, body: str) -> None:
        """Replace a comment's text. Raises NotFound when it is gone.

        https://docs.github.com/en/graphql/reference/mutations#updatediscussioncomment
        """
        known = await self.list_comments(number)
        node = next((one.node for one in known if one.own and one.comment.id == comment), None)
        if node is None:
            raise NotFound("The comment in the discussion was deleted.", status=404)
        await self._ask(UPDATE, input={"commentId": node, "body": fit(body)})

    async def _read(self, number: int) -> tuple[str, list[SeenDiscussionComment]]:
        at = {"owner": self._address.owner, "name": self._address.name}
        return parse(await self._ask(DISCUSSION, **at, number=number), "data", _read_discussion)

    async def _ask(self, query: str, **variables: Any) -> Any:
        return await self._discussing.graphql(query, what=WHAT, needs=NEEDED, **variables)


def _read_discussion(data: Fields) -> tuple[str, list[SeenDiscussionComment]]:
    found = data.object("repository").maybe("discussion")
    if found is None:
        raise NotFound("GitHub does not have the discussion any more.", status=404)
    seen = []
    for node in found.object("comments").objects("nodes"):
        seen.append(_read_comment(node))
        seen += [_read_comment(reply) for reply in node.object("replies").objects("nodes")]
    return found.text("id"), sorted(seen, key=lambda one: (one.comment.created_at, one.comment.id))


def _read_added(data: Fields) -> SeenDiscussionComment:
    return _read_comment(data.object("addDiscussionComment").object("comment"))


def _read_comment(node: Fields) -> SeenDiscussionComment:
    comment = Comment(
        id=node.number("databaseId"),
        body=node.text("body"),
        author=read_author(node.maybe("author")),
        url=node.text("url"),
        created_at=node.time("createdAt"),
        updated_at=node.time("updatedAt"),
    )
    return SeenDiscussionComment(node=node.text("id"), comment=comment, own=node.flag("viewerDidAuthor"))


def read_author(author: Fields | None) -> Person:
    """Who wrote it, with the login that REST shows: GraphQL leaves out a bot's suffix."""
    if author is None:
        return GHOST
    is_bot = author.text("__typename") == "Bot"
    login = author.text("login") + ("[bot]" if is_bot else "")
    return Person(id=author.number("databaseId", 0), login=login, is_bot=is_bot)
