"""The rules for installations.

An app that was uninstalled or suspended: the installation's open tasks are cancelled, and what is kept of an
uninstalled one is deleted. One that was given repositories: its label is made there, where somebody agreed to
that. One from which repositories were taken: what is open in them is cancelled.
"""

from __future__ import annotations

from bot.domain import Event
from bot.inbox.decision import AppIdentity, Decision, Ignored, ReposAdded, ReposRemoved, Uninstalled

_ENDINGS = {"deleted": "the app was uninstalled", "suspend": "the app was suspended"}


def decide(event: Event, *, app: AppIdentity, label: str) -> Decision:
    """Decide on an ``installation`` event, or on one of its repositories."""
    if event.added and event.installation:
        return ReposAdded(event=event)
    if event.removed and event.installation:
        return ReposRemoved(event=event)
    reason = _ENDINGS.get(event.action)
    if reason is None or not event.installation:
        return Ignored(reason="nothing to do for this")
    return Uninstalled(installation=event.installation, reason=reason, for_good=event.action == "deleted")
