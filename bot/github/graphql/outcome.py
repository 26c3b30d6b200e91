"""What a task's end looks like on GitHub, read back in one GraphQL query after it was written.

The query is checked in the tests against GitHub's published schema.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.github.answers import parse
from bot.github.graphql.ids import read_id
from bot.github.repository import Repository
from bot.text.fit import has_mark
from bot.text.json_fields import Fields

# https://docs.github.com/en/graphql/reference/objects#repository
OUTCOME = """
query Outcome($owner: String!, $name: String!, $number: Int!, $branch: String!) {
  repository(owner: $owner, name: $name) {
    issueOrPullRequest(number: $number) {
      ... on Issue { comments(last: 50) { nodes { fullDatabaseId body url viewerDidAuthor } } }
      ... on PullRequest { comments(last: 50) { nodes { fullDatabaseId body url viewerDidAuthor } } }
    }
    pullRequests(headRefName: $branch, last: 10) {
      nodes { number url state isDraft title body headRefOid headRepository { databaseId } }
    }
  }
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
    """The last comments of a task's thread, and the pull request of its branch, as GitHub shows them."""

    comments: tuple[SeenComment, ...]
    pull: SeenPull | None

    def comment(self, marker: str) -> SeenComment | None:
        """The bot's own newest comment that bears ``marker``, among those read."""
        own = (one for one in reversed(self.comments) if one.own and has_mark(one.body, marker))
        return next(own, None)


class Outcomes(Repository):
    """Reads back what GitHub shows of a finished task: its comments and its pull request."""

    async def read(self, number: int, branch: str) -> SeenOutcome:
        """The thread's last comments and the branch's pull request. Raises NotFound when the thread is gone.

        https://docs.github.com/en/graphql/reference/queries#repository
        """
        at = {"owner": self._address.owner, "name": self._address.name}
        data = await self._client.graphql(OUTCOME, **at, number=number, branch=branch)
        return parse(data, "data", lambda answer: _outcome(answer, self._address.repo_id))


def _outcome(data: Fields, repo_id: int) -> SeenOutcome:
    repository = data.object("repository")
    pulls = [
        _pull(node)
        for node in repository.object("pullRequests").objects("nodes")
        if (home := node.maybe("headRepository")) and home.number("databaseId", 0) == repo_id
    ]
    comments = repository.object("issueOrPullRequest").object("comments").objects("nodes")
    return SeenOutcome(
        comments=tuple(_comment(node) for node in comments),
        # An open one is the one that counts, else the newest.
        pull=max(pulls, key=lambda pull: (pull.state == "OPEN", pull.number), default=None),
    )


def _comment(node: Fields) -> SeenComment:
    return SeenComment(
        id=read_id(node),
        body=node.text("body"),
        url=node.text("url"),
        own=node.flag("viewerDidAuthor"),
    )


def _pull(node: Fields) -> SeenPull:
    return SeenPull(
        number=node.number("number"),
        url=node.text("url"),
        state=node.text("state"),
        draft=node.flag("isDraft"),
        title=node.text("title"),
        body=node.text("body"),
        head_sha=node.text("headRefOid"),
    )
