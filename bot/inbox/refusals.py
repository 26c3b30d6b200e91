"""Say no on a thread, politely and not too often.

A person who may ask gets an answer each time. The refusal for missing write permission, of a blocked person,
over a limit, or of a text that is not worked on is posted on a thread only once a day; others who ask there
that day get a reaction, so that neither a stranger nor another bot can make Hob fill a thread with comments.
A person gets each of these once on a thread, and that of a limit once a day. Every refusal is stored with its
reason.
"""

from __future__ import annotations

from datetime import UTC, datetime

from bot.domain import EffectKind, Event, Refusal
from bot.github.answers import Comment
from bot.github.app import RepoApi
from bot.github.permissions import NO_PERMISSION
from bot.inbox.abuse.guard import TOO_MUCH
from bot.inbox.abuse.moderate import MODERATED
from bot.inbox.delivery_context import BLOCKED, DeliveryContext, DeliveryEnd, make_person_key, thread_key
from bot.tasks.database.tables import DeliveryState
from bot.tasks.safety.records import HELD

TRIES_USED_UP = "tries used up"  # of the repairs of a failing check, which nobody asks for each time
# How the thread's one comment of a day is keyed, for refusals that must not fill a thread.
ONCE_A_DAY = {NO_PERMISSION: "no-permission", BLOCKED: "blocked", TOO_MUCH: "too-much"}


async def refuse(context: DeliveryContext, api: RepoApi, event: Event, refusal: Refusal) -> DeliveryEnd:
    """Comment the refusal, or react when the thread has had its one for the day; repeating it is harmless."""
    await context.store.note_refusal(event, refusal.reason, refusal.detail or refusal.message)
    reason = refusal.reason.replace(": ", "-").replace(" ", "-")
    by_bot = event.sender is not None and event.sender.is_bot
    of_the_day = _name_of_the_day(refusal)
    once = by_bot or bool(of_the_day) or refusal.reason in (TRIES_USED_UP, HELD)
    key = make_person_key(event, reason) if once else f"{reason}:{event.delivery}"
    if of_the_day:
        if refusal.reason == TOO_MUCH:  # of another day it is another answer
            key = f"{key}:{datetime.now(UTC).date()}"
        await _refuse_once_a_day(context, api, event, key, refusal)
    else:
        await context.comment(api, event, key, refusal.message)
    return DeliveryState.HANDLED, f"refused: {refusal.reason}"


def _name_of_the_day(refusal: Refusal) -> str:
    """How the comment is keyed that a thread gets once a day; '' where everybody gets one each time."""
    return "moderated" if refusal.reason.startswith(MODERATED) else ONCE_A_DAY.get(refusal.reason, "")


async def _refuse_once_a_day(
    context: DeliveryContext, api: RepoApi, event: Event, key: str, refusal: Refusal
) -> None:
    """``key`` is the person's: who was refused on the thread before gets no further comment."""
    known = await context.effects.get(key)
    if known is not None and known.done:
        return
    today = f"{_name_of_the_day(refusal)}:{thread_key(event)}:{datetime.now(UTC).date()}"
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
