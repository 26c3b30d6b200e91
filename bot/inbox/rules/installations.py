"""The rule for an app that was uninstalled or suspended: the installation's open tasks are cancelled."""

from __future__ import annotations

from bot.domain import Event
from bot.inbox.decision import AppIdentity, Decision, Ignored, Uninstalled

_ENDINGS = {"deleted": "the app was uninstalled", "suspend": "the app was suspended"}


def decide(event: Event, *, app: AppIdentity, label: str) -> Decision:
    """Decide on an ``installation`` event: Uninstalled for a removed or suspended app, else Ignored."""
    reason = _ENDINGS.get(event.action)
    if reason is None or not event.installation:
        return Ignored(reason="nothing to do for this")
    return Uninstalled(installation=event.installation, reason=reason)
