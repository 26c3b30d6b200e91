"""AGENTS.md: which of them go into the opening, and which are shown when the work first gets below them.

All come from the base commit, whatever the workspace or a pull request made of them. Only AGENTS.md is
honoured: what other tools read (CLAUDE.md, copilot-instructions.md) a repository can name in it.
"""

from __future__ import annotations

from bot.domain import PromptText, Trust
from bot.git.mirror import Mirror

NAME = "AGENTS.md"
OPENING = 10  # files, and their characters together; the root's always
OPENING_CHARS = 24_000
CHARS = 20_000  # of one file
MOST = 100  # files that are read
_TOO_MANY = f"[Not shown here: the repository has more than {MOST} {NAME}. Read this one before you go on.]"


async def read_guides(mirror: Mirror, repo_id: int, commit: str) -> tuple[tuple[str, str], ...]:
    """Path and text of the AGENTS.md files of a commit, those nearest to the root first."""
    paths = await mirror.tree_paths(repo_id, commit)
    found = sorted((p for p in paths if p == NAME or p.endswith(f"/{NAME}")), key=lambda p: (p.count("/"), p))
    guides = []
    for number, path in enumerate(found):
        data = await mirror.read_file(repo_id, commit, path) if number < MOST else None
        text = _TOO_MANY if number >= MOST else (data or b"").decode("utf-8", "replace")
        if text.strip():
            guides.append((path, text))
    return tuple(guides)


def split_guides(
    guides: tuple[tuple[str, str], ...],
) -> tuple[tuple[PromptText, ...], tuple[PromptText, ...]]:
    """The guides for the opening, and those for later."""
    opening: list[PromptText] = []
    nearby: list[PromptText] = []
    room = OPENING_CHARS
    for path, text in guides:
        guide = make_guide(path, text)
        fits = not nearby and len(opening) < OPENING and len(guide.text) <= room
        (opening if fits or path == NAME else nearby).append(guide)
        room -= len(guide.text)
    return tuple(opening), tuple(nearby)


def make_guide(where: str, text: str) -> PromptText:
    """A guide of the repository, from its base branch, as an instruction."""
    text = shorten(text, CHARS)
    return PromptText(
        trust=Trust.INSTRUCTION, where=where, author="", permission="base branch", at="", text=text
    )


def shorten(text: str, chars: int) -> str:
    """``text`` with its end cut off, which is said."""
    more = len(text) - chars
    return text if more <= 0 else f"{text[:chars]}\n[{more} of {len(text)} characters are left out here]"
