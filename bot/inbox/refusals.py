"""Say no on a thread, politely and not too often.

Whoever may ask gets an answer each time. The refusal for missing write permission stands on a thread only
once a day; whoever else asks there that day gets a reaction, so that neither a stranger nor another bot can
make Hob fill a thread with comments.
"""

from __future__ import annotations

from datetime import UTC, datetime

from bot.domain import EffectKind, Event, Refusal
from bot.github.answers import Comment
from bot.github.app import RepoApi
from bot.github.permissions import NO_PERMISSION
from bot.inbox.delivery_context import DeliveryContext, DeliveryEnd, make_person_key, thread_key
from bot.tasks.database.tables import DeliveryState

TRIES_USED_UP = "tries used up"  # of the repairs of a failing check, which nobody asks for each time


async def refuse(context: DeliveryContext, api: RepoApi, event: Event, refusal: Refusal) -> DeliveryEnd:
    """Comment the refusal, or react when the thread has had its one for the day; repeating it is harmless."""
    reason = refusal.reason.replace(" ", "-")
    by_bot = event.sender is not None and event.sender.is_bot
    once = by_bot or refusal.reason in (NO_PERMISSION, TRIES_USED_UP)
    key = make_person_key(event, reason) if once else f"{reason}:{event.delivery}"
    if refusal.reason == NO_PERMISSION:
        await _refuse_once_a_day(context, api, event, key, refusal)
    else:
        await context.comment(api, event, key, refusal.message)
    return DeliveryState.HANDLED, f"refused: {refusal.reason}"


async def _refuse_once_a_day(
    context: DeliveryContext, api: RepoApi, event: Event, key: str, refusal: Refusal
) -> None:
    """``key`` is the person's: who was refused on the thread before hears nothing more."""
    known = await context.effects.get(key)
    if known is not None and known.done:
        return
    today = f"no-permission:{thread_key(event)}:{datetime.now(UTC).date()}"
    comment_of_today = await context.effects.get(today)
    await context.effects.once_as(
        Comment,
        key,
        EffectKind.COMMENT,
        find=None,
        do=lambda: context.comment(api, event, today, refusal.message),
    )
    if comment_of_today is not None and comment_of_today.done:
        await context.react(api, event, "confused")
