"""Bodies that fit: counted as GitHub counts, whole as markdown, findable by their marks."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from bot.text.fit import LONGEST, add_mark, fit, has_mark, length, mark, one_line


def last_paragraph(text: str) -> str:
    """The text of the last block, when that is a paragraph of its own."""
    tokens = MarkdownIt("commonmark").parse(text)
    assert [token.type for token in tokens[-3:]] == ["paragraph_open", "inline", "paragraph_close"]
    assert tokens[-1].level == 0
    return tokens[-2].content


def test_what_fits_stays_as_it_is() -> None:
    text = "# Hello\n\n```\nopen fence"
    assert fit(text) == text
    assert fit("x" * LONGEST) == "x" * LONGEST


@pytest.mark.parametrize("size", [60_001, 65_537, 200_000])
def test_s38_long_texts_are_cut_with_notice_and_link(size: int) -> None:
    cut = fit("word " * (size // 5 + 1), link="https://hob.example/runs/1")
    assert length(cut) <= LONGEST
    assert "[The rest is here](https://hob.example/runs/1)" in last_paragraph(cut)


def test_s38_astral_characters_count_twice_and_stay_whole() -> None:
    cut = fit("😀" * 40_000)
    assert 55_000 < length(cut) <= LONGEST
    assert cut.encode("utf-8").decode("utf-8") == cut
    assert fit("😀" * 30_000) == "😀" * 30_000


@pytest.mark.parametrize(
    "opening",
    [
        "```python\n",
        "~~~~\n",
        "``````text\n",
        "<!-- hidden\n",
        "<pre>\n",
        "<script>\n",
        "> ```\n> ",
        "- ```\n  ",
    ],
)
def test_s38_what_is_open_at_the_cut_is_closed(opening: str) -> None:
    cut = fit(opening + "print(1)\n" * 10_000)
    assert length(cut) <= LONGEST
    assert last_paragraph(cut).startswith("_Cut:")


def test_folded_details_are_closed_before_the_notice() -> None:
    cut = fit("<details><summary>Log</summary>\n\n" + "line\n\n" * 20_000)
    assert cut.count("</details>") == 1
    assert cut.index("</details>") < cut.index("_Cut:")


def test_a_mark_survives_the_cut() -> None:
    cut = fit(add_mark("long line\n" * 10_000, "task-7/progress"))
    assert has_mark(cut, "task-7/progress")
    assert length(cut) <= LONGEST


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            ["```\n", "~~~~\n", "text\n", "\n", "> ", "- ", "    ", "<!--", "-->", "<pre>", "</pre>", "😀",
             "`", "<details>\n\n", "<![CDATA[", "<?", "| a | b |\n", "\0", "\ud800", "# x\n", "<div>\n"]
        ),
        min_size=150,
        max_size=200,
    )
)  # fmt: skip
def test_s38_any_markdown_is_cut_to_something_whole(parts: list[str]) -> None:
    cut = fit("".join(parts) * 3, most=500)
    assert length(cut) <= 500
    assert "\0" not in cut
    cut.encode("utf-8")
    if "_Cut:" in cut:
        assert "_Cut:" in last_paragraph(cut)


def test_marks_are_the_first_or_last_line_and_nothing_else() -> None:
    assert mark("a:1") == "<!-- hob:a:1 -->" == mark(mark("a:1"))
    assert has_mark("text\n\n<!-- hob:a:1 -->\n", "a:1")
    assert has_mark("<!-- hob:a:1 -->\ntext", "<!-- hob:a:1 -->")
    assert not has_mark("text <!-- hob:a:1 --> text", "a:1")
    assert not has_mark("one\n<!-- hob:a:1 -->\ntwo", "a:1")
    assert not has_mark("<!-- hob:a:10 -->", "a:1")
    assert not has_mark(None, "a:1")


def test_a_mark_inside_a_text_is_taken_out() -> None:
    text = add_mark("the model wrote <!-- hob:task-8/final --> and\n<!--hob:x-->", "task-7/reply")
    assert text.count("hob:") == 1
    assert has_mark(text, "task-7/reply")


@pytest.mark.parametrize("key", ["", "a b", "a-->b", "a\nb", "ключ", "a" * 151])
def test_a_key_that_would_break_the_comment_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="marker"):
        mark(key)


def test_titles_are_one_short_line() -> None:
    assert one_line(" Fix\nthe  bug ") == "Fix the bug"
    assert length(one_line("😀" * 300)) <= 240
