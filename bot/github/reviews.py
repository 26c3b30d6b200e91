"""Reviews of pull requests: remarks on lines in one request, replies in threads. Never an approval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bot.domain import Person
from bot.github.answers import Comment, Review, ReviewComment, parse, read_person
from bot.github.http.responses import Rejected
from bot.github.repository import Repository
from bot.text.fit import fit, has_mark

REVIEW_COMMENTS = "/pulls/{number}/comments{?per_page}"


class Reviews(Repository):
    """Review comments, read and written."""

    async def create(
        self, pull: int, commit: str, body: str, comments: Sequence[Mapping[str, Any]] = ()
    ) -> Review:
        """Post one review of kind COMMENT with all its inline comments, ``{path, line, side, body}`` each.

        The caller has checked that the lines are in the diff, because one bad comment makes GitHub refuse
        the whole review. Where it does so all the same (422), the review is posted without inline comments
        and its body lists them, so that nothing said is lost.
        https://docs.github.com/en/rest/pulls/reviews#create-a-review-for-a-pull-request
        """
        inline = [{**comment, "body": fit(comment["body"])} for comment in comments]
        wanted = {"commit_id": commit, "event": "COMMENT", "body": fit(body), "comments": inline}
        try:
            return Review.from_json(await self._post("/pulls/{number}/reviews", wanted, number=pull))
        except Rejected:
            if not inline:
                raise
        return await self.create_listed(pull, commit, body, comments)

    async def create_listed(
        self, pull: int, commit: str, body: str, comments: Sequence[Mapping[str, Any]]
    ) -> Review:
        """Post one review of kind COMMENT whose body lists the comments that GitHub does not take inline.

        https://docs.github.com/en/rest/pulls/reviews#create-a-review-for-a-pull-request
        """
        listed = {"commit_id": commit, "event": "COMMENT", "body": fit(_with_list(body, comments))}
        return Review.from_json(await self._post("/pulls/{number}/reviews", listed, number=pull))

    async def find(self, pull: int, marker: str) -> Review | None:
        """The bot's own newest review that contains ``marker``.

        https://docs.github.com/en/rest/pulls/reviews#list-reviews-for-a-pull-request
        """
        found = None
        async for review in self._pages("/pulls/{number}/reviews{?per_page}", number=pull):
            if has_mark(review.get("body"), marker) and await self._is_own(review):
                found = review
        return Review.from_json(found) if found is not None else None

    async def get(self, pull: int, review: int) -> Review:
        """One review, with the time at which it was submitted.

        https://docs.github.com/en/rest/pulls/reviews#get-a-review-for-a-pull-request
        """
        answer = await self._get("/pulls/{number}/reviews/{review}", number=pull, review=review)
        return Review.from_json(answer)

    async def list_texts(self, pull: int) -> list[Comment]:
        """The texts of the reviews that were submitted, oldest first, without their inline comments.

        https://docs.github.com/en/rest/pulls/reviews#list-reviews-for-a-pull-request
        """
        listed = self._pages("/pulls/{number}/reviews{?per_page}", number=pull)
        return [
            Comment.from_json(review | {"created_at": at, "updated_at": at, "body": review.get("body") or ""})
            async for review in listed
            if (at := review.get("submitted_at"))
        ]

    async def list_thumbs_down(self, comment: int) -> list[Person]:
        """Who did not like an inline comment; GitHub says which account reacted.

        https://docs.github.com/en/rest/reactions/reactions#list-reactions-for-a-pull-request-review-comment
        """
        path = "/pulls/comments/{comment}/reactions{?content,per_page}"
        listed = self._pages(path, comment=comment, content="-1")
        return [
            parse(reaction, "reaction", lambda one: read_person(one.maybe("user")))
            async for reaction in listed
        ]

    async def list_comments(self, pull: int) -> list[ReviewComment]:
        """All inline comments of a pull request, oldest first.

        https://docs.github.com/en/rest/pulls/comments#list-review-comments-on-a-pull-request
        """
        listed = self._pages(REVIEW_COMMENTS, number=pull)
        return [ReviewComment.from_json(comment) async for comment in listed]


def _with_list(body: str, comments: Sequence[Mapping[str, Any]]) -> str:
    """The review's body with its inline comments in it, before a marker on the last line."""
    lines = body.rstrip().splitlines()
    tail = [lines.pop()] if lines and lines[-1].lstrip().startswith("<!--") else []
    listed = [f"**`{c['path']}`, line {c['line']}**\n\n{c['body']}" for c in comments]
    intro = "GitHub does not take these remarks on their lines, so they stand here:"
    return "\n\n".join(part for part in ("\n".join(lines).rstrip(), intro, *listed, *tail) if part)
