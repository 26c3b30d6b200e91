"""Texts that fit GitHub: cut where they are too long, still whole as Markdown, with a marker to be found by.

GitHub takes 65,536 characters in a body and answers 422 to more; some of its pages failed well below, so
60,000 is the bound here. Characters are counted as UTF-16 units, the larger of the counts in use.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from markdown_it import MarkdownIt
from markdown_it.token import Token

LONGEST = 60_000
LONGEST_TITLE = 240
MARK = re.compile(r"<!--[ \t]*hob:[^>\n]{0,200}-->")
# What ends each construct that can swallow the rest of a document; tried in this order.
CLOSERS = ("\n-->", "\n</pre>", "\n</script>", "\n</style>", "\n</textarea>", "\n?>", "\n]]>", "\n>")

# Blocks decide what swallows what; leaving inline markup out keeps hostile texts from costing seconds.
_blocks = MarkdownIt("commonmark").disable("inline")


def mark(key: str) -> str:
    """The hidden marker for ``key``; a marker given as such comes back as it is."""
    if MARK.fullmatch(key):
        return key
    if not re.fullmatch(r"[\w.:/#@=-]{1,150}", key, re.ASCII):
        raise ValueError(f"not a key for a marker: {key!r}")
    return f"<!-- hob:{key} -->"


def add_mark(text: str, key: str) -> str:
    """``text`` with this marker as its last line, and without any other that somebody put into it."""
    return f"{MARK.sub('', text).rstrip()}\n\n{mark(key)}"


def has_mark(body: str | None, key: str) -> bool:
    """Whether a body carries the marker where only Hob's own code puts one: as its first or last line."""
    lines = (body or "").strip().splitlines()
    return bool(lines) and mark(key) in (lines[0].strip(), lines[-1].strip())


def length(text: str) -> int:
    """A text's length as GitHub counts it, in UTF-16 units: an astral character counts twice."""
    return len(text) + sum(1 for char in text if char > "\uffff")


def one_line(text: str) -> str:
    """One line of at most ``LONGEST_TITLE`` characters."""
    line = " ".join(text.split())
    return line if length(line) <= LONGEST_TITLE else _take_units(line, LONGEST_TITLE - 1).rstrip() + "…"


def fit(text: str, *, most: int = LONGEST, link: str = "") -> str:
    """``text``, or as much of it as fits with a notice (and where the rest is); never an open code fence.

    A marker on the last line survives the cut. NUL, which GitHub refuses, becomes U+FFFD, and so does a
    lone surrogate, which is no text at all.
    """
    text = text.replace("\0", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if length(text) <= most:
        return text
    lines = text.rstrip().splitlines()
    last = lines[-1].strip() if lines else ""
    tail = f"\n\n{last}" if MARK.fullmatch(last) else ""
    where = f" [The rest is here]({link})." if link else ""
    notice = f"_Cut: this was {length(text):,} characters long, more than GitHub takes._{where}"
    room = most - length(notice) - length(tail) - 300  # 300 for what closes open blocks
    head = _take_units(text, max(0, room))
    if (newline := head.rfind("\n")) > len(head) * 3 // 4:
        head = head[:newline]
    return f"{_close_blocks(head, notice)}\n\n{notice}{tail}"


def _take_units(text: str, most: int) -> str:
    """The first ``most`` UTF-16 units, whole characters only."""
    return text.encode("utf-16-le")[: 2 * most].decode("utf-16-le", "ignore")


def _close_blocks(head: str, notice: str) -> str:
    """``head`` with its open blocks closed, so that the notice after it is a paragraph of its own."""
    for closer in _list_closers(head):
        closed = head + closer
        after = _blocks.parse(f"{closed}\n\n{notice}")
        if _ends_with_paragraph(after, notice):
            return closed + "\n\n</details>" * min(_open_details(after), 10)
    return "_This text cannot be shown: it leaves a block open that nothing closes._"


def _list_closers(head: str) -> Iterator[str]:
    yield ""
    yield from (f"\n{last.markup[:100]}" for last in _blocks.parse(head)[-1:] if last.type == "fence")
    yield from CLOSERS


def _ends_with_paragraph(tokens: list[Token], text: str) -> bool:
    if len(tokens) < 3 or tokens[-1].type != "paragraph_close" or tokens[-1].level != 0:
        return False
    return tokens[-2].content == text


def _open_details(tokens: list[Token]) -> int:
    text = "\n".join(token.content for token in tokens if token.type in ("html_block", "inline")).lower()
    return max(0, len(re.findall(r"<details\b", text)) - text.count("</details"))
