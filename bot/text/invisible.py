"""Take out text that renders as nothing, so that the agent reads what a person sees; say what it was.

Removed are HTML comments and their like, attributes of tags (titles, alternative texts, data), titles of
links, links without a text, long alternative texts of images, link reference definitions that nothing refers
to, what is not rendered at all (``bot.text.unseen.unrendered``), and characters without a glyph: zero-width,
bidirectional controls (CVE-2021-42574), the Unicode tag block, as entities too. What stands in code is shown
as it stands, so only invisible characters are taken out of it. Where it is not sure that something is shown,
it is taken out.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from markdown_it.token import Token

from bot.text.gfm import parse_blocks
from bot.text.unseen.rendered import UNSEEN, mark_unseen_words, remove_marked_words, remove_unseen_words
from bot.text.unseen.unrendered import remove_unrendered_text

MOST_CHARS = 100_000  # of one text; GitHub takes 65,536 characters in a body
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0e\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff]+"
)
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,40});")

_COMMENT, _OTHER = r"<!--", r"<\?|<!\[CDATA\[|<![A-Za-z]"
_ENDS = {"<!--": "-->", "<?": "?>", "<![CDATA[": "]]>", "<!": ">"}
_VALUE = r"[^\s\"'=<>`]{1,5000}|'[^']{0,5000}'|\"[^\"]{0,5000}\""
_ATTRIBUTE = rf"(?<!\s)\s++(?P<name>[A-Za-z_:][\w.:-]*)(?:\s*=\s*(?P<value>{_VALUE}))?"
_BARE = re.sub(r"\?P<\w+>", "?:", _ATTRIBUTE)
_TAG = rf"<(?P<tag>[A-Za-z][A-Za-z0-9-]*)(?P<attributes>(?:{_BARE}){{0,60}})(?P<end>\s*/?>)"
_SPAN = r"(?<!`)(?P<ticks>`++)[^\n]*?(?<!`)(?P=ticks)(?!`)"
_TITLED = (
    r"\]\([ \t]*+(?P<to><[^<>\n]{0,2000}>|[^\s<>()]{0,2000})\s++"
    r"(?P<title>\"[^\"]{0,2000}\"|'[^']{0,2000}'|\([^()]{0,2000}\))\s*\)"
)
_IMAGE = r"!\[(?P<alt>[^\[\]]{0,2000})\](?=[(\[])"
_EMPTY_LINK = r"(?<!!)(?P<empty>\[(?:\s|\u2800|&nbsp;|&emsp;|&ensp;|&thinsp;){0,100}\]\([^()\n]{0,2000}\))"
_IN_HTML = re.compile(f"(?P<opens>{_COMMENT}|{_OTHER})|{_TAG}")
_IN_PROSE = re.compile(
    rf"\\[!-/:-@\[-`{{-~]|{_SPAN}|(?P<opens>{_COMMENT}|{_OTHER})|{_TAG}|{_TITLED}|{_IMAGE}|{_EMPTY_LINK}"
)
_ATTRIBUTES = re.compile(_ATTRIBUTE)
_PLAIN = re.compile(r"[\w.%#:/?=&+~,@-]{0,200}", re.ASCII)  # an address, a size, a name: no sentence
_SEEN = frozenset(  # attributes that show on the page or lead somewhere; what others hold is not shown
    [
        "href",
        "src",
        "width",
        "height",
        "align",
        "valign",
        "colspan",
        "rowspan",
        "open",
        "start",
        "dir",
        "type",
    ]
)
# Elements whose content browsers do not show, or of which it is not sure that GitHub lets it through.
_UNSEEN_ELEMENTS = frozenset(
    [
        *("rp", "template", "datalist", "select", "noscript", "object", "video", "audio", "canvas", "svg"),
        *("math", "head", "dialog", "map", "portal"),
    ]
)
# Letters too small to be read, and links without a text.
_TINY = re.compile(r"(?:<(?:sub|sup|small)>\s{0,20}){4,}+[^<]{0,5000}", re.IGNORECASE)
_EMPTY_ANCHOR = re.compile(r"<a\s[^<>]{0,2000}>(?:\s|&nbsp;|\u2800){0,100}</a>", re.IGNORECASE)
_SHORT_ALT = re.compile(r"[\w.-]{0,30}(?: [\w.-]{1,15}){0,2}")
_DEFINITION = re.compile(r"^[\s>*+\-0-9.)]*\[(?P<label>[^\[\]\n]{1,999})\]:[ \t]*(?P<to>\S+)")
_MARKERS = re.compile(r"[\s>*+\-0-9.)#=|:]*")
_COVERING = ("inline", "fence", "code_block", "html_block", "hr", "table_open", "heading_open")


class _MarkdownPart(NamedTuple):
    """Lines of one kind: prose, html, code, or unseen."""

    kind: str
    text: str


def write_out_invisible(text: str) -> str:
    r"""``text`` with each character that has no glyph written out, such as ``\u200c``."""
    return _INVISIBLE.sub(lambda found: "".join(ascii(char)[1:-1] for char in found[0]), text)


def remove_invisible_text(text: str) -> tuple[str, tuple[str, ...]]:
    """The text without its invisible parts, and what was removed, for a maintainer to read.

    Only MOST_CHARS of it are read, so that no text costs more than a few seconds; the rest is removed too.
    """
    removed: list[str] = []
    if len(text) > MOST_CHARS:
        removed.append(f"what follows the first {MOST_CHARS} characters of a text of {len(text)}")
        text = text[:MOST_CHARS]

    def take(match: re.Match[str]) -> str:
        removed.append(_describe_characters(match.group()))
        return ""

    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = _INVISIBLE.sub(take, _ENTITY.sub(_decode_entity, text))
    text, unrendered = remove_unrendered_text(mark_unseen_words(text))
    removed += unrendered
    if any(sign in text for sign in ("<", "](", "]:", "![")):
        parts = list(_split_parts(text))
        rest = "\n".join(part.text for part in parts if part.kind != "unseen").casefold()
        kept = [_clean_part(part, rest, removed) for part in parts]
        text = "\n".join(part for part in kept if part is not None)
    text, marked = remove_marked_words(text)
    text, unseen = remove_unseen_words(text)
    named = (one.replace(UNSEEN, "") for one in [*removed, *marked, *unseen])
    return text, tuple(one for one in named if one)


def _decode_entity(match: re.Match[str]) -> str:
    """An entity that stands for an invisible character, as that character; every other as it is."""
    meant = html.unescape(match.group())
    return meant if _INVISIBLE.fullmatch(meant) else match.group()


def _split_parts(text: str) -> Iterator[_MarkdownPart]:
    """The text's lines, grouped by what Markdown takes them for."""
    lines = text.split("\n")
    kinds = ["" if not line.strip() or _MARKERS.fullmatch(line) else "unseen" for line in lines]
    # Blocks decide what is code. Inline markup is looked at here: a hostile text can cost seconds there.
    for token in parse_blocks(text):
        if token.map and token.type in _COVERING:
            for number in range(token.map[0], min(token.map[1], len(lines))):
                kinds[number] = _name_kind(token)
    start = 0
    for at in range(1, len(lines) + 1):
        if at == len(lines) or kinds[at] != kinds[start]:
            yield _MarkdownPart(kinds[start], "\n".join(lines[start:at]))
            start = at


