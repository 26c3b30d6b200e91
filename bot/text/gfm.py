"""A Markdown parser that finds blocks as GitHub does: a fence comes before a table, a footnote holds blocks.

markdown-it tries tables first: three backticks and ``a | b`` over ``-|-`` are a table for it, where
cmark-gfm sees code. It knows no footnotes either: what belongs to one by its indent is code for it.
"""

from __future__ import annotations

import re

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock, table
from markdown_it.token import Token

# A footnote's definition, whatever it stands in. cmark-gfm's scanner bounds no label.
FOOTNOTE = re.compile(r"^[\s>*+\-0-9.)]*\[\^(?P<label>[^\]\s]++)\]:")
_BEGINNING = re.compile(r"^([\s>*+\-0-9.)]*)\[\^[^\]\s]++\]:[ \t]*")

MOST_CELLS = 65_536  # of one table; the same bound as in markdown-it's JavaScript, for rows that it fills up


def make_gfm_parser(*, inline: bool) -> MarkdownIt:
    """CommonMark with tables and, where ``inline`` markup is parsed at all, strikethrough."""
    parser = MarkdownIt("commonmark")
    parser.block.ruler.before("lheading", "gfm_table", _take_table, {"alt": ["paragraph", "reference"]})
    return parser.enable("strikethrough") if inline else parser.disable("inline")


def parse_blocks(text: str) -> list[Token]:
    """The blocks of a text, by its lines as ``text.split`` gives them; what is inline is not looked into.

    A footnote is read as an item of a list, which holds what is indented by four, as a footnote does.
    """
    if "[^" in text:
        text = "\n".join(map(_show_as_item, text.split("\n")))
    return _blocks.parse(text)


def _show_as_item(line: str) -> str:
    found = _BEGINNING.match(line)
    return line if found is None else f"{found[1]}1)  {line[found.end() :] or '-'}"


def _take_table(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """markdown-it's rule, for tables of a size: two short lines can ask for millions of empty cells."""
    if start + 1 < end:
        columns = state.src.count("|", state.bMarks[start + 1], state.eMarks[start + 1]) + 1
        if columns * (end - start) > MOST_CELLS:
            return False
    return table(state, start, end, silent)


_blocks = make_gfm_parser(inline=False)
