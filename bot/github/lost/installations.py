"""Where the app is installed, and in which of an installation's repositories something was written lately.

Fifty repositories are asked about in one GraphQL request, which costs one or two of the 5,000 points an hour:
the newest time of their issues and of their pull requests, which comments and reviews move too.
https://docs.github.com/en/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.github.answers import BadAnswer, Json, parse
from bot.github.http.client import Client
from bot.text.json_fields import Fields

# https://docs.github.com/en/graphql/reference/objects#repository
NEWEST = """
query Newest($ids: [ID!]!) {
  nodes(ids: $ids) {
    ... on Repository {
      issues(first: 1, orderBy: {field: UPDATED_AT, direction: DESC}) { nodes { updatedAt } }
      pullRequests(first: 1, orderBy: {field: UPDATED_AT, direction: DESC}) { nodes { updatedAt } }
    }
  }
}
"""
AT_ONCE = 50  # repositories in one request
NEEDED = "issues=read, pull_requests=read"


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """The app in one account, since ``created_at``."""

    id: int
    created_at: datetime
    is_suspended: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class InstalledRepository:
    """A repository that the app may see, through which installation; ``answer`` is GitHub's own JSON."""

    installation: int
    id: int
    node_id: str
    owner: str
    name: str
    is_archived: bool
    answer: Json

    @property
    def full_name(self) -> str:
        """``owner/name``."""
        return f"{self.owner}/{self.name}"

    @property
    def has_discussions(self) -> bool:
        """Whether discussions are turned on there."""
        return self.answer.get("has_discussions") is True


class Installations:
    """The app's installations; ``client_of`` gives a client that may read the issues of all of one's
    repositories.
    """

    def __init__(self, app: Client, client_of: Callable[[int], Client]) -> None:
        self._app = app
        self._client_of = client_of

    async def list(self) -> list[Installation]:
        """Every installation, suspended ones too.

        https://docs.github.com/en/rest/apps/apps#list-installations-for-the-authenticated-app
        """
        pages = self._app.getiter("/app/installations{?per_page}", {"per_page": "100"})
        return [parse(one, "installation", _read_installation) async for one in pages]

    async def repositories(self, installation: int) -> AsyncIterator[InstalledRepository]:
        """Every repository that the app can see through an installation.

        https://docs.github.com/en/rest/apps/installations#list-repositories-accessible-to-the-app-installation
        """
        path = "/installation/repositories{?per_page}"
        client = self._client_of(installation)
        async for repository in client.getiter(path, {"per_page": "100"}, iterable_key="repositories"):
            yield _parse_repository(installation, repository)

    async def find_changes(
        self, installation: int, repositories: Sequence[InstalledRepository]
    ) -> Mapping[int, datetime | None]:
        """When an issue or a pull request last changed, by the repository's id; None where there is none yet.

        A repository of which GitHub does not tell is left out. Raises what refuses the request as a whole.
        """
        changes: dict[int, datetime | None] = {}
        client = self._client_of(installation)
        for start in range(0, len(repositories), AT_ONCE):
            some = repositories[start : start + AT_ONCE]
            data = await client.graphql_partly(
                NEWEST, what="when repositories changed", needs=NEEDED, ids=[one.node_id for one in some]
            )
            nodes = data.get("nodes") or []  # in the order of the ids, null for one that is not shown
            if len(nodes) != len(some):
                raise BadAnswer(f"GitHub told of {len(nodes)} repositories, asked about {len(some)}")
            for repository, node in zip(some, nodes, strict=True):
                if node is not None:
                    changes[repository.id] = parse(node, "repository", _read_newest)
        return changes


def _read_installation(answer: Fields) -> Installation:
    return Installation(
        id=answer.number("id"),
        created_at=answer.time("created_at"),
        is_suspended=answer.has("suspended_at"),
    )


def _parse_repository(installation: int, answer: Json) -> InstalledRepository:
    def build(repository: Fields) -> InstalledRepository:
        return InstalledRepository(
            installation=installation,
            id=repository.number("id"),
            node_id=repository.text("node_id"),
            owner=repository.object("owner").text("login"),
            name=repository.text("name"),
            is_archived=repository.flag("archived"),
            answer=answer,
        )

    return parse(answer, "repository", build)


def _read_newest(node: Fields) -> datetime | None:
    times = [
        one.time("updatedAt")
        for kind in ("issues", "pullRequests")
        for one in node.object(kind).objects("nodes")
    ]
    return max(times, default=None)
