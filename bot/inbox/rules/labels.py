"""The bot's label (``hob`` unless configured otherwise) set on an issue: resolve it.

Whoever sets the label is the requester. The issue's text is its author's, so it stays quoted data for the
agent unless that person may write too.
"""

from __future__ import annotations

from bot.domain import Event
from bot.inbox.commands.parse import RESOLVE, ParsedCommand
from bot.inbox.decision import (
    AppIdentity,
    Decision,
    Ignored,
    decide_on_text,
    find_reason_to_ignore,
    is_own_pull,
)

ANOTHER = Ignored(reason="another label")


def decide(event: Event, *, app: AppIdentity, label: str) -> Decision:
    """The decision on a label that was set on an issue or a pull request."""
    ignored = find_reason_to_ignore(event, app)
    if ignored:
        return ignored
    if event.trigger is None or event.trigger.text.casefold() != label.casefold():
        return ANOTHER
    if event.thread and event.repo and is_own_pull(event.thread, app, event.repo.id):
        return Ignored(reason="a label asks for nothing on an own pull request")
    return decide_on_text(event, ParsedCommand(request=RESOLVE), app=app)
