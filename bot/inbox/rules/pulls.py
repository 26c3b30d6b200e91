"""The rule for pull requests that end: Hob's own, those that revert one, and any that Hob may have reviewed.

Closing or merging is not a request to Hob, so no permission is checked.
"""

from __future__ import annotations

import re

from bot.domain import Event
from bot.inbox.decision import AppIdentity, Decision, Ignored, PullEnded

# The text that GitHub's button "Revert" begins with:
# https://docs.github.com/en/pull-requests/collaborating-with-pull-requests/incorporating-changes-from-a-pull-request/reverting-a-pull-request
_REVERTS = re.compile(
    r"\AReverts (?:(?P<repo>[\w.-]{1,100}/[\w.-]{1,100}))?#(?P<which>\d{1,9})\s*(?:\Z|\n|\.)"
)


def decide(event: Event, *, app: AppIdentity, label: str) -> Decision:
    """Decide on a pull request that was closed, merged or not."""
    thread, repo = event.thread, event.repo
    if thread is None or repo is None or not event.installation:
        return Ignored(reason="it names no pull request of an installation")
    reverts = 0
    if event.merged and (found := _REVERTS.match(thread.body)) and found["repo"] in (None, repo.full_name):
        reverts = int(found["which"])
    return PullEnded(event=event, is_own=thread.author.id == app.bot_id, reverts=reverts)
