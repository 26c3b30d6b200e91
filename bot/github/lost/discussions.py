"""What was written lately in discussions, which GitHub has in GraphQL alone.

The queries are checked in the tests against GitHub's published schema.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from bot.domain import Person
from bot.github.answers import BadAnswer, Json, parse
from bot.github.graphql.discussions import read_author
from bot.github.http.client import Client
from bot.github.lost.installations import AT_ONCE, InstalledRepository
from bot.github.lost.recent import RecentItem
from bot.text.json_fields import Fields

# https://docs.github.com/en/graphql/reference/objects#discussion
NEWEST = """
query NewestDiscussions($ids: [ID!]!) {
  nodes(ids: $ids) {
    ... on Repository {
      discussions(first: 1, orderBy: {field: UPDATED_AT, direction: DESC}) { nodes { updatedAt } }
    }
  }
}
"""
_WRITTEN = """
  databaseId body url createdAt updatedAt lastEditedAt
  author { __typename login ... on User { databaseId } ... on Bot { databaseId } }
"""
RECENT = f"""
query RecentDiscussions($owner: String!, $name: String!) {{
  repository(owner: $owner, name: $name) {{
    discussions(first: 20, orderBy: {{field: UPDATED_AT, direction: DESC}}) {{
      nodes {{
        {_WRITTEN} number title
        comments(last: 50) {{ nodes {{ {_WRITTEN} replies(last: 20) {{ nodes {{ {_WRITTEN} }} }} }} }}
      }}
    }}
  }}
}}
"""
NEEDED = "discussions=read"
OPENED, COMMENTED = "discussion", "discussion_comment"


class RecentDiscussions:
    """What was written lately; ``client_of`` gives a client that may read an installation's discussions."""

    def __init__(self, client_of: Callable[[int], Client]) -> None:
        self._client_of = client_of

    async def find_changes(
        self, installation: int, repositories: Sequence[InstalledRepository]
    ) -> Mapping[int, datetime]:
        """When a discussion last changed, by the repository's id; those without any are left out."""
        changes: dict[int, datetime] = {}
        for start in range(0, len(repositories), AT_ONCE):
            some = repositories[start : start + AT_ONCE]
            data = await self._client_of(installation).graphql_partly(
                NEWEST, what="when discussions changed", needs=NEEDED, ids=[one.node_id for one in some]
            )
            nodes = data.get("nodes") or []  # in the order of the ids, null for one that is not shown
            if len(nodes) != len(some):
                raise BadAnswer(f"GitHub told of {len(nodes)} repositories, asked about {len(some)}")
            for repository, node in zip(some, nodes, strict=True):
                newest = None if node is None else parse(node, "repository", _read_newest)
                if newest is not None:
                    changes[repository.id] = newest
        return changes

    async def list_items(self, repository: InstalledRepository, since: datetime) -> list[RecentItem]:
        """Discussions, comments and replies of the twenty discussions that changed last, if since then.

        Of each the last fifty comments are read, and of each of these the last twenty replies.
        """
        data = await self._client_of(repository.installation).graphql(
            RECENT, what="the discussions", needs=NEEDED, owner=repository.owner, name=repository.name
        )
        return [item for item in parse(data, "data", _read_items) if item.created_at >= since]


def _read_newest(node: Fields) -> datetime | None:
    nodes = node.object("discussions").objects("nodes")
    return max((one.time("updatedAt") for one in nodes), default=None)


def _read_items(data: Fields) -> list[RecentItem]:
    items: list[RecentItem] = []
    for node in data.object("repository").object("discussions").objects("nodes"):
        opening = _render(node) | {"number": node.number("number"), "title": node.text("title")}
        items.append(_make_item(OPENED, node, opening, opening))
        for comment in node.object("comments").objects("nodes"):
            written = [comment, *comment.object("replies").objects("nodes")]
            items += [_make_item(COMMENTED, one, _render(one), opening) for one in written]
    return items


def _make_item(event: str, node: Fields, answer: Json, discussion: Json) -> RecentItem:
    """An item that counts as changed when its text was: a comment moves the discussion's own time."""
    title = answer.get("title")
    created = node.time("createdAt")
    return RecentItem(
        event=event,
        id=node.number("databaseId"),
        author=read_author(node.maybe("author")),
        texts=(*((title,) if title else ()), node.text("body")),
        url=node.text("url"),
        created_at=created,
        updated_at=node.time("lastEditedAt") if node.has("lastEditedAt") else created,
        subject_url=discussion["html_url"],
        pull=None,
        answer=answer,
        discussion=discussion,
    )


def _render(node: Fields) -> Json:
    """What a webhook says of a discussion or a comment in one, as far as the intake reads it."""
    who: Person = read_author(node.maybe("author"))
    user = {"id": who.id, "login": who.login, "type": "Bot" if who.is_bot else "User"}
    return {
        "id": node.number("databaseId"),
        "body": node.text("body"),
        "html_url": node.text("url"),
        "created_at": node.text("createdAt"),
        "updated_at": node.text("updatedAt"),
        "user": user if who.id else None,
    }
