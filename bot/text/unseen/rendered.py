"""Take out what GitHub's own renderer drops, whatever the construct: marked words are looked for on the page.

``bot.text.unseen.unrendered`` knows the constructs and names them well; this is the net below it, for nests
of them. cmark-gfm decides, so nothing here has to know Markdown.
"""

from __future__ import annotations

import re

from cmarkgfm.cmark import Options, markdown_to_html_with_extensions

_OPTIONS = Options.CMARK_OPT_UNSAFE | Options.CMARK_OPT_FOOTNOTES
_EXTENSIONS = ("table", "autolink", "strikethrough", "tasklist")
# A word that a mark can follow without being read as another construct. What is in brackets may be a label.
_WORD = re.compile(
    r"\[(?!\^)[^\[\]\n]{0,2000}\](?:\([^()\n]{0,2000}\)|:[ \t]{0,20}\S{0,2000})?|\[\^[^\[\]\n]{0,2000}\]"
    r"|<(?!!--)[^<>\n]{0,2000}>"
    r"|(?<![^\s|>])(?P<word>[^\W\d_][^\s|<>\[\]()`&*_~$\\\"']{0,200})(?=[\s|<]|$)"
)
_FIRST = 0xE000  # ten characters for private use are the digits of a mark, two its ends; none has a glyph
_DIGITS = {ord("0") + value: _FIRST + value for value in range(10)}
_VALUES = {mark: digit for digit, mark in _DIGITS.items()}
_MOST_ROUNDS = 4
_BEGIN, _END = "\ue00a", "\ue00b"
UNSEEN = "\ue00c"
_PRIVATE = re.compile("[\ue000-\ue00c]")
_MARKED = re.compile(rf"(?<![^\s|<>{UNSEEN}])[^\s|<>{UNSEEN}]*+{UNSEEN}")
_MARK = re.compile(f"{_BEGIN}([\ue000-\ue009]{{1,7}}){_END}")
_TAG = re.compile(r"<[^<>]*>")


def mark_unseen_words(text: str) -> str:
    """The text with a mark after each word that is on no page; it is no letter and ends no construct."""
    if not text.isascii():
        text = _PRIVATE.sub("\ufffd", text)
    words = _list_words(text)
    shown = _find_shown(text, words)
    pieces, at = [], 0
    for match in (match for number, match in enumerate(words) if number not in shown):
        pieces += [text[at : match.end()], UNSEEN]
        at = match.end()
    return "".join([*pieces, text[at:]])


def remove_marked_words(text: str) -> tuple[str, list[str]]:
    """The text without the words that ``mark_unseen_words`` marked, and those, line by line."""
    if UNSEEN not in text:
        return text, []
    lines = [_MARKED.findall(line) for line in text.split("\n") if UNSEEN in line]
    return _MARKED.sub("", text), [" ".join(words).replace(UNSEEN, "")[:500] for words in lines]


def remove_unseen_words(text: str) -> tuple[str, list[str]]:
    """Both, repeated until nothing changes: what remains after a removal may form another construct."""
    removed: list[str] = []
    for _ in range(_MOST_ROUNDS):
        text, unseen = remove_marked_words(mark_unseen_words(text))
        if not unseen:
            break
        removed += unseen
    return text, removed


def _list_words(text: str) -> list[re.Match[str]]:
    return [match for match in _WORD.finditer(text) if match["word"]]


def _find_shown(text: str, words: list[re.Match[str]]) -> set[int]:
    if not words:
        return set()
    pieces, at = [], 0
    for number, match in enumerate(words):
        pieces += [text[at : match.end()], _BEGIN, str(number).translate(_DIGITS), _END]
        at = match.end()
    html = markdown_to_html_with_extensions("".join([*pieces, text[at:]]), _OPTIONS, _EXTENSIONS)
    return {int(found.translate(_VALUES)) for found in _MARK.findall(_TAG.sub(" ", html))}
