"""The short comments that the inbox writes by itself."""

from __future__ import annotations

from bot.domain import Refusal

NOTHING_TO_STOP = "There is nothing of mine to stop here: I am not working on this thread."
CLOSED = Refusal(
    reason="closed pull",
    message="This pull request is closed, so I cannot add to it. Mention me on the issue for a new one.",
)


def help_text(slug: str, label: str) -> str:
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
