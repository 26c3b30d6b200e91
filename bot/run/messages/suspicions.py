"""What the agent read that looks like orders to it: people are told, and told that the network was cut."""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain import Suspicion
from bot.text.defuse import code_span

MOST_SHOWN = 5


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
