"""The rule for issues and discussions that were deleted or moved to another repository: work on them stops.

A moved issue is opened in the other repository by an event of its own, where its text is decided on again.
"""

from __future__ import annotations

from bot.domain import Event
from bot.inbox.decision import AppIdentity, Decision, Ignored, ThreadGone

_REASONS = {"deleted": "was deleted", "transferred": "was moved to another repository"}


def decide(event: Event, *, app: AppIdentity, label: str) -> Decision:
    """Decide on an issue or a discussion that no longer exists."""
    if event.thread is None or event.repo is None:
        return Ignored(reason="it is on no thread")
    what = "discussion" if event.thread.is_discussion else "issue"
    return ThreadGone(event=event, reason=f"the {what} {_REASONS[event.action]}")
