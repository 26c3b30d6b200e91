"""The short comments that the inbox writes by itself."""

from __future__ import annotations

from bot.domain import Refusal
from bot.inbox.commands import Word

NOTHING_TO_STOP = "There is nothing of mine to stop here: I am not working on this thread."
CLOSED = Refusal(
    reason="closed pull",
    message="This pull request is closed, so I cannot add to it. Mention me on the issue for a new one.",
)


def help_text(slug: str, word: Word, label: str) -> str:
    """What one can say to the bot. ``word`` is what was said; one that does nothing yet is named."""
    known = f"I know the word `{word.value}`, but cannot do it yet.\n\n" if word is not Word.HELP else ""
    return (
        f"{known}I take work from people who may write to this repository:\n\n"
        f"- `@{slug} <what should change>` in an issue or a comment on it: I open a draft pull request\n"
        f"- the label `{label}` on an issue: the same\n"
        f"- `@{slug} <what to do differently>` on my pull request, in a comment or a review: I revise it\n"
        f"- `@{slug} stop`: I stop what I do or have queued on this thread\n"
        f"- `@{slug} help`: this list"
    )
