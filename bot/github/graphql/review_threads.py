"""Review threads: read, answered and resolved. Only GraphQL can resolve one.

Answering and resolving are two requests with two tokens: to resolve, an app needs to write contents too, and
where it may not, the answers must stand all the same.

The queries are checked in the tests against GitHub's published schema.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from bot.github.answers import parse
from bot.github.graphql.ids import read_id
from bot.github.http.client import Client
from bot.github.repository import AppInfo, RepoAddress, Repository
from bot.text.fit import fit, has_mark
from bot.text.json_fields import Fields

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
            nodes { fullDatabaseId body viewerDidAuthor pullRequestReview { fullDatabaseId } }
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
  ) {{ comment {{ id }} }}"""
# https://docs.github.com/en/graphql/reference/mutations#resolvereviewthread
RESOLVE = """
  resolve{n}: resolveReviewThread(input: {{threadId: $thread{n}}}) {{ thread {{ id isResolved }} }}"""

MOST_AT_ONCE = 20  # threads in one request
NEEDED_TO_REPLY = "pull_requests=write"
NEEDED_TO_RESOLVE = "contents=write, pull_requests=write"


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenRemark:
    """A comment of a review thread; ``review`` is the review it was submitted with, if any."""

    id: int
    body: str
    own: bool
    review: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenThread:
    """A review thread: what is said about one place, and whether somebody settled it."""

    id: str
    resolved: bool
    path: str
    remarks: tuple[SeenRemark, ...]

    def has_own_comment(self, marker: str) -> bool:
        """Whether the bot wrote a comment with the hidden mark ``marker`` here."""
        return any(one.own and has_mark(one.body, marker) for one in self.remarks)


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadReply:
    """What is to be said in a review thread."""

    thread: str
    body: str


class ReviewThreads(Repository):
    """The review threads of pull requests."""

    def __init__(
        self,
        client: Client,
        address: RepoAddress,
        identify: Callable[[], Awaitable[AppInfo]],
        *,
        resolving: Client,
    ) -> None:
        """``resolving`` is a client that may write contents too; threads are resolved with it."""
        super().__init__(client, address, identify)
        self._resolving = resolving

    async def list_threads(self, pull: int) -> list[SeenThread]:
        """The review threads of a pull request, oldest first, each with its first hundred comments.

        https://docs.github.com/en/graphql/reference/objects#pullrequestreviewthread
        """
        seen: list[SeenThread] = []
        after: str | None = None
        while True:
            at = {"owner": self._address.owner, "name": self._address.name}
            data = await self._client.graphql(THREADS, **at, number=pull, after=after)
            threads, after = parse(data, "data", _pull_threads)
            seen += threads
            if after is None:
                return seen

    async def reply(self, replies: Sequence[ThreadReply]) -> None:
        """Reply in threads, twenty in one request. Not repeated after an outage.

        Raises GitHubRefused when GitHub refuses one of them; the others are done.
        """
        for start in range(0, len(replies), MOST_AT_ONCE):
            mutation, variables = _build_replies(replies[start : start + MOST_AT_ONCE])
            await self._client.graphql(
                mutation, what="replies in review threads", needs=NEEDED_TO_REPLY, **variables
            )

    async def resolve(self, threads: Sequence[str]) -> None:
        """Resolve the threads with these ids, twenty in one request; doing it twice is doing it once.

        Raises GitHubRefused when GitHub refuses one of them, or a token that may; the others are done.
        """
        for start in range(0, len(threads), MOST_AT_ONCE):
            mutation, variables = _build_resolving(threads[start : start + MOST_AT_ONCE])
            await self._resolving.graphql(
                mutation, what="resolving of review threads", needs=NEEDED_TO_RESOLVE, **variables
            )


def _build_replies(replies: Sequence[ThreadReply]) -> tuple[str, dict[str, str]]:
    """One mutation for all of them, and its variables."""
    declared, parts = [], []
    variables: dict[str, str] = {}
    for n, one in enumerate(replies):
        declared.append(f"$thread{n}: ID!, $body{n}: String!")
        variables |= {f"thread{n}": one.thread, f"body{n}": fit(one.body)}
        parts.append(REPLY.format(n=n))
    return f"mutation Reply({', '.join(declared)}) {{{''.join(parts)}\n}}", variables


def _build_resolving(threads: Sequence[str]) -> tuple[str, dict[str, str]]:
    """One mutation for all of them, and its variables."""
    declared = ", ".join(f"$thread{n}: ID!" for n in range(len(threads)))
    parts = "".join(RESOLVE.format(n=n) for n in range(len(threads)))
    return f"mutation Resolve({declared}) {{{parts}\n}}", {f"thread{n}": one for n, one in enumerate(threads)}


def _pull_threads(data: Fields) -> tuple[list[SeenThread], str | None]:
    """The threads of a page, and the cursor of the next page, None after the last."""
    threads = data.object("repository").object("pullRequest").object("reviewThreads")
    page = threads.object("pageInfo")
    after = page.text("endCursor") if page.flag("hasNextPage") else None
    return [_thread(node) for node in threads.objects("nodes")], after


def _thread(node: Fields) -> SeenThread:
    return SeenThread(
        id=node.text("id"),
        resolved=node.flag("isResolved"),
        path=node.text("path"),
        remarks=tuple(_remark(comment) for comment in node.object("comments").objects("nodes")),
    )


def _remark(comment: Fields) -> SeenRemark:
    review = comment.maybe("pullRequestReview")
    return SeenRemark(
        id=read_id(comment),
        body=comment.text("body"),
        own=comment.flag("viewerDidAuthor"),
        review=read_id(review) if review else None,
    )
