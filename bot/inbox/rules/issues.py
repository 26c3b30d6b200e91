"""An issue that mentions the bot in its title or its text, when it is opened or when a mention is added.

``@hob please fix this`` in an issue means the issue: then all of it is the request.
"""

from __future__ import annotations

from bot.domain import Event, Thread
from bot.inbox.commands.parse import RESOLVE, ParsedCommand, is_bare, parse_commands
from bot.inbox.decision import (
    NO_MENTION,
    NOT_THEIRS,
    AppIdentity,
    Decision,
    by_author,
    interpret_words,
    not_for_us,
)
from bot.inbox.mentions import find_mentions
from bot.inbox.rules.comments import find_added_requests


def decide(event: Event, *, app: AppIdentity, label: str) -> Decision:
    """The decision on an issue that was opened, or edited by its author."""
    ignored = not_for_us(event, app)
    if ignored or event.trigger is None or event.thread is None:
        return ignored or NO_MENTION
    if not by_author(event):
        return NOT_THEIRS
    if event.action == "edited":
        requests = find_added_requests(event.trigger, app.slug)
    else:
        requests = find_mentions(event.thread.title, app.slug) + find_mentions(event.trigger.text, app.slug)
    if not requests:
        return NO_MENTION
    said = parse_commands(requests)
    if said.request and is_bare(said.request):
        said = ParsedCommand(request=_whole(event.thread), whole=True)
    return interpret_words(event, said, app=app)


def _whole(thread: Thread) -> str:
    return "\n\n".join(part for part in (thread.title.strip(), thread.body.strip()) if part) or RESOLVE
