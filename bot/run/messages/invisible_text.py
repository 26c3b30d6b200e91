"""What was removed from a thread because no reader sees it."""

from __future__ import annotations

from collections.abc import Sequence

from bot.run.messages.fold import fold_details
from bot.text.defuse import fence


def render_invisible_text(hidden: Sequence[str]) -> str:
    """What was taken out of the thread because nobody sees it; '' for nothing."""
    if not hidden:
        return ""
    shown = "\n".join(item[:300] for item in hidden[:20])
    return fold_details("Hidden text in the thread, which I did not follow", fence(shown))
