"""Make text harmless where GitHub and other tools read it without rendering: commit messages and titles.

There is no code there that would keep a mention or a keyword quiet. Backticks, ``**kwargs`` and ``#1`` stay.
Trailers (https://git-scm.com/docs/git-interpret-trailers) and the footers by which release tools choose a
version (https://www.conventionalcommits.org) are for people and for Hob to write, not for a model.
"""

from __future__ import annotations

import re

from bot.text.terminal import show_controls

_FLAGS = re.MULTILINE | re.IGNORECASE
_CLOSER = r"(?<![a-z0-9])(?P<closer>close[sd]?|fix(?:e[sd])?|resolve[sd]?)(?P<between>[^\w#]*)"
_URL = r"https?://[^\s/]{1,250}/[^\s/]{1,100}/[^\s/]{1,100}/(?:issues|pull)/[0-9]"
_REFERENCE = rf"(?=(?:[\w.-]{{1,100}}/[\w.-]{{1,100}})?#[0-9]|GH-[0-9]|{_URL})"
_CLOSES = re.compile(_CLOSER + _REFERENCE, _FLAGS)
_MENTION = re.compile(r"(?<![A-Za-z0-9])@(?=[A-Za-z0-9])")
_SKIP = re.compile(r"\[((?:skip|no) ?(?:ci|actions)|(?:ci|actions) skip)\]", re.IGNORECASE)
_TRAILER = re.compile(r"^([ \t]*(?:[a-z0-9]+(?:-[a-z0-9]+)+|cc|bug|closes|fixes|refs))[ \t]*:", _FLAGS)
_BLANK = r" \t\r\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"  # within a line
_BREAKING = re.compile(rf"^([{_BLANK}|*]*+)(BREAKING[ -]CHANGES?)[ \t]*+[:#]?", _FLAGS)
_OVERRIDE = re.compile(r"\b(BEGIN|END)_(?=COMMIT_OVERRIDE|NESTED_COMMIT)")


def defuse_plain_text(text: str) -> str:
    """Text for a title or a commit's message that mentions nobody, closes nothing and bears no trailer."""
    text = _SKIP.sub(r"(\1)", show_controls(text))
    text = _TRAILER.sub(r"\1 -", _BREAKING.sub(r"\1(\2)", _OVERRIDE.sub(r"\1 ", text)))
    text = _MENTION.sub("@ ", text)
    return _CLOSES.sub(lambda found: f"{found['closer']}{found['between'] or ' '}issue ", text)
