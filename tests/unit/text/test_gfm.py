"""The Markdown parser: a small text cannot ask for a large result."""

from __future__ import annotations

import time

import pytest

from bot.inbox.mentions import find_mentions
from bot.text.gfm import make_gfm_parser
from bot.text.invisible import remove_invisible_text

HUGE = "|a" * 2000 + "|\n" + "|-" * 2000 + "|\n" + "|a\n" * 10_000


@pytest.mark.parametrize("inline", [True, False])
def test_a_table_with_millions_of_empty_cells_is_none(inline: bool) -> None:
    began = time.process_time()
    tokens = make_gfm_parser(inline=inline).parse(HUGE)
    assert time.process_time() - began < 5
    assert not any(token.type == "table_open" for token in tokens)


def test_an_ordinary_table_is_one() -> None:
    text = "| a | b |\n|---|---|\n" + "| 1 | 2 |\n" * 500
    assert any(token.type == "table_open" for token in make_gfm_parser(inline=False).parse(text))


def test_who_reads_texts_is_not_held_up_by_such_a_table() -> None:
    began = time.process_time()
    assert find_mentions(f"@hob fix this\n\n{HUGE}", "hob")
    remove_invisible_text(f"<b>\n\n{HUGE[:20_000]}")
    assert time.process_time() - began < 10
