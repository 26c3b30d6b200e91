"""Issues and the conversation of pull requests: reading, commenting, reacting."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

from bot.domain import TriggerKind
from bot.github.answers import Comment, Issue, Json, Thumbs, parse
from bot.github.http.responses import NotFound, Rejected
from bot.github.repository import PAGE, Repository
from bot.text.fit import fit, has_mark

COMMENTS = "/issues/{number}/comments{?per_page,page,since}"


class Issues(Repository):
    """A thread's comments, labels and reactions. To GitHub's API a pull request's are an issue's."""

    async def find(self, number: int) -> Issue | None:
        """The issue of that number; None when there is none here any more.

        https://docs.github.com/en/rest/issues/issues#get-an-issue
        """
        try:
            return Issue.from_json(await self._get("/issues/{number}", number=number))
        except NotFound:
            return None

    async def list_comments(self, number: int, since: datetime | None = None) -> list[Comment]:
        """The thread's comments, oldest first; with ``since``, those made or edited from then on.

        https://docs.github.com/en/rest/issues/comments#list-issue-comments
        """
        stamp = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if since else None
        listed = self._pages(COMMENTS, number=number, since=stamp)
        return [Comment.from_json(comment) async for comment in listed]

    async def find_comment(self, number: int, marker: str) -> Comment | None:
        """The bot's own newest comment that contains ``marker``, looked for from the newest page back.

        https://docs.github.com/en/rest/issues/comments#list-issue-comments
        """
        async for comment in self._newest_comments(number):
            if has_mark(comment.get("body"), marker) and await self._is_own(comment):
                return Comment.from_json(comment)
        return None

    async def count_thumbs(self, number: int) -> Thumbs:
        """The thumbs on what the bot wrote on a thread: its comments, and the opening where it is its own.

        https://docs.github.com/en/rest/issues/issues#get-an-issue
        """
        try:
            texts = [await self._get("/issues/{number}", number=number)]
        except NotFound:
            return Thumbs()
        texts += [comment async for comment in self._pages(COMMENTS, number=number)]
        own = [Thumbs.from_json(each) for each in texts if await self._is_own(each)]
        return Thumbs(up=sum(each.up for each in own), down=sum(each.down for each in own))

    async def has_label(self, name: str) -> bool:
        """Whether the repository has a label of that name, whatever the letters' case.

        https://docs.github.com/en/rest/issues/labels#get-a-label
        """
        try:
            await self._get("/labels/{name}", name=name)
        except NotFound:
            return False
        return True

    async def create_label(self, name: str, *, color: str, description: str) -> None:
        """Make a label of the repository; one that is there is left as it is. ``color`` is six hex digits.

        https://docs.github.com/en/rest/issues/labels#create-a-label
        """
        wanted = {"name": name, "color": color, "description": description}
        try:
            await self._post("/labels", wanted, safe_to_repeat=True)
        except Rejected as refused:
            if "already_exists" not in refused.said:
                raise

    async def create_comment(self, number: int, body: str) -> Comment:
        """Write a comment. Not repeated after an outage: look for the marker first.

        https://docs.github.com/en/rest/issues/comments#create-an-issue-comment
        """
        answer = await self._post("/issues/{number}/comments", {"body": fit(body)}, number=number)
        return Comment.from_json(answer)

    async def edit_comment(self, comment: int, body: str) -> None:
        """Replace a comment's text.

        https://docs.github.com/en/rest/issues/comments#update-an-issue-comment
        """
        await self._patch("/issues/comments/{comment}", {"body": fit(body)}, comment=comment)

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
        issue = await self._get("/issues/{number}", number=number)
        pages = -(-parse(issue, "issue", lambda found: found.number("comments", 0)) // PAGE)
        for page in range(max(1, pages), 0, -1):
            if page >= pages:  # the last one, and those that came meanwhile
                listed = [c async for c in self._pages(COMMENTS, number=number, page=page)]
            else:
                listed = await self._get(COMMENTS, number=number, per_page=PAGE, page=page)
            for comment in reversed(listed):
                yield comment
