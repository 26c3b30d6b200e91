"""A review of a pull request, or a comment on one of its lines, that mentions the bot.

On the bot's own pull request both ask for a revision; whether the review approves or requests changes
makes no difference. An edited one counts when its author adds a mention.
"""

from __future__ import annotations

from bot.domain import Event
from bot.inbox.decision import AppIdentity, Decision
from bot.inbox.rules import comments


def decide(event: Event, *, app: AppIdentity, label: str) -> Decision:
    """The decision on a review that was submitted, a line's comment, or an edit of either."""
    return comments.decide(event, app=app, label=label)
