"""Whether a request is one to work on at all, by the moderator that the operator chose."""

from __future__ import annotations

from bot.domain import Refusal, Request, TriggerKind
from bot.inbox.commands.parse import is_bare
from bot.inbox.delivery_context import DeliveryContext
from bot.moderation.messages import name_reason, render_not_taken

MODERATED = "moderation: "  # how every reason of this begins


async def find_unfit(context: DeliveryContext, asked: Request) -> Refusal | None:
    """Why the request is not worked on, None when it may be.

    A request that only points at its thread ("fix this") is judged with the thread's own text. Raises Outage
    while the moderator cannot be asked.
    """
    thread = asked.event.thread
    kind = asked.event.trigger.kind if asked.event.trigger else None
    whole = is_bare(asked.request) or kind in (TriggerKind.ISSUE, TriggerKind.LABEL)
    above = f"{thread.title}\n{thread.body}\n" if thread and whole else ""
    verdict = await context.operator.moderator.judge(above + asked.request)
    if verdict is None:
        return None
    message = render_not_taken(verdict) + context.render_appeal()
    return Refusal(reason=name_reason(verdict), message=message, detail=f"asked: {verdict.by}")
