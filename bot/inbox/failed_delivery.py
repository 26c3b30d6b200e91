"""A delivery that cannot be handled: what may pass, for how long it is tried, and what the thread is told.

A token that cannot be minted, a permission that is missing, a repository that GitHub does not find: any of
these may be over in a minute (an outage of GitHub's, a clock, an app that is being set up), so none of them
is an answer at once. When the trouble lasts, whoever asked gets a comment, with whichever token GitHub still
grants.
"""

from __future__ import annotations

import structlog

from bot.domain import Event
from bot.github.http.responses import Forbidden, Locked, NotFound, Rejected
from bot.github.http.scope import Purpose
from bot.inbox.delivery_context import DeliveryContext
from bot.text.defuse import defuse

log = structlog.get_logger(__name__)

REFUSED_FOR = 6 * 3600.0  # seconds that a delivery is tried again while GitHub refuses what it needs
FIRST_PAUSE = 5.0  # seconds to the first try; the pauses grow with the delivery's age
_SPEAKING = (Purpose.TALK, Purpose.SAY_ON_ISSUES, Purpose.SAY_ON_PULLS)


async def say_failure(context: DeliveryContext, event: Event, reason: str) -> None:
    """Comment on the thread, once for a delivery, that the request was not taken and why.

    Raises Retry and Parked when GitHub cannot be asked now; what it refuses is logged only.
    """
    if not event.installation or event.repo is None or event.thread is None:
        return
    text = render_not_taken(context.operator.safe(reason))
    for purpose in _SPEAKING:
        api = context.api(event, talking=purpose)
        try:
            await context.comment(api, event, f"not-taken:{event.delivery}", text)
        except Locked:  # a reaction is all that is left
            await context.react(api, event, "confused")
            return
        except (Forbidden, NotFound, Rejected) as refused:
            log.warning("delivery.failure_not_posted", purpose=purpose.name, reason=refused.message)
        else:
            return


def render_not_taken(reason: str) -> str:
    """The comment on a request that could not be taken."""
    return f"❌ **I could not take this up.**\n\n{defuse(reason)}\n\nMention me again when that is mended."
