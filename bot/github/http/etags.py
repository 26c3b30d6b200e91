"""What GitHub said before, with its ETag: asked again, it answers 304, which costs nothing of the hourly
budget.

https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api#use-conditional-requests-if-appropriate
An answer is kept for one token scope and never shown to another, and only as long as there is room. A list
that may have a next page is not kept: the tag is the body's, and the page that comes to be is only linked.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

from cachetools import LRUCache

from bot.github.http.responses import Response

ROOM = 8 << 20  # bytes of bodies, for all repositories of a process
LARGEST = 1 << 20
SHORT = 30  # entries: GitHub's own smallest page


@dataclass(frozen=True, slots=True)
class CachedResponse:
    """An answer and the tag under which GitHub knows it."""

    tag: str
    answer: Response


class ETags:
    """The last answers to reads, by who asked and for what; the least recently used one goes first."""

    def __init__(self, room: int = ROOM) -> None:
        self._answers: LRUCache[tuple[Hashable, str], CachedResponse] = LRUCache(
            maxsize=room, getsizeof=lambda cached: len(cached.answer.body) + 500
        )

    def find(self, realm: Hashable, url: str) -> CachedResponse | None:
        """The answer kept for this address and realm, None without one."""
        cached: CachedResponse | None = self._answers.get((realm, url))
        return cached

    def store(self, realm: Hashable, url: str, answer: Response) -> None:
        """Keep an answer that has a tag, is not too large, and is not one of several pages."""
        tag = answer.headers.get("etag", "")
        if not tag or answer.status != 200 or len(answer.body) > LARGEST or "link" in answer.headers:
            return
        if answer.body.startswith(b"[") and len(answer.json() or ()) >= SHORT:
            self._answers.pop((realm, url), None)
            return
        self._answers[realm, url] = CachedResponse(tag, answer)

    def clear(self) -> None:
        """Forget everything."""
        self._answers.clear()
