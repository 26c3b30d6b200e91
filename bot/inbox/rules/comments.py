"""A comment on an issue or a pull request: ``@hob please fix this``.

On an issue it asks for a change, on the bot's own pull request for a revision of it, and on anybody else's
pull request (also in the text that opens one) it gets an honest no. A mention with nothing beside it is
asked what is wanted. An edited comment counts only when its author adds a mention that was not there.
"""

from __future__ import annotations

import re

from bot.domain import Event, Request, Trigger, TriggerKind
from bot.inbox.commands.parse import parse_commands
from bot.inbox.decision import (
    NO_MENTION,
    NOT_THEIRS,
    AppIdentity,
    Command,
    Decision,
    UnaddressedComment,
    ask_what_is_wanted,
    decide_on_text,
    find_reason_to_ignore,
    is_by_author,
    is_own_pull,
)
from bot.inbox.mentions import find_mentions

_TO_SOMEBODY = re.compile(r"\s*(?:(?:hi|hey|cc|fyi)\W+)?@", re.IGNORECASE)


def decide(event: Event, *, app: AppIdentity, label: str) -> Decision:
    """The decision on a comment that was created or edited."""
    ignored = find_reason_to_ignore(event, app)
    if ignored or event.trigger is None:
        return ignored or NO_MENTION
    if not is_by_author(event):
        return NOT_THEIRS
    if event.action == "edited":
        requests = find_added_requests(event.trigger, app.slug)
    else:
        requests = find_mentions(event.trigger.text, app.slug)
    if requests and not any(requests) and event.trigger.kind is TriggerKind.COMMENT:
        return ask_what_is_wanted(app.slug)
    if requests:
        return decide_on_text(event, parse_commands(requests), app=app)
    return _decide_on_unaddressed(event, app) or NO_MENTION


def _decide_on_unaddressed(event: Event, app: AppIdentity) -> UnaddressedComment | None:
    """A new comment on the bot's own pull request, unless it is addressed to somebody else."""
    trigger, thread = event.trigger, event.thread
    if (
        trigger is None
        or thread is None
        or event.repo is None
        or event.action not in ("created", "submitted")
    ):
        return None
    if not is_own_pull(thread, app, event.repo.id) or _TO_SOMEBODY.match(trigger.text):
        return None
    decision = decide_on_text(event, parse_commands([trigger.text.strip()]), app=app)
    return (
        UnaddressedComment(decision=decision)
        if isinstance(decision, Request | Command) and trigger.text.strip()
        else None
    )


def find_added_requests(trigger: Trigger, slug: str) -> list[str]:
    """The requests that an edit brought in; none when there are as many mentions as before, or fewer."""
    if trigger.previous_text is None:
        return []
    before = find_mentions(trigger.previous_text, slug)
    now = find_mentions(trigger.text, slug)
    if len(now) <= len(before):
        return []
    return [request for request in now if request not in before] or now[len(before) :]
