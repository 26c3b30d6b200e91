"""Whether a request is taken from somebody who may ask: not when blocked, over a limit, or not yet known.

The cheapest question comes first. A blocked person is not looked up on GitHub at all.
"""

from __future__ import annotations

from bot.domain import Event, Refusal, Repo
from bot.github.app import RepoApi
from bot.github.permissions import may_manage_people
from bot.inbox.delivery_context import DeliveryContext
from bot.tasks.safety.limits import find_exceeded_limit
from bot.tasks.safety.records import HELD

TOO_MUCH = "too much asked"


async def find_abuse(context: DeliveryContext, api: RepoApi, event: Event) -> Refusal | None:
    """Why no task is made of what the event asks for, None when one may be made.

    A delivery whose task is stored already has passed. Raises what asking GitHub raises.
    """
    sender, repo = event.sender, event.repo
    if sender is None or repo is None or await context.store.find_task_of_delivery(event.delivery):
        return None
    exceeded = await find_exceeded_limit(
        context.store,
        context.operator.limits,
        person=sender,
        repo=repo,
        installation=event.installation,
    )
    if exceeded:
        return Refusal(
            reason=TOO_MUCH,
            message=f"{exceeded} So I did not take this one; ask again later.{context.render_appeal()}",
        )
    return await _find_hold(context, api, event, repo)


async def _find_hold(context: DeliveryContext, api: RepoApi, event: Event, repo: Repo) -> Refusal | None:
    """The wait for a maintainer's approval, where this is the sender's first request in a public repository.

    Not for bots, which the operator names, nor for maintainers.
    """
    sender = event.sender
    if not context.operator.holds_first_requests or repo.private or sender is None or sender.is_bot:
        return None
    if await context.store.is_known(sender.id, repo.id):
        return None
    if await may_manage_people(api.permissions, sender, repo) is None:
        return None
    slug = context.app.slug
    return Refusal(
        reason=HELD,
        message=f"Thank you, `{sender.login}`. This is the first thing that you ask of me in "
        f"`{repo.full_name}`, so it waits until a maintainer says `@{slug} admit {sender.login}` here. Then "
        "I take it up as it stands; nobody has to ask again.",
    )
