"""The sentences of a comment that could be a rule: what people want done, or not, whatever it is about."""

from __future__ import annotations

import re
from collections.abc import Iterator

from markdown_it.token import Token

from bot.guest.index.words import stem
from bot.injection.score import score_text
from bot.learn.meaning import read_meaning
from bot.text.gfm import make_gfm_parser
from bot.text.invisible import remove_invisible_text

MOST_READ = 4_000  # characters of a comment
MOST_SENTENCES = 5  # of a comment that are kept
LONGEST = 200  # characters of a sentence; a longer one is not taken for a rule
LEAST_WORDS = 2  # that say something

_markdown = make_gfm_parser(inline=True)
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z`\"'(])|\n+")
_MENTION = re.compile(r"(?<![\w`])@[\w-]{1,39}(?:\[bot\])?[,:]?")
_ADDRESS = re.compile(r"://|\bwww\.|\bmailto:", re.IGNORECASE)
_LEAD = re.compile(
    r"(?:(?:please|pls|nit|minor|also|but|and|so|again|hm+|thanks|thank you|ok|okay|no)\b[\s,.:;!-]*|"
    r"[-*+>•#\s]+|\d{1,2}[.)]\s+)+",
    re.IGNORECASE,
)
# What says that something is wanted. Statements ("this is wrong") are left out.
_WANTS = re.compile(
    r"\b(?:use|using|prefer|avoid|never|always|do not|don['’]t|should|shouldn['’]t|must|mustn['’]t|"
    r"instead of|rather than|keep|name|write|put|add|call|make|return|raise|remove|drop|rename|move|sort|"
    r"document|test|check|log|catch|import|needs?|want|has to|have to|let['’]s|no|not|without)\b",
    re.IGNORECASE,
)
_PLEA = re.compile(r"(?:can|could|would|will|shall|should)\s+(?:you|we)\s+(?:please\s+)?", re.IGNORECASE)
_GENERAL = re.compile(r"\b(?:always|never|every|each|all|any|whenever)\b", re.IGNORECASE)
# Words of requests about one pull request alone: these by themselves make no rule.
_ABOUT_ONE = """
fix fixed test tests failing fails fail check checks ci lint linter build pass passing passes red green review
rebase merge conflict conflicts pull request pr branch change changes commit commits update add remove revert
again issue bug error problem code look done work works try close reopen main master release here there
nothing something need want use good nice thank thanks great approve approved
"""
_ONCE = frozenset(map(stem, _ABOUT_ONE.split()))


def find_sentences(text: str) -> list[str]:
    """What of a comment could be a rule, as plain text on one line each, at most ``MOST_SENTENCES``.

    Left out are quotations, code blocks, what readers do not see, what has an address in it, questions, and
    what reads like orders to an agent.
    """
    seen, _ = remove_invisible_text(text[:MOST_READ])
    found: dict[str, None] = {}
    for paragraph in _list_paragraphs(_markdown.parse(seen)):
        for sentence in _SENTENCE_END.split(paragraph):
            line = " ".join(_MENTION.sub(" ", sentence).split())
            line = line[lead.end() :].strip() if (lead := _LEAD.match(line)) else line
            if line.endswith("?") and (plea := _PLEA.match(line)):
                line = line[plea.end() :].strip(" ?")
            if could_be_rule(line):
                found.setdefault(line)
    return list(found)[:MOST_SENTENCES]


def could_be_rule(line: str) -> bool:
    """Whether a sentence asks for something that could be asked for again elsewhere."""
    if not line or len(line) > LONGEST or _ADDRESS.search(line) or not _WANTS.search(line):
        return False
    if line.endswith("?"):
        return False
    meaning = read_meaning(line)
    words = meaning.said | meaning.denied
    if len(words) < LEAST_WORDS or (words <= _ONCE and not _GENERAL.search(line)):
        return False
    return score_text(line, "") is None


def _list_paragraphs(tokens: list[Token]) -> Iterator[str]:
    """The running text of each paragraph, code within it in backticks; no quotations, headings, tables."""
    quoted = 0
    for token in tokens:
        quoted += {"blockquote_open": 1, "blockquote_close": -1}.get(token.type, 0)
        if token.type == "inline" and not quoted:
            yield "".join(map(_render, token.children or []))


def _render(token: Token) -> str:
    if token.type == "code_inline":
        return f"`{token.content}`" if "`" not in token.content else token.content
    if token.type in ("softbreak", "hardbreak"):
        return " "
    return token.content if token.type == "text" else ""
