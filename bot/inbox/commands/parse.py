"""Parse the text after a mention: a command such as ``@hob stop``, or else a request for work.

A word is a command only when nothing else is asked: "stop" is one, also with thanks or a short reason
behind it ("stop, this is wrong"); "stop using tabs here" is work, and so is "stop, this is wrong: it loses
a row". "try 3" and "use 2" are commands, "try using tabs" and "use 2 spaces" are work. Work is a change,
unless the text begins with "review", or is a question that asks for nothing to be done. "block octocat" is
a command, since a login is one word; "block the second call" is work.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

RESOLVE = "Resolve this."  # what a mere mention or a label asks for


class CommandWord(StrEnum):
    """The commands."""

    STOP = "stop"
    STATUS = "status"
    HELP = "help"
    RETRY = "retry"
    TRY = "try"  # with a number: so many attempts
    USE = "use"  # with a number: that attempt
    APPROVE = "approve"  # with a digest: what was held back
    UNDO = "undo"
    BUDGET = "budget"
    CONFIG = "config"
    EXPLAIN = "explain"
    REVIEW = "review"
    BLOCK = "block"  # with a login, as the next two
    UNBLOCK = "unblock"
    ADMIT = "admit"


_ABOUT_PEOPLE = (CommandWord.BLOCK, CommandWord.UNBLOCK, CommandWord.ADMIT)


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedCommand:
    """What somebody said to the bot: a command, or a request in their own words (empty: none)."""

    word: CommandWord | None = None
    request: str = ""
    number: int = 0  # of ``try`` and ``use``
    digest: str = ""  # of ``approve``
    login: str = ""  # of ``block``, ``unblock`` and ``admit``
    whole: bool = False  # the request is all of an issue, which is no question to be answered only


_ALONE = {
    word.value: word for word in CommandWord if word not in (CommandWord.TRY, CommandWord.USE, *_ABOUT_PEOPLE)
} | dict.fromkeys(("cancel", "abort", "nevermind"), CommandWord.STOP)
# What may stand behind "stop" and leave it the command: thanks, and reasons that ask for nothing else.
_NOUN = (
    r"(?:file|files|one|ones|approach|branch|direction|idea|issue|pull\s+request|pr|repo|repository|thing|thread"
    r"|ticket|track|way|person|bot|project)"
)
_THIS_IS = (
    r"(?:(?:this|that|it)(?:['\u2019]?s|\s+is|\s+was)|you(?:['\u2019]?re|\s+are)"
    r"|i(?:['\u2019]?m|\s+am|\s+was))"
)
_WANTED = r"(?:meant|mean|want|wanted|need|needed|asked(?:\s+for)?|expected|had\s+in\s+mind)"
_WRONG = (
    rf"(?:(?:all|just|completely|totally|simply|on|in|going|the|a|my)\s+){{0,4}}wrong(?:\s+{_NOUN})?"
    rf"|not\s+(?:what\s+(?:i|we)\s+{_WANTED}|right|correct|needed|necessary|wanted|this|that|it|now|here|you|yet"
    rf"|(?:the\s+)?(?:right|this|that)\s+{_NOUN})"
    r"|(?:no\s+longer|not)\s+(?:needed|wanted|necessary|relevant)(?:\s+any\s?more)?"
    r"|(?:already\s+)?(?:done|fixed|solved|resolved)(?:\s+already)?|(?:a\s+)?(?:duplicate|mistake)"
)
_ENDING = (
    rf"(?:(?:{_THIS_IS}\s+)?(?:{_WRONG})|(?:this|that|it)\s+(?:isn|wasn)['\u2019]?t\s+(?:it|right|correct|needed"
    rf"|what\s+(?:i|we)\s+{_WANTED}|(?:the\s+)?right\s+{_NOUN})"
    r"|(?:thanks|thank\s+you|thx|ty|cheers)(?:\s+(?:a\s+lot|so\s+much|very\s+much|anyway|again))?"
    r"|please|sorry|now|no|my\s+(?:mistake|bad)|never\s?mind|(?:that['\u2019]?s\s+)?enough|no\s+need"
    r"|(?:i|we)\s+(?:changed\s+(?:my|our)\s+minds?|made\s+a\s+mistake|(?:don['\u2019]?t|do\s+not|no\s+longer)\s+"
    r"(?:want|need)\s+(?:this|that|it)(?:\s+any\s?more)?|found\s+it))"
)
# With a plea, thanks or a reason; "stop, use tabs" and "stop, it is the lexer" ask for something else.
_STOPPED = re.compile(
    r"\W*+(?:(?:please|ok|okay|hey|wait|sorry|actually)\W++|no(?:\s+no){0,3}\s?[^\w\s]\W*+)*"
    r"(?:you\W++can\W++|(?:can|could|would|will)\W++you\W++(?:please\W++)?)?"
    r"(?:never\s?mind\W++(?=stop|cancel))?(?:stop|cancel|abort|never\s?mind)(?:\W++stop)*(?:\s++(?:working|trying))?"
    rf"(?:\s++(?:on\s++)?(?:this|it|that|here|now|please)){{0,4}}(?:\W++{_ENDING}){{0,3}}\W*+",
    re.IGNORECASE,
)
_STATUS = re.compile(
    r"\W*+(?:any\s+(?:updates?|news|progress)|what'?s\s+the\s+status|status\s+update)(?:\s+(?:here|on\s+(?:this|it)))?\W*",
    re.IGNORECASE,
)
# A login has letters, digits and hyphens; one that an enterprise manages ends with _ and its short code.
_PERSON = re.compile(
    r"\W*+(?:please\W++)?(block|unblock|admit)\s+`?@?([a-z0-9][a-z0-9_-]{0,99}(?:\[bot\])?)`?"
    r"(?:\s+(?:please|now|here))?[\s.!]*",
    re.IGNORECASE,
)
_NUMBERED = re.compile(
    r"\W*+(?:please\W++)?(try|use)(?:\s+attempt)?\s+#?([0-9]{1,6})(?:\s+attempts)?(?:\s+(?:please|now))?[\s.!`]*",
    re.IGNORECASE,
)
_APPROVED = re.compile(
    r"\W*+(?:please\W++)?approve\s+`?([0-9a-f]{7,64})`?(?:\s+(?:please|now))?[\s.!]*", re.IGNORECASE
)
_AGAIN = ["try", "again"]
_REVIEW = re.compile(
    r"\W*+(?:(?:please|can|could|would|you|kindly|do|give|this|us|me|a)\W++)*(?:re-?)?re-?view\b",
    re.IGNORECASE,
)
_ASKED = r"\W*+(?:(?:hi|hey|and|so|but|also|please)\W++)?"
_WONDERS = re.compile(  # never a wish, whatever verbs follow
    rf"{_ASKED}(?:why|what|how|which|who|whose)\b(?!\s+(?:not|don'?t|about|if|would you)\b).*\?[\s.!)*_]*",
    re.IGNORECASE | re.DOTALL,
)
_QUESTION = re.compile(
    rf"{_ASKED}(?:(?:where|when|is|are|was|were|does|do|did|has|have|should)\b.*\?[\s.!)*_]*|explain\b.*"
    r"|tell\W+(?:me|us)\b.*)",
    re.IGNORECASE | re.DOTALL,
)
# About what is there, whatever its verb: "did you add tests?". "Should we use a set?" is a wish more often,
# and so is "did you forget to add it?".
_YES_OR_NO = re.compile(
    rf"{_ASKED}(?:was|were|does|did|has)\s+(?:it|this|that|there|the|we|i|you|he|she|they|these|those|an?|any|all|each|every"
    r"|both|some|(?:some|any|every)(?:one|body|thing)|no(?:body|thing)|your|my|our|its|his|her|their|code|tests?)\b"
    r"(?![^.!?,;:\n]*\bforg[eo]t)[^.!?,;:\n]*\?[\s)*_]*",
    re.IGNORECASE,
)
_PLEA = re.compile(r"\b(?:can|could|would|will)\s+you\b|\bplease\b", re.IGNORECASE)
_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`", re.DOTALL)
_MENDING = frozenset({
    "fix", "mend", "repair", "correct", "resolve", "solve", "change", "update", "add", "remove",
    "delete", "rename", "replace", "refactor", "implement", "apply", "revert", "rewrite",
    "rebase", "merge", "move", "drop", "improve", "adjust", "make", "use", "write", "create",
    "address", "handle",
})  # fmt: skip
_AROUND = frozenset({"please", "now", "it", "this", "that"})
_COURTESIES = frozenset(
    {"thanks", "thank", "thx", "ty", "great", "nice", "good", "awesome", "perfect", "cc", "fyi", "lgtm"}
)
_POLITE = _COURTESIES | {"you", "job", "work", "well", "done", "a", "lot", "so", "much", "very", "hi"}
_CHEERS = re.compile(  # what stands for thanks; a hand that points up asks for what stands above it
    r"(?:\+1|thumbsup|heart|tada|rocket|pray|100|clap|[:\s!\u2764\ufe0f\U0001f389\U0001f64f\U0001f680\U0001f44f"
    r"\U0001f44d\U0001f44c\U0001f604\U0001f642\U0001f4af\U0001f64c\u2705\U0001f3fb-\U0001f3ff])+"
)
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


def parse_commands(requests: Sequence[str]) -> ParsedCommand:
    """The command or request in one text. ``stop`` wins over all else; several requests become one."""
    commands = [_parse_command(request) for request in requests]
    if any(command and command.word is CommandWord.STOP for command in commands):
        return ParsedCommand(word=CommandWord.STOP)
    asked = [
        request
        for request, command in zip(requests, commands, strict=True)
        if command is None and not _is_courtesy(request)
    ]
    if asked:
        return ParsedCommand(request="\n\n".join(request for request in asked if request) or RESOLVE)
    return next(filter(None, commands), ParsedCommand())


def is_bare(request: str) -> bool:
    """Whether a request points at what it stands in ("please fix this") and says nothing by itself."""
    return request == RESOLVE or set(_split_words(request)) <= _BARE


def is_review(request: str) -> bool:
    """Whether a request is for a review ("review this, mind the locking") and nothing to be changed."""
    return _REVIEW.match(request) is not None and not _asks_for_change(request)


def is_question(request: str) -> bool:
    """Whether a request only asks ("why is it rounded twice?"); "can you fix it?" asks for work."""
    said = request.strip()
    if _WONDERS.fullmatch(said) and not (_PLEA.search(said) and _asks_for_change(said)):
        return True
    if _YES_OR_NO.fullmatch(_CODE.sub("code", said)) and not _PLEA.search(said):
        return True
    return _QUESTION.fullmatch(said) is not None and not _asks_for_change(said)


def _asks_for_change(request: str) -> bool:
    """Whether the text outside code asks for something to be changed."""
    return not _MENDING.isdisjoint(_split_words(_CODE.sub(" ", request)))


def _parse_command(request: str) -> ParsedCommand | None:
    if numbered := _NUMBERED.fullmatch(request):
        return ParsedCommand(word=CommandWord(numbered[1].lower()), number=int(numbered[2]))
    if approved := _APPROVED.fullmatch(request):
        return ParsedCommand(word=CommandWord.APPROVE, digest=approved[1].lower())
    person = _PERSON.fullmatch(request)
    if person and person[2].lower() not in _AROUND:
        return ParsedCommand(word=CommandWord(person[1].lower()), login=person[2])
    if _STOPPED.fullmatch(request):
        return ParsedCommand(word=CommandWord.STOP)
    if _STATUS.fullmatch(request):
        return ParsedCommand(word=CommandWord.STATUS)
    tokens = _split_words(request)
    words = [word for word in tokens if word not in _AROUND]
    word = CommandWord.RETRY if words == _AGAIN else _ALONE.get(words[0]) if len(words) == 1 else None
    if word is CommandWord.EXPLAIN and not _POINTING.isdisjoint(
        tokens
    ):  # "explain this" asks about what is there
        return None
    return ParsedCommand(word=word) if word else None


def _is_courtesy(request: str) -> bool:
    if _CHEERS.fullmatch(request):
        return True
    words = _split_words(request)
    return set(words) <= _POLITE and not _COURTESIES.isdisjoint(words)


def _split_words(request: str) -> list[str]:
    return re.findall(r"[^\W_]+", request.lower())
