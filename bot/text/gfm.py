"""A Markdown parser that finds blocks in GitHub's order: a fence comes before a table.

markdown-it tries tables first: three backticks and ``a | b`` over ``-|-`` are a table for it, where
cmark-gfm sees code.
"""

from __future__ import annotations

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock, table

MOST_CELLS = 65_536  # of one table; the same bound as in markdown-it's JavaScript, for rows that it fills up


def make_gfm_parser(*, inline: bool) -> MarkdownIt:
    """CommonMark with tables and, where ``inline`` markup is parsed at all, strikethrough."""
    parser = MarkdownIt("commonmark")
    parser.block.ruler.before("lheading", "gfm_table", _take_table, {"alt": ["paragraph", "reference"]})
    return parser.enable("strikethrough") if inline else parser.disable("inline")


def _take_table(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """markdown-it's rule, for tables of a size: two short lines can ask for millions of empty cells."""
    if start + 1 < end:
        columns = state.src.count("|", state.bMarks[start + 1], state.eMarks[start + 1]) + 1
        if columns * (end - start) > MOST_CELLS:
            return False
    return table(state, start, end, silent)
