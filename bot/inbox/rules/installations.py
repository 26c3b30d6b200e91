"""The app was uninstalled or suspended: what still waits for that installation is not done any more."""

from __future__ import annotations

from bot.domain import Event
from bot.inbox.decision import AppIdentity, Decision, Ignored, Uninstalled

_ENDINGS = {"deleted": "the app was uninstalled", "suspend": "the app was suspended"}


def decide(event: Event, *, app: AppIdentity, label: str) -> Decision:
    """The decision on anything that happens to an installation as a whole."""
    reason = _ENDINGS.get(event.action)
    if reason is None or not event.installation:
        return Ignored(reason="nothing to do for this")
    return Uninstalled(installation=event.installation, reason=reason)
