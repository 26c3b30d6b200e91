"""What a caller may ask: the primary limit, per hour and in every answer's headers, and that on new content.

The second one is GitHub's secondary limit on requests that create content, 80 a minute and 500 an hour. They
are those whose reference says that "creating content too quickly using this endpoint may result in secondary
rate limiting", and the mutations that do the same. Here it holds for installations alone.
https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#about-secondary-rate-limits
"""

from __future__ import annotations

import math
import re
from collections import deque
from dataclasses import dataclass

from localhub.auth import Actor
from localhub.errors import ApiError
from localhub.state import State

HOUR = 3600
CREATING_ROUTES = re.compile(
    r"POST .*/(issues|issues/\{number[^/]*\}/comments|pulls|pulls/\{number[^/]*\}/"
    r"(comments|reviews|requested_reviewers|comments/\{[^/]*\}/replies))|PUT .*/merge"
)
CREATING_MUTATIONS = frozenset(
    {
        "addComment",
        "addDiscussionComment",
        "addPullRequestReview",
        "addPullRequestReviewThreadReply",
        "createDiscussion",
        "createIssue",
        "createPullRequest",
        "mergePullRequest",
    }
)


BLOCKED = (
    "You have exceeded a secondary rate limit and have been temporarily blocked from content creation. "
    "Please retry your request again later."
)


@dataclass(slots=True)
class Window:
    """One caller's hour."""

    limit: int
    reset: int
    used: int = 0


class Rates:
    """Every caller's window of an hour, in memory only: a restart clears them."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._windows: dict[str, Window] = {}
        self.creating = {60: 80, HOUR: 500}  # at most so many in so many seconds
        self._created: dict[str, deque[float]] = {}
        self.limits = {"anonymous": 60_000, "user": 5_000, "app": 5_000, "installation": 5_000}

    def window(self, actor: Actor) -> Window:
        """The caller's current window."""
        now, key = self._state.time(), _name_caller(actor)
        window = self._windows.get(key)
        if window is None or window.reset <= now:
            window = self._windows[key] = Window(limit=self.limits[actor.kind], reset=int(now) + HOUR)
        return window

    def spend(self, actor: Actor) -> bool:
        """Count one request; False when none is left."""
        window = self.window(actor)
        if window.used >= window.limit:
            return False
        window.used += 1
        return True

    def note_creation(self, actor: Actor) -> None:
        """Count a request that creates content. Raises 403 when there were too many."""
        if actor.kind != "installation":
            return
        now, sent = self._state.time(), self._created.setdefault(_name_caller(actor), deque())
        for seconds, most in self.creating.items():
            recent = [at for at in sent if at > now - seconds]
            if len(recent) >= most:
                wait = math.ceil(recent[-most] + seconds - now)
                raise ApiError(403, BLOCKED, headers={"retry-after": str(max(1, wait))})
        sent.append(now)
        while sent and sent[0] <= now - HOUR:
            sent.popleft()

    def refund(self, actor: Actor) -> None:
        """Take one request back: what has not changed is free."""
        self.window(actor).used -= 1

    def headers(self, actor: Actor, resource: str = "core") -> dict[str, str]:
        """The ``x-ratelimit-...`` headers for a caller."""
        window = self.window(actor)
        return {
            "x-ratelimit-limit": str(window.limit),
            "x-ratelimit-remaining": str(window.limit - window.used),
            "x-ratelimit-used": str(window.used),
            "x-ratelimit-reset": str(window.reset),
            "x-ratelimit-resource": resource,
        }


def _name_caller(actor: Actor) -> str:
    """Who is counted: a user, an App, or one installation of an App."""
    return actor.name if actor.installation is None else f"{actor.name}:{actor.installation['id']}"
