"""``@hob help``: the list of what one can say to the bot."""

from __future__ import annotations

import structlog

from bot.domain import Event
from bot.errors import UserError
from bot.github.app import RepoApi
from bot.inbox.commands.config import read_config_in_force
from bot.inbox.decision import Command
from bot.inbox.delivery_context import DeliveryContext, DeliveryEnd
from bot.inbox.label import choose_label, ensure_label
from bot.repo_config import RepoConfig
from bot.tasks.database.tables import DeliveryState

log = structlog.get_logger(__name__)


async def send_help(context: DeliveryContext, api: RepoApi, command: Command) -> DeliveryEnd:
    """Comment the list, and whether the label is there; it is made first where somebody agreed to that."""
    label, there = await _look_for_label(context, api, command.event)
    text = render_help(context.app.slug, label, there=there)
    await context.comment(api, command.event, f"help:{command.event.delivery}", text)
    return DeliveryState.HANDLED, "told about help"


async def _look_for_label(context: DeliveryContext, api: RepoApi, event: Event) -> tuple[str, bool]:
    """The label that asks here, and whether the repository has it."""
    try:
        config = (await read_config_in_force(api, event)).config
    except UserError:  # an invalid file: runs say so
        config = RepoConfig()
    name = choose_label(context, config)
    try:
        await ensure_label(context, api, config)
        return name, await api.issues.has_label(name)
    except UserError as refused:
        log.warning("label.not_made", reason=refused.message)
        return name, False


def render_help(slug: str, label: str, *, there: bool = True) -> str:
    """What one can say to the bot; ``there``: the repository has the label."""
    missing = "" if there else " (this repository has no such label yet: make it under Issues, Labels)"
    return (
        "I take work from people who may write to this repository:\n\n"
        f"- `@{slug} <what should change>` in an issue or a comment on it: I open a draft pull request\n"
        f"- the label `{label}` on an issue: the same{missing}\n"
        f"- `@{slug} <what to do differently>` on my pull request, in a comment or a review: I revise it\n"
        f"- `@{slug} fix` on a pull request of Dependabot's or Renovate's: I make its checks pass\n"
        f"- `@{slug} review` on anybody's pull request: I review it, and approve and change nothing\n"
        f"- `@{slug} <a question?>`: I answer, and change nothing\n"
        f"- `@{slug} stop`: I stop what I do or have queued on this thread, and keep what there is\n"
        f"- `@{slug} status`: how it stands\n"
        f"- `@{slug} explain`: what I did last here, and why\n"
        f"- `@{slug} retry`: I do the last thing on this thread again\n"
        f"- `@{slug} try 3`: I make three attempts side by side and compare them\n"
        f"- `@{slug} use 2`: I prove attempt 2 again and publish it\n"
        f"- `@{slug} approve <digest>`, by a maintainer: I prove and publish what I held back\n"
        f"- `@{slug} block <login>`, `@{slug} unblock <login>`, by a maintainer: whom I do not hear here\n"
        f"- `@{slug} admit <login>`, by a maintainer: I take up what somebody asked for the first time\n"
        f"- `@{slug} undo`: I close my pull request and delete its branch, if the commits are all mine\n"
        f"- `@{slug} budget`: what this cost, and what it may cost\n"
        f"- `@{slug} config`: what I go by in this repository, and where that is set\n"
        f"- `@{slug} help`: this list\n\n"
        "GitHub lets nobody assign an issue to an app like me, or request its review: mentions and the label "
        "are the ways."
    )