def _name_kind(token: Token) -> str:
    return {"fence": "code", "code_block": "code", "html_block": "html"}.get(token.type, "prose")


def _clean_part(part: _MarkdownPart, rest: str, removed: list[str]) -> str | None:
    """A part as it is seen; None when no line of it is left."""
    if part.kind in ("", "code"):
        return part.text
    if part.kind == "unseen":
        return "\n".join(_filter_definitions(part.text.split("\n"), rest, removed)) or None
    for unseen in (_TINY, _EMPTY_ANCHOR):
        removed += [_shorten(found) for found in unseen.findall(part.text)]
        part = part._replace(text=unseen.sub("", part.text))
    pieces, at = [], 0
    pattern = _IN_HTML if part.kind == "html" else _IN_PROSE
    while match := pattern.search(part.text, at):
        kept, at_next = _clean_construct(match, part, removed)
        pieces += [part.text[at : match.start()], kept]
        at = at_next
    return "".join([*pieces, part.text[at:]])


def _clean_construct(match: re.Match[str], part: _MarkdownPart, removed: list[str]) -> tuple[str, int]:
    """The visible part of one construct, and where the text after it begins."""
    found = match.groupdict()
    if opens := found["opens"]:
        ends = next(end for start, end in _ENDS.items() if opens.startswith(start))
        close = part.text.find(ends, match.end())
        if close < 0 and part.kind != "html":
            return opens, match.end()  # left open in a paragraph, it is text
        until = len(part.text) if close < 0 else close + len(ends)
        removed.append(_shorten(part.text[match.start() : until]))
        return "", until
    if (found["tag"] or "").lower() in _UNSEEN_ELEMENTS:
        closing = re.compile(rf"</{found['tag']}", re.IGNORECASE).search(part.text, match.end())
        until = closing.start() if closing else len(part.text)
        removed.append(_shorten(part.text[match.start() : until]))
        return "", until
    if found["tag"]:
        kept = "".join(_filter_attributes(found["attributes"] or "", removed))
        return f"<{found['tag']}{kept}{found['end']}", match.end()
    if found.get("title"):
        removed.append(_shorten(found["title"]))
        return f"]({found['to']})", match.end()
    if found.get("empty"):
        removed.append(_shorten(found["empty"]))
        return "", match.end()
    alt = found.get("alt")
    if alt is not None and not _SHORT_ALT.fullmatch(alt):
        removed.append(_shorten(alt))
        return "![image]", match.end()
    return match.group(), match.end()


def _filter_attributes(text: str, removed: list[str]) -> Iterator[str]:
    """The attributes that can hold no sentence; the others are added to ``removed``."""
    for match in _ATTRIBUTES.finditer(text):
        value = (match["value"] or "").strip("\"'")
        name = match["name"].lower()
        if (name in _SEEN and _PLAIN.fullmatch(value)) or (name == "alt" and _SHORT_ALT.fullmatch(value)):
            yield match.group()
        else:
            removed.append(_shorten(f"{match['name']}={match['value']}"))


def _filter_definitions(lines: Iterable[str], rest: str, removed: list[str]) -> Iterator[str]:
    """Link reference definitions: those that are used, without their titles."""
    for line in lines:
        found = _DEFINITION.match(line)
        if found and f"[{found['label'].casefold()}]" in rest and _PLAIN.fullmatch(found["to"].strip("<>")):
            yield found.group()
            line = line[found.end() :]
        removed.append(_shorten(line))


def _shorten(text: str) -> str:
    return text.strip()[:500]


def _describe_characters(characters: str) -> str:
    """Characters without a glyph by their code points, and what they spell."""
    spelled = "".join(chr(ord(c) - 0xE0000) for c in characters if 0xE0020 <= ord(c) <= 0xE007E)
    points = " ".join(f"U+{ord(c):04X}" for c in characters[:20])
    return f"{points} ({spelled!r})" if spelled else points
