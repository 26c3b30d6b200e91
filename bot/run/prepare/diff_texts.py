"""What a pull request changes, as texts for the first message."""

from __future__ import annotations

from collections.abc import Iterator

from bot.agent.prompt import DIFF_OF
from bot.domain import PromptText, Trust
from bot.text.diffs import split_by_file
from bot.workspace.agents_md import shorten

MOST_CHARS = 120_000  # of a pull request's difference in the first message; the files themselves can be read
MOST_OF_FILE = 20_000


def list_diff_texts(diff: str, *, most_chars: int = MOST_CHARS) -> Iterator[PromptText]:
    """What a pull request changes, a passage for each file; what is too much is named."""
    left, room = [], most_chars
    for path, text in split_by_file(diff):
        if room <= 0:
            left.append(path)
            continue
        shown = shorten(text, min(MOST_OF_FILE, room))
        room -= len(shown)
        yield _quote(f"{DIFF_OF}{path}", shown)
    if left:
        names = "\n".join(left[:200])
        yield _quote("files that the pull request changes too, not shown here for their length", names)


def _quote(where: str, text: str) -> PromptText:
    return PromptText(trust=Trust.QUOTED, where=where, author="", permission="", at="", text=text)
