"""A Markdown parser that finds blocks in GitHub's order: a fence comes before a table.

markdown-it tries tables first: three backticks and ``a | b`` over ``-|-`` are a table for it, where
cmark-gfm sees code.
"""

from __future__ import annotations

from markdown_it import MarkdownIt
from markdown_it.rules_block import table


def make_gfm_parser(*, inline: bool) -> MarkdownIt:
    """CommonMark with tables and, where ``inline`` markup is parsed at all, strikethrough."""
    parser = MarkdownIt("commonmark")
    parser.block.ruler.before("lheading", "gfm_table", table, {"alt": ["paragraph", "reference"]})
    return parser.enable("strikethrough") if inline else parser.disable("inline")
