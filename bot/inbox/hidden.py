"""What a person sees is what the agent gets: text that renders as nothing is taken out and named.

Removed are HTML comments, link reference definitions used as comments, and characters that show no glyph:
zero-width, bidirectional controls (CVE-2021-42574) and the Unicode tag block.
"""

from __future__ import annotations

import re

_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_REFERENCE = re.compile(r"^ {0,3}\[[^\]\n]*\]:[ \t]*(?:#|<>)[ \t]*[\"'(].*$", re.MULTILINE)
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufeff\uffa0\U000e0000-\U000e0fff]+"
)


def visible(text: str) -> tuple[str, tuple[str, ...]]:
    """The text without what nobody sees, and what was removed (in words a maintainer can read)."""
    removed: list[str] = []

    def take(match: re.Match[str]) -> str:
        removed.append(_describe(match.group()))
        return ""

    for pattern in (_COMMENT, _REFERENCE, _INVISIBLE):
        text = pattern.sub(take, text)
    return text, tuple(removed)


def _describe(hidden: str) -> str:
    """Visible text as it stands; characters without a glyph by their code points."""
    if not _INVISIBLE.fullmatch(hidden):
        return _INVISIBLE.sub("", hidden).strip()[:500]
    spelled = "".join(chr(ord(c) - 0xE0000) for c in hidden if 0xE0020 <= ord(c) <= 0xE007E)
    points = " ".join(f"U+{ord(c):04X}" for c in hidden[:20])
    return f"{points} ({spelled!r})" if spelled else points
