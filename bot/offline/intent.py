"""What a request wants of an engine that can do six things. In doubt it wants a fault fixed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from bot.domain import Brief, TaskKind


class Intent(StrEnum):
    """The things this engine does, and what is beyond them."""

    MEND = "mend"
    ASK = "ask"
    RENAME = "rename"
    LINT = "lint"
    SUGGESTION = "suggestion"
    REVIEW = "review"
    BEYOND = "beyond"


@dataclass(frozen=True, slots=True, kw_only=True)
class Renaming:
    """The old name (dotted where the request gave an owner), the new one, and whether more was asked."""

    old: str
    new: str
    more: bool


_CODE = re.compile(r"```.*?(?:```|\Z)", re.S)
_QUOTE = re.compile(r"^[ \t]*>.*$", re.M)
_QUESTION = re.compile(r"^\W*+(how|what|why|where|when|which|who|is|are|does|do)\b.*\?\W*$", re.I | re.S)
_TASK = re.compile(
    r"\b(fix|mend|repair|correct|make|add|implement|change|rename|remove|update|refactor)\b", re.I
)
_KIND = r"(?:function|method|class|variable|constant|parameter|argument|attribute|field|name|symbol)"
_OLD, _NEW = r"[`'\"]?([A-Za-z_][\w.]*)(?:\(\))?[`'\"]?", r"[`'\"]?([A-Za-z_]\w*)(?:\(\))?[`'\"]?"
_RENAME = re.compile(
    rf"\b(?:rename|change the name of)\s++(?:the\s++)?(?:{_KIND}\s++)?{_OLD}(?:\s++{_KIND})?"
    rf"(?:\s++(?:in|from)\s++\S++)?\s*+(?:\bto\b|\binto\b|\bas\b|->|=>|→)\s*(?:the\s+)?{_NEW}",
    re.I,
)
_LINT = re.compile(
    r"\b(lint(er|ing|s)?|ruff|black|isort|flake8|eslint|prettier|(?:code )?formatter|"
    r"code (?:style|format(?:ting)?))\b",
    re.I,
)
_LINT_VERB = re.compile(r"\b(fix|mend|run|apply|clean|satisfy|make|reformat|format|resolve|please)\b", re.I)
_TESTS = re.compile(r"\b(tests?|bugs?|crash\w*|exception|traceback)\b", re.I)
_FAULT = re.compile(
    r"\b(fix\w*|mend\w*|repair\w*|correct\w*|incorrect\w*|bugs?|buggy|fault\w*|broken?|breaks?|fail\w*|"
    r"errors?|wrong\w*|crash\w*|exceptions?|traceback|regress\w*|missing|instead of|expected|doesn'?t work|"
    r"does not work|resolve|solve|debug|off[- ]by[- ]one|should (?:return|give|be|raise|not)|pass(?:es)?)\b",
    re.I,
)
_FEATURE = re.compile(
    r"^\W*+(?:(?:please|kindly|can you|could you|would you|i want(?: you)? to|i'?d like(?: you)? to|"
    r"we need to|let'?s|hey|hi|also|now)\b[\s,:]*+)*"
    r"(?:feature(?: request)?\b|write|add|implement|create|support|introduce|document|translate|refactor|"
    r"upgrade|bump|migrate|port|generate|improve|optimi[sz]e|speed up|compose|draft|design|explain|review|"
    r"summari[sz]e|build|set ?up|configure|deploy|release|publish|allow|enable|extend|moderni[sz]e|tell|draw|"
    r"sing)\b",
    re.I,
)
_SUBJECT = re.compile(
    r"^\W*+[\w.]++(?:\(|`|\s++(?:returns?|gives?|is|was|raises?|throws?|yields?|produces?|fails|crashes|has|does|"
    r"should|drops?|ignores?|loses?|prints?|shows?|counts|takes|keeps|leaves|skips|calls|treats|accepts|refuses|"
    r"rejects|forgets|misses|removes|overwrites|changes|stops|hangs|swallows|puts|makes|sorts|doesn't|isn't|won't|"
    r"can't|cannot|never|always|no longer)\b)",
    re.I,
)
_PLAY = re.compile(r"\b(poem|haiku|limerick|joke|song|story|essay|sonnet|recipe)s?\b", re.I)
_PROSE = re.compile(
    r"\b(?:update|change|fix|improve|write|rewrite|translate|correct|edit|extend|add|polish)\b"
    r"(?:\s++[\w`'./-]++){0,4}?\s++(?:`?readme(?:\.\w+)?`?|docs?|documentation|changelog|docstrings?|comments?|"
    r"spelling|wording|grammar|typos?)\b",
    re.I,
)


def read_intent(brief: Brief) -> Intent:
    """Which of them. A bare mention is judged by the thread's title, and is a fault to mend in doubt."""
    if brief.kind.produces_only_text:
        return Intent.REVIEW if brief.kind is TaskKind.REVIEW else Intent.ASK
    if "```suggestion" in brief.request:
        return Intent.SUGGESTION
    said = strip_quotes(brief.request)
    if _QUESTION.match(said) and not _TASK.search(said):
        return Intent.ASK
    if find_renaming(brief) is not None or re.match(r"^\W*(please\s+)?rename\b", said, re.I):
        return Intent.RENAME
    if _LINT.search(said) and _LINT_VERB.search(said) and not _TESTS.search(said):
        return Intent.LINT
    return (
        Intent.BEYOND
        if _is_beyond(said if _is_specific(said) else strip_quotes(brief.title))
        else Intent.MEND
    )


def strip_quotes(text: str) -> str:
    """The text without code blocks, quoted lines and mentions."""
    text = _QUOTE.sub(" ", _CODE.sub(" ", text))
    return re.sub(r"(?<!\w)@[\w-]+", " ", text).strip()


def find_renaming(brief: Brief) -> Renaming | None:
    """The two names, when the request gives them."""
    said = strip_quotes(brief.request)
    found = _RENAME.search(said)
    if found is None:
        return None
    rest = said[found.end() :].strip(" .!\n")
    more = bool(re.match(r"(,\s*)?(and|then|also)\b", rest, re.I))
    return Renaming(old=found.group(1).rstrip("."), new=found.group(2), more=more)


def begins_like_a_feature(said: str) -> bool:
    """Whether it asks for something new; "Add(2, 3) returns -1" and "add returns" do not."""
    return bool(_FEATURE.match(said)) and not _SUBJECT.match(said)


def names_a_fault(said: str) -> bool:
    """Whether it speaks of something that is wrong."""
    return bool(_FAULT.search(said))


def _is_specific(said: str) -> bool:
    """Whether the request says what it wants by itself."""
    wants = _FEATURE.search(said) or _FAULT.search(said) or _PLAY.search(said) or _PROSE.search(said)
    return bool(wants) or len(said.split()) > 6


def _is_beyond(said: str) -> bool:
    """Whether it plainly is no fault to mend."""
    if _PROSE.search(said) and not _TESTS.search(said):
        return True
    return begins_like_a_feature(said) and bool(_PLAY.search(said) or not names_a_fault(said))
