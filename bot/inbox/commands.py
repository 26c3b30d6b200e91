"""What the words after a mention mean: ``@hob stop``, ``@hob help`` and so on, or else a request for work.

A word is a command only when nothing else is asked: "stop" is one, "stop using tabs here" is work; "try 3"
and "use 2" are commands, "try using tabs" and "use 2 spaces" are work.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

RESOLVE = "Resolve this."  # what a mere mention or a label asks for


class Word(StrEnum):
    """The commands."""

    STOP = "stop"
    STATUS = "status"
    HELP = "help"
    RETRY = "retry"
    TRY = "try"  # with a number: so many attempts
    USE = "use"  # with a number: that attempt


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What somebody said to the bot: a command, or a request in their own words (empty: none)."""

    word: Word | None = None
    request: str = ""
    number: int = 0  # of ``try`` and ``use``


_ALONE = {word.value: word for word in Word if word not in (Word.TRY, Word.USE)} | {"cancel": Word.STOP}
_NUMBERED = re.compile(
    r"\W*(?:please\W+)?(try|use)(?:\s+attempt)?\s+#?([0-9]{1,6})(?:\s+attempts)?(?:\s+(?:please|now))?[\s.!`]*",
    re.IGNORECASE,
)
_AGAIN = ["try", "again"]
_AROUND = frozenset({"please", "now", "it", "this", "that"})
_COURTESIES = frozenset(
    {"thanks", "thank", "thx", "ty", "great", "nice", "good", "awesome", "perfect", "cc", "fyi"}
)
_POLITE = _COURTESIES | {"you", "job", "work", "well", "done", "a", "lot", "so", "much", "very", "hi"}
_POINTING = {"this", "it", "that", "the", "a", "one", "issue", "bug", "problem", "me", "us"}
_DOING = {
    "fix",
    "resolve",
    "solve",
    "handle",
    "implement",
    "do",
    "help",
    "work",
    "take",
    "look",
    "have",
    "go",
}
_ASKING = {"please", "can", "could", "would", "you", "care", "of", "at", "into", "with", "on", "ahead", "for"}
_BARE = frozenset(_POINTING | _DOING | _ASKING | {"and", "have", "try", "thanks"})


def understand(requests: Sequence[str]) -> Said:
    """What the requests of one text come to. ``stop`` wins over all else; several requests become one."""
    commands = [_command(request) for request in requests]
    if any(command and command.word is Word.STOP for command in commands):
        return Said(word=Word.STOP)
    asked = [
        request
        for request, command in zip(requests, commands, strict=True)
        if command is None and not _courtesy(request)
    ]
    if asked:
        return Said(request="\n\n".join(request for request in asked if request) or RESOLVE)
    return next(filter(None, commands), Said())


def is_bare(request: str) -> bool:
    """Whether a request points at what it stands in ("please fix this") and says nothing by itself."""
    return request == RESOLVE or set(_tokens(request)) <= _BARE


def _command(request: str) -> Said | None:
    if numbered := _NUMBERED.fullmatch(request):
        return Said(word=Word(numbered[1].lower()), number=int(numbered[2]))
    words = [word for word in _tokens(request) if word not in _AROUND]
    word = Word.RETRY if words == _AGAIN else _ALONE.get(words[0]) if len(words) == 1 else None
    return Said(word=word) if word else None


def _courtesy(request: str) -> bool:
    words = _tokens(request)
    return set(words) <= _POLITE and not _COURTESIES.isdisjoint(words)


def _tokens(request: str) -> list[str]:
    return re.findall(r"[^\W_]+", request.lower())
