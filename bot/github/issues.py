"""Issues and the conversation of pull requests: reading, commenting, reacting."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

from bot.domain import TriggerKind
from bot.github.repository import PAGE, Json, Repository
from bot.text.fit import fit, has_mark

RECENT = ("issues", "issues/comments", "pulls/comments")
COMMENTS = "/issues/{number}/comments{?per_page,page,since}"


class Threads(Repository):
    """What stands on a thread. A pull request's conversation is an issue's, for GitHub's API too."""

    async def issue(self, number: int) -> Json:
        """An issue, or a pull request's issue side.

        https://docs.github.com/en/rest/issues/issues#get-an-issue
        """
        found: Json = await self._get("/issues/{number}", number=number)
        return found

    async def comments(self, number: int, since: datetime | None = None) -> list[Json]:
        """The thread's comments, oldest first; with ``since``, those made or edited from then on.

        https://docs.github.com/en/rest/issues/comments#list-issue-comments
        """
        stamp = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if since else None
        return [comment async for comment in self._pages(COMMENTS, number=number, since=stamp)]

    async def recent(self, what: str, since: datetime) -> list[Json]:
        """What was changed in the repository since then: ``issues`` (pull requests too), the comments on
        them as ``issues/comments``, or those on lines as ``pulls/comments``.

        https://docs.github.com/en/rest/issues/comments#list-issue-comments-for-a-repository
        """
        if what not in RECENT:
            raise ValueError(f"not a list of the repository's: {what!r}")
        stamp = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        more = {"state": "all"} if what == "issues" else {}
        path = f"/{what}{{?since,state,per_page}}"
        return [one async for one in self._pages(path, since=stamp, **more)]

    async def find_comment(self, number: int, marker: str) -> Json | None:
        """The bot's own newest comment that bears ``marker``, looked for from the newest page back.

        https://docs.github.com/en/rest/issues/comments#list-issue-comments
        """
        async for comment in self._newest_comments(number):
            if has_mark(comment.get("body"), marker) and await self._own(comment):
                return comment
        return None

    async def comment(self, number: int, body: str) -> Json:
        """Write a comment. Not repeated after an outage: look for the marker first.

        https://docs.github.com/en/rest/issues/comments#create-an-issue-comment
        """
        return await self._post("/issues/{number}/comments", {"body": fit(body)}, number=number)

    async def edit_comment(self, comment: int, body: str) -> Json:
        """Replace a comment's text.

        https://docs.github.com/en/rest/issues/comments#update-an-issue-comment
        """
        return await self._patch("/issues/comments/{comment}", {"body": fit(body)}, comment=comment)

    async def react(self, kind: TriggerKind, id: int, number: int, content: str) -> None:  # noqa: A002
        """React to what asked; reacting twice is reacting once, for GitHub too.

        A review cannot be reacted to through REST: its pull request gets the reaction, as an issue does for
        a label. https://docs.github.com/en/rest/reactions/reactions
        """
        path = {
            TriggerKind.COMMENT: "/issues/comments/{id}/reactions",
            TriggerKind.REVIEW_COMMENT: "/pulls/comments/{id}/reactions",
        }.get(kind, "/issues/{number}/reactions")
        await self._post(path, {"content": content}, safe_to_repeat=True, id=id, number=number)

    async def _newest_comments(self, number: int) -> AsyncIterator[Json]:
        # GitHub lists a thread's comments oldest first and has no switch; the count tells the last page.
        pages = -(-int((await self.issue(number)).get("comments") or 0) // PAGE)
        for page in range(max(1, pages), 0, -1):
            if page >= pages:  # the last one, and those that came meanwhile
                listed = [c async for c in self._pages(COMMENTS, number=number, page=page)]
            else:
                listed = await self._get(COMMENTS, number=number, per_page=PAGE, page=page)
            for comment in reversed(listed):
                yield comment
