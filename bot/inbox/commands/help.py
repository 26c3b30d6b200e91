"""``@hob help``: the list of what one can say to the bot."""

from __future__ import annotations

from bot.github.app import RepoApi
from bot.inbox.decision import Command
from bot.inbox.delivery_context import DeliveryContext, DeliveryEnd
from bot.tasks.database.tables import DeliveryState


async def send_help(context: DeliveryContext, api: RepoApi, command: Command) -> DeliveryEnd:
    """Comment the list."""
    text = render_help(context.app.slug, context.operator.label)
    await context.comment(api, command.event, f"help:{command.event.delivery}", text)
    return DeliveryState.HANDLED, "told about help"


def render_help(slug: str, label: str) -> str:
    """What one can say to the bot."""
    return (
        "I take work from people who may write to this repository:\n\n"
        f"- `@{slug} <what should change>` in an issue or a comment on it: I open a draft pull request\n"
        f"- the label `{label}` on an issue: the same\n"
        f"- `@{slug} <what to do differently>` on my pull request, in a comment or a review: I revise it\n"
        f"- `@{slug} review` on anybody's pull request: I review it, and approve and change nothing\n"
        f"- `@{slug} <a question?>`: I answer, and change nothing\n"
        f"- `@{slug} stop`: I stop what I do or have queued on this thread, and keep what there is\n"
        f"- `@{slug} status`: how it stands\n"
        f"- `@{slug} explain`: what I did last here, and why\n"
        f"- `@{slug} retry`: I do the last thing on this thread again\n"
        f"- `@{slug} try 3`: I make three attempts side by side and compare them\n"
        f"- `@{slug} use 2`: I prove attempt 2 again and publish it\n"
        f"- `@{slug} approve <digest>`, by a maintainer: I prove and publish what I held back\n"
        f"- `@{slug} undo`: I close my pull request and delete its branch, if the commits are all mine\n"
        f"- `@{slug} budget`: what this cost, and what it may cost\n"
        f"- `@{slug} config`: what I go by in this repository, and where that is set\n"
        f"- `@{slug} help`: this list"
    )
