"""A comment on an issue or a pull request: ``@hob please fix this``.

On an issue it asks for a change, on the bot's own pull request for a revision of it, and on anybody else's
pull request (also in the text that opens one) it gets an honest no. An edited comment counts only when its
author adds a mention that was not there.
"""

from __future__ import annotations

import re

from bot.domain import Asked, Event, Trigger
from bot.inbox.commands.parse import understand
from bot.inbox.decision import (
    NO_MENTION,
    NOT_THEIRS,
    AppIdentity,
    Command,
    Decision,
    Overheard,
    by_author,
    is_own_pull,
    not_for_us,
    said_on,
)
from bot.inbox.mentions import find

_TO_SOMEBODY = re.compile(r"\s*(?:(?:hi|hey|cc|fyi)\W+)?@", re.IGNORECASE)


def decide(event: Event, *, app: AppIdentity, label: str) -> Decision:
    """The decision on a comment that was created or edited."""
    ignored = not_for_us(event, app)
    if ignored or event.trigger is None:
        return ignored or NO_MENTION
    if not by_author(event):
        return NOT_THEIRS
    if event.action == "edited":
        requests = added(event.trigger, app.slug)
    else:
        requests = find(event.trigger.text, app.slug)
    if requests:
        return said_on(event, understand(requests), app=app)
    return _overheard(event, app) or NO_MENTION


def _overheard(event: Event, app: AppIdentity) -> Overheard | None:
    """New words on the bot's own pull request, unless they are addressed to somebody else."""
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
    decision = said_on(event, understand([trigger.text.strip()]), app=app)
    return (
        Overheard(decision=decision)
        if isinstance(decision, Asked | Command) and trigger.text.strip()
        else None
    )


def added(trigger: Trigger, slug: str) -> list[str]:
    """The requests that an edit brought in; none when there are as many mentions as before, or fewer."""
    before = find(trigger.previous_text or "", slug)
    now = find(trigger.text, slug)
    if trigger.previous_text is None or len(now) <= len(before):
        return []
    return [request for request in now if request not in before] or now[len(before) :]
