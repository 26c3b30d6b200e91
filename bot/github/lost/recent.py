"""What was written lately in a repository, each item with the webhook payload that GitHub sends about it.

For the deliveries that GitHub lost altogether: they are found by looking at what the REST API lists.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.domain import Person
from bot.github.answers import Json, parse, read_person
from bot.github.lost.installations import InstalledRepository
from bot.github.repository import Repository
from bot.text.json_fields import Fields

ISSUES, REVIEWS = "issues", "pull_request_review"
# The lists of a repository, and the event whose webhook tells of their items.
LISTS = {
    "issues": ISSUES,
    "issues/comments": "issue_comment",
    "pulls/comments": "pull_request_review_comment",
}
MOST_PULLS = 20  # that changed lately, whose reviews are read


@dataclass(frozen=True, slots=True, kw_only=True)
class RecentItem:
    """An issue, a pull request, a comment or a review.

    ``event`` names the webhook event about it, ``pull`` is the number of an item that is itself a pull
    request, ``texts`` are its title and body, and ``subject_url`` ends in the number of the issue or pull
    request that a comment or review stands on. ``answer`` is GitHub's own JSON, ``discussion`` that of the
    discussion which an item opens or stands in.
    """

    event: str
    id: int
    author: Person
    texts: tuple[str, ...]
    url: str
    created_at: datetime
    updated_at: datetime
    subject_url: str
    pull: int | None
    answer: Json
    discussion: Json | None = None


def count_requests(items: Sequence[RecentItem]) -> int:
    """How many requests these items took, where no list was longer than a page."""
    talks = any(item.discussion is not None for item in items)
    return len(LISTS) + talks + min(MOST_PULLS, sum(item.pull is not None for item in items))


class Recent(Repository):
    """What was written lately, for whoever looks for lost deliveries."""

    async def list_items(self, since: datetime) -> list[RecentItem]:
        """Issues, comments and reviews that were changed since then.

        Reviews are those of the twenty pull requests that GitHub lists first: it has no list of them all.
        https://docs.github.com/en/rest/issues/comments#list-issue-comments-for-a-repository
        """
        found: list[RecentItem] = []
        for what, event in LISTS.items():
            more = {"state": "all"} if event == ISSUES else {}
            stamp = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            listed = self._pages(f"/{what}{{?since,state,per_page}}", since=stamp, **more)
            found += [_item(event, answer) async for answer in listed]
        for number in [item.pull for item in found if item.pull is not None][:MOST_PULLS]:
            found += await self._reviews(number)
        return found

    async def webhook_payload(self, item: RecentItem, repository: InstalledRepository) -> Json:
        """The payload that GitHub's webhook would have had for ``item``, new as it was then.

        https://docs.github.com/en/webhooks/webhook-events-and-payloads
        """
        common = {
            "sender": item.answer["user"],
            "repository": repository.answer,
            "installation": {"id": repository.installation},
        }
        if item.event == ISSUES:
            return common | {"action": "opened", "issue": item.answer}
        if item.discussion is not None:
            about = {} if item.answer is item.discussion else {"comment": item.answer}
            return common | {"action": "created", "discussion": item.discussion, **about}
        number = item.subject_url.rsplit("/", 1)[1]
        if item.event == "issue_comment":
            issue = await self._get("/issues/{number}", number=number)
            return common | {"action": "created", "comment": item.answer, "issue": issue}
        pull = await self._get("/pulls/{number}", number=number)
        if item.event == REVIEWS:
            return common | {"action": "submitted", "review": item.answer, "pull_request": pull}
        return common | {"action": "created", "comment": item.answer, "pull_request": pull}

    async def _reviews(self, pull: int) -> list[RecentItem]:
        """https://docs.github.com/en/rest/pulls/reviews#list-reviews-for-a-pull-request"""
        listed = self._pages("/pulls/{number}/reviews{?per_page}", number=pull)
        return [_item(REVIEWS, answer, subject_url=f"/pulls/{pull}") async for answer in listed]


def _item(event: str, answer: Json, subject_url: str = "") -> RecentItem:
    def build(item: Fields) -> RecentItem:
        created, updated = _times(event, item)
        return RecentItem(
            event=event,
            id=item.number("id"),
            author=read_person(item.maybe("user")),
            texts=tuple(item.text(name, "") for name in ("title", "body")),
            url=item.text("html_url"),
            created_at=created,
            updated_at=updated,
            subject_url=subject_url or item.text("issue_url", "") or item.text("pull_request_url", ""),
            pull=item.number("number") if item.has("pull_request") else None,
            answer=answer,
        )

    return parse(answer, event, build)


def _times(event: str, item: Fields) -> tuple[datetime, datetime]:
    """When an item was written and last changed. A review tells no change, and a pending one no time."""
    if event != REVIEWS:
        return item.time("created_at"), item.time("updated_at")
    at = item.time("submitted_at") if item.has("submitted_at") else datetime.fromtimestamp(0, UTC)
    return at, at
