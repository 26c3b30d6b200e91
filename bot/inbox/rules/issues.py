"""An issue that mentions the bot in its title or its text, when it is opened or when a mention is added.

A request that only points at the issue, such as ``@hob please fix this``, makes all of it the request; so
does one in a field of a form, whose other fields follow under headings of their own.
"""

from __future__ import annotations

import re
from dataclasses import replace

from bot.domain import Event, Thread
from bot.inbox.commands.parse import RESOLVE, ParsedCommand, is_bare, parse_commands
from bot.inbox.decision import (
    NO_MENTION,
    NOT_THEIRS,
    AppIdentity,
    Decision,
    decide_on_text,
    find_reason_to_ignore,
    is_by_author,
)
from bot.inbox.mentions import find_mentions
from bot.inbox.rules.comments import find_added_requests

_HEADING = re.compile(r"^#{1,6}[ \t]", re.MULTILINE)


def decide(event: Event, *, app: AppIdentity, label: str) -> Decision:
    """The decision on an issue that was opened, or edited by its author."""
    ignored = find_reason_to_ignore(event, app)
    if ignored or event.trigger is None or event.thread is None:
        return ignored or NO_MENTION
    if not is_by_author(event):
        return NOT_THEIRS
    if event.action == "edited":
        requests = _find_requests_in_title(event, app.slug) + find_added_requests(event.trigger, app.slug)
    else:
        requests = find_mentions(event.thread.title, app.slug) + find_mentions(event.trigger.text, app.slug)
    if not requests:
        return NO_MENTION
    said = parse_commands(requests)
    if said.request and is_bare(_HEADING.split(said.request, maxsplit=1)[0]):
        said = ParsedCommand(request=_join_title_and_body(event.thread), whole=True)
    return decide_on_text(event, said, app=app)


def _find_requests_in_title(event: Event, slug: str) -> list[str]:
    """The requests that an edit of the title brought in."""
    if event.thread is None or event.trigger is None or event.trigger.previous_title is None:
        return []
    retitled = replace(event.trigger, text=event.thread.title, previous_text=event.trigger.previous_title)
    return find_added_requests(retitled, slug)


def _join_title_and_body(thread: Thread) -> str:
    return "\n\n".join(part for part in (thread.title.strip(), thread.body.strip()) if part) or RESOLVE
