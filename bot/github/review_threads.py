"""What only GraphQL can do, or do in one request: reading an outcome back, resolving a review thread.

The queries are checked in the tests against GitHub's published schema.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bot.github.repository import Repository
from bot.text.fit import fit, has_mark

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
        nodes {
          id isResolved path
          comments(first: 100) {
            nodes { databaseId body viewerDidAuthor pullRequestReview { databaseId } }
          }
        }
      }
    }
  }
}
"""

# One request for many threads: each part is repeated with its number.
# https://docs.github.com/en/graphql/reference/mutations#addpullrequestreviewthreadreply
REPLY = """
  reply{n}: addPullRequestReviewThreadReply(
    input: {{pullRequestReviewThreadId: $thread{n}, body: $body{n}}}
  ) {{ comment {{ databaseId }} }}"""
# https://docs.github.com/en/graphql/reference/mutations#resolvereviewthread
RESOLVE = """
  resolve{n}: resolveReviewThread(input: {{threadId: $thread{n}}}) {{ thread {{ id isResolved }} }}"""

LAST_COMMENTS = 50  # of a thread, as the query above reads them
MOST_AT_ONCE = 20  # threads settled in one request


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenComment:
    """A comment as GitHub shows it; ``own`` means that this app wrote it."""

    id: int
    body: str
    url: str
    own: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenRemark:
    """A comment of a review thread; ``review`` is the review it was submitted with."""

    id: int
    body: str
    own: bool
    review: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenThread:
    """A review thread: what is said about one place, and whether somebody settled it."""

    id: str
    resolved: bool
    path: str
    remarks: tuple[SeenRemark, ...]

    def bears(self, marker: str) -> bool:
        """Whether the bot itself has said here what bears ``marker``."""
        return any(one.own and has_mark(one.body, marker) for one in self.remarks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """What is to be done with a review thread: a reply ('' for none), and whether it is resolved."""

    thread: str
    body: str = ""
    resolve: bool = False


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
        own = (one for one in reversed(self.comments) if one.own and has_mark(one.body, marker))
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

    async def review_threads(self, pull: int) -> list[SeenThread]:
        """The review threads of a pull request, oldest first, each with its first hundred comments.

        https://docs.github.com/en/graphql/reference/objects#pullrequestreviewthread
        """
        seen: list[SeenThread] = []
        after = None
        while True:
            at = {"owner": self._place.owner, "name": self._place.name}
            data = await self._client.graphql(THREADS, **at, number=pull, after=after)
            threads = data["repository"]["pullRequest"]["reviewThreads"]
            seen += [_thread(one) for one in threads["nodes"]]
            if not threads["pageInfo"]["hasNextPage"]:
                return seen
            after = threads["pageInfo"]["endCursor"]

    async def settle_threads(self, settlements: Sequence[Settlement]) -> None:
        """Reply in threads and resolve them, twenty threads in one request. Not repeated after an outage.

        Raises Refused when GitHub refuses one of them; the others are done.
        """
        for start in range(0, len(settlements), MOST_AT_ONCE):
            mutation, variables = _settling(settlements[start : start + MOST_AT_ONCE])
            await self._client.graphql(mutation, **variables)


def _settling(settlements: Sequence[Settlement]) -> tuple[str, dict[str, str]]:
    """One mutation for all of them, and its variables."""
    declared, parts, variables = [], [], {}
    for n, one in enumerate(settlements):
        declared.append(f"$thread{n}: ID!")
        variables[f"thread{n}"] = one.thread
        if one.body:
            declared.append(f"$body{n}: String!")
            variables[f"body{n}"] = fit(one.body)
            parts.append(REPLY.format(n=n))
        if one.resolve:
            parts.append(RESOLVE.format(n=n))
    return f"mutation Settle({', '.join(declared)}) {{{''.join(parts)}\n}}", variables


def _thread(node: dict[str, Any]) -> SeenThread:
    remarks = (
        SeenRemark(
            id=one["databaseId"],
            body=one["body"],
            own=one["viewerDidAuthor"],
            review=(one["pullRequestReview"] or {}).get("databaseId") or 0,
        )
        for one in node["comments"]["nodes"]
    )
    return SeenThread(id=node["id"], resolved=node["isResolved"], path=node["path"], remarks=tuple(remarks))


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
