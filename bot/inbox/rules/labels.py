"""The bot's label (``hob`` unless configured otherwise) set on an issue: resolve it.

Whoever sets the label asks. The issue's words are its author's, so they stay quoted data for the agent unless
that person may write too.
"""

from __future__ import annotations

from bot.domain import Event
from bot.inbox.commands.parse import RESOLVE, ParsedCommand
from bot.inbox.decision import AppIdentity, Decision, Ignored, interpret_words, is_own_pull, not_for_us

ANOTHER = Ignored(reason="another label")


def decide(event: Event, *, app: AppIdentity, label: str) -> Decision:
    """The decision on a label that was set on an issue or a pull request."""
    ignored = not_for_us(event, app)
    if ignored:
        return ignored
    if event.trigger is None or event.trigger.text.casefold() != label.casefold():
        return ANOTHER
    if event.thread and event.repo and is_own_pull(event.thread, app, event.repo.id):
        return Ignored(reason="a label asks for nothing on an own pull request")
    return interpret_words(event, ParsedCommand(request=RESOLVE), app=app)
