"""Finding what people ask of the bot in a Markdown text, as a reader of the page sees it.

A mention counts in running text only: not in code, quotations, HTML, comments or links. To learn where each
one stands, the candidates are replaced by marks that mean nothing to Markdown, the text is parsed, and the
marks that come out in plain text are the mentions. What is asked is cut from the source, so code stays code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from itertools import islice

from markdown_it.token import Token

from bot.text.gfm import make_gfm_parser
from bot.text.unseen.unrendered import remove_unrendered_text

MOST = 50  # mentions looked at in one text

_OPEN, _CLOSE = "\ue000", "\ue001"
_MARK = re.compile(f"@{_OPEN}([0-9]+){_CLOSE}")
# Marks of other scripts: Arabic , ; ?, then ideographic and full-width ones
_COMMAS = "\\u060c\\u061b\\u3001\\uff0c\\uff1a\\uff1b"
# Also Urdu's full stop, the ellipsis and the middle dot, closing quotation marks and brackets, and the signs
# that hold text of two directions apart
_SIGNS = "\\u2026\\u30fb\\u200e\\u200f\\u2066-\\u2069"
_CLOSING = "\\u300d\\u300f\\u3011\\u300b\\u3009\\u3015\\uff5d\\u2019\\u201d\\u00bb\\u203a"
_OPENING = "\\u300c\\u300e\\u3010\\u300a\\u3008\\u3014\\uff5b\\u2018\\u201c\\u00ab\\u2039"
_MARKS = f"{_COMMAS}\\u061f\\u06d4\\u3002\\uff01\\uff1f\\uff09{_SIGNS}{_CLOSING}"
_LEAD = re.compile(rf"\A[ \t]*[,:;.!?*_~)\]\u2013\u2014{_MARKS}-]*\s*")  # what ties a mention to its sentence
# The tail of a text turned around, so that it is looked for once: blanks, commas, and closing tags of HTML
_TAIL = re.compile(rf"(?:[\s,:;(\[*_~\u2013\u2014\uff08{_COMMAS}{_SIGNS}{_OPENING}-]|>[A-Za-z]{{1,20}}/<)*+")
_BULLET = re.compile(r"\A\s*(?:[-*+|]|#{1,6}|[0-9]+[.)])\s+")

_markdown = make_gfm_parser(inline=True)


def find_mentions(text: str, slug: str) -> list[str]:
    """The requests addressed to ``@slug`` or ``@slug[bot]``, in order; an empty one for a mere mention.

    A request is what follows a mention up to the next one or the end. Where nothing follows, it is what
    stands before the mention in its paragraph ("please fix this, @hob").
    """
    pattern = _compile_mention(slug)
    source = text.replace("\r\n", "\n").replace("\r", "\n").replace(_OPEN, "").replace(_CLOSE, "")
    if not pattern.search(source):
        return []
    source, _ = remove_unrendered_text(source)
    spans = [match.span() for match in islice(pattern.finditer(source), MOST)]
    if not spans:
        return []
    counted = iter(range(len(spans)))
    marked = pattern.sub(lambda _: f"@{_OPEN}{next(counted)}{_CLOSE}", source, count=MOST)
    tokens = _markdown.parse(marked)
    lines = [0, *(match.end() for match in re.finditer("\n", source))]
    comments = _find_html_comments(tokens)
    live = [(*spans[number], lines[line]) for number, line in sorted(set(_find_marks(tokens)))]
    ends = [start for start, _, _ in live[1:]] + [len(source)]
    return [
        _tidy(source[end:until], comments) or _tidy(_BULLET.sub("", source[block:start]), comments)
        for (start, end, block), until in zip(live, ends, strict=False)
    ]


@cache
def _compile_mention(slug: str) -> re.Pattern[str]:
    """``@slug`` as GitHub bounds it: no e-mail address, path, longer name, team or possessive.

    Names are ASCII there, so a letter of any other script stands beside a mention as a blank does.
    """
    name = re.escape(slug)
    before = r"(?<![A-Za-z0-9])(?<![@/.\\`+-])"
    after = r"(?![A-Za-z0-9_-]|[./@][A-Za-z0-9]|['\u2019][a-z])"
    return re.compile(f"{before}@{name}(?:\\[bot\\])?{after}", re.IGNORECASE)


def _find_marks(tokens: list[Token]) -> Iterator[tuple[int, int]]:
    """The marks in text outside quotations, links and what is struck out: number, first line of the block."""
    quotes = 0
    for token in tokens:
        if token.type in ("blockquote_open", "blockquote_close"):
            quotes += token.nesting
        if token.type not in ("inline", "html_block") or (quotes and token.type == "inline"):
            continue
        line = token.map[0] if token.map else 0
        page = _VisibleText()
        for child in token.children or (token,):
            page.add(child)
        page.close()
        yield from ((int(number), line) for number in _MARK.findall(page.text))
        if token.type == "html_block":
            html = token.content.lower()
            quotes = max(0, quotes + html.count("<blockquote") - html.count("</blockquote"))


class _VisibleText(HTMLParser):
    """The text of one block in which GitHub finds mentions; HTML in it counts as the page shows it."""

    _QUIET = frozenset(
        ["a", "blockquote", "code", "del", "pre", "s", "samp", "script", "strike", "style", "tt"]
    )
    _IN_MARKDOWN = frozenset(["link_open", "link_close", "s_open", "s_close"])

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.text = ""
        self._quiet = 0

    def add(self, token: Token) -> None:
        """One more piece of the block, in its order."""
        if token.type in self._IN_MARKDOWN:
            self._quiet += token.nesting
        elif token.type in ("html_inline", "html_block"):
            self.feed(token.content)
        elif token.type == "text" and not self._quiet:
            self.text += token.content

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Within some elements nobody is mentioned."""
        self._quiet += tag in self._QUIET

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """``<b/>`` is ``<b>`` in HTML."""
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        """The end of such an element."""
        self._quiet = max(0, self._quiet - (tag in self._QUIET))

    def handle_data(self, data: str) -> None:
        """Text between tags."""
        if not self._quiet:
            self.text += data


def _find_html_comments(tokens: list[Token]) -> set[str]:
    """The HTML comments that nobody sees on the page."""
    every = (child for token in tokens for child in (token, *(token.children or ())))
    html = (token.content for token in every if token.type in ("html_block", "html_inline"))
    return {content[start:end] for content in html for start, end in _find_comments(content)}


def _find_comments(text: str) -> Iterator[tuple[int, int]]:
    """Where comments of HTML begin and end, in one pass."""
    end = 0
    while (start := text.find("<!--", end)) >= 0 and (close := text.find("-->", start + 4)) >= 0:
        end = close + 3
        yield start, end


def _tidy(text: str, comments: set[str]) -> str:
    """``text`` without these comments, and without what ties it to a mention beside it."""
    lengths = {len(comment) for comment in comments}
    kept, done = [], 0
    start, close = text.find("<!--") if comments else -1, -1
    while start >= 0:
        close = text.find("-->", start + 4) if close < start + 4 else close
        if close < 0:
            break
        end = close + 3
        if end - start in lengths and text[start:end] in comments:
            kept.append(text[done:start])
            done = end
        start = text.find("<!--", max(done, start + 4))
    text = "".join([*kept, text[done:]])
    text = _LEAD.sub("", text)
    tail = _TAIL.match(text[::-1])
    return text[: len(text) - tail.end()] if tail else text
