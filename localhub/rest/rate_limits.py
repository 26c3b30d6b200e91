"""The primary rate limit: counted per caller and hour, enforced, and in the headers of every answer."""

from __future__ import annotations

from dataclasses import dataclass

from localhub.auth import Actor
from localhub.state import State

HOUR = 3600


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
        self.limits = {"anonymous": 60_000, "user": 5_000, "app": 5_000, "installation": 5_000}

    def window(self, actor: Actor) -> Window:
        """The caller's current window."""
        now = self._state.time()
        key = actor.name if actor.installation is None else f"{actor.name}:{actor.installation['id']}"
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
