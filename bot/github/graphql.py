"""What only GraphQL can do, or do in one request: reading an outcome back, resolving a review thread.

The queries are checked in the tests against GitHub's published schema.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bot.github.fit import bears
from bot.github.repository import Repository

# https://docs.github.com/en/graphql/reference/objects#repository
OUTCOME = """
query Outcome($owner: String!, $name: String!, $number: Int!, $branch: String!) {
  repository(owner: $owner, name: $name) {
    issueOrPullRequest(number: $number) {
      ... on Issue { comments(last: 50) { nodes { databaseId body url viewerDidAuthor } } }
      ... on PullRequest { comments(last: 50) { nodes { databaseId body url viewerDidAuthor } } }
    }
    pullRequests(headRefName: $branch, last: 10) {
      nodes { number url state isDraft title body headRefOid headRepository { databaseId } }
    }
  }
}
"""

# https://docs.github.com/en/graphql/reference/objects#pullrequestreviewthread
THREADS = """
query Threads($owner: String!, $name: String!, $number: Int!, $after: String) {
  repository(owner: $owner, name: $name) {
    pullRequest(number: $number) {
      reviewThreads(first: 100, after: $after) {
        pageInfo { hasNextPage endCursor }
        nodes { id isResolved comments(first: 100) { nodes { databaseId } } }
      }
    }
  }
}
"""

# https://docs.github.com/en/graphql/reference/mutations#resolvereviewthread
RESOLVE = """
mutation Resolve($thread: ID!) {
  resolveReviewThread(input: {threadId: $thread}) { thread { id isResolved } }
}
"""


LAST_COMMENTS = 50  # of a thread, as the query above reads them


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenComment:
    """A comment as GitHub shows it; ``own`` means that this app wrote it."""

    id: int
    body: str
    url: str
    own: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenPull:
    """A pull request as GitHub shows it; ``state`` is OPEN, CLOSED or MERGED."""

    number: int
    url: str
    state: str
    draft: bool
    title: str
    body: str
    head_sha: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenOutcome:
    """What a person sees of a task: the last comments of its thread, and the pull request of its branch."""

    comments: tuple[SeenComment, ...]
    pull: SeenPull | None

    def comment(self, marker: str) -> SeenComment | None:
        """The bot's own newest comment that bears ``marker``, among those read."""
        own = (one for one in reversed(self.comments) if one.own and bears(one.body, marker))
        return next(own, None)


class Queries(Repository):
    """The GraphQL side of a repository."""

    async def read_outcome(self, number: int, branch: str) -> SeenOutcome:
        """Read back, in one query, what is visible of a task's end. Raises NotFound when the thread is gone.

        https://docs.github.com/en/graphql/reference/queries#repository
        """
        at = {"owner": self._place.owner, "name": self._place.name}
        data = await self._client.graphql(OUTCOME, **at, number=number, branch=branch)
        repository = data["repository"]
        pulls = [
            p
            for p in repository["pullRequests"]["nodes"]
            if (p["headRepository"] or {}).get("databaseId") == self._place.repo_id
        ]
        # An open one is the one that counts, else the newest.
        chosen = max(pulls, key=lambda p: (p["state"] == "OPEN", p["number"]), default=None)
        comments = repository["issueOrPullRequest"]["comments"]["nodes"]
        return SeenOutcome(
            comments=tuple(_comment(one) for one in comments), pull=_pull(chosen) if chosen else None
        )

    async def resolve_thread(self, pull: int, comment: int) -> bool:
        """Resolve the review thread that holds this inline comment; False when there is no such thread.

        Resolving what is resolved changes nothing.
        https://docs.github.com/en/graphql/reference/mutations#resolvereviewthread
        """
        after = None
        while True:
            at = {"owner": self._place.owner, "name": self._place.name}
            data = await self._client.graphql(THREADS, **at, number=pull, after=after)
            threads = data["repository"]["pullRequest"]["reviewThreads"]
            for thread in threads["nodes"]:
                if any(one["databaseId"] == comment for one in thread["comments"]["nodes"]):
                    if not thread["isResolved"]:
                        await self._client.graphql(RESOLVE, thread=thread["id"])
                    return True
            if not threads["pageInfo"]["hasNextPage"]:
                return False
            after = threads["pageInfo"]["endCursor"]


def _comment(node: dict[str, Any]) -> SeenComment:
    return SeenComment(id=node["databaseId"], body=node["body"], url=node["url"], own=node["viewerDidAuthor"])


def _pull(node: dict[str, Any]) -> SeenPull:
    return SeenPull(
        number=node["number"],
        url=node["url"],
        state=node["state"],
        draft=node["isDraft"],
        title=node["title"],
        body=node["body"],
        head_sha=node["headRefOid"],
    )
