"""What is reported of the texts that were read: hidden parts, and orders to the agent."""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain import Suspicion
from bot.run.messages.fold import fold_details
from bot.text.defuse import code_span, fence

MOST_SHOWN = 5


def render_invisible_text(hidden: Sequence[str]) -> str:
    """What was taken out of the thread because nobody sees it; '' for nothing."""
    if not hidden:
        return ""
    shown = "\n".join(item[:300] for item in hidden[:20])
    return fold_details("Hidden text in the thread, which I did not follow", fence(shown))


def render_suspicions(suspicions: Sequence[Suspicion]) -> str:
    """A warning with the places and their signs; '' for none."""
    if not suspicions:
        return ""
    rows = [f"- {code_span(each.where)}: {', '.join(each.signs)}" for each in suspicions[:MOST_SHOWN]]
    more = len(suspicions) - MOST_SHOWN
    rows += [f"- {more} more, on the run's page"] if more > 0 else []
    head = (
        "⚠️ **I read text that looks like orders to me, from where none may come.** I take such text as data, "
        "and had no network from there on. Read this with that in mind:"
    )
    return "\n".join([head, "", *rows])
