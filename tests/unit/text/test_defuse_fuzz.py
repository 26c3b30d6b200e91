"""Whatever a model writes is dead on GitHub's page: hostile Markdown, rendered by cmark-gfm and CommonMark.

cmark-gfm is GitHub's own renderer, so its HTML is looked at as GitHub's filters look at it: mentions and
closing keywords count in text outside code and links. ``make fuzz`` plays many more examples.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bot.run.messages.fold import fold_details
from bot.text.commit_text import defuse_plain_text
from bot.text.defuse import code_span, defuse, defuse_line, fence
from tests.support.page import CLOSES, MENTION, TRAILER, Page, assert_dead, render_as_github

EXAMPLES = int(os.environ.get("HOB_FUZZ_EXAMPLES", "100"))
ATOMS = (
    *("@stranger", "\\@stranger", "&#64;stranger", "@STRANGER/team", "a@stranger", "x@stranger.example"),
    *("fixes ", "Closes: ", "re\\solves ", "fi**x**es ", "#1", "o/r#2", "GH-3", "\\#4", "GH\\-5"),
    *("http://e", "https://e.example/x", "https://x/o/r/issues/6", "www.e.example", "ftp://f", "HTTP://E"),
    *("mailto:a@stranger", "xmpp:a@stranger/b", "://", "http:", "//e", "www.", ".example", "/issues/7"),
    *("`", "``", "```", "````", "` ", " `", "~~~", "~~", "**", "_", "*", "\\", "\\\\", "&", "&amp;", "&lt;"),
    *(
        "<",
        ">",
        "<img src=https://evil.example/x>",
        "<b title='",
        "'>",
        "<!--",
        "-->",
        "</details>",
        "<x@y.z>",
    ),
    *(
        "<https://evil.example>",
        "![",
        "](https://evil.example)",
        "[a]",
        "[a]: https://evil.example",
        "]",
        "(",
    ),
    *(
        "[^1]",
        "[^1]: ",
        "|",
        "\n| a | b |\n|---|---|\n| ",
        "\n:-\n",
        "\n- | -\n",
        " | ",
        "\\|",
        "---",
        "\n===\n",
    ),
    *("\n", "\n\n", "\r", "\t", "    ", " ", "\u00a0", "\u2028", "\x0b", "\x0c", "\x1c", "\x1b[31m", "\x00"),
    *(
        "\n- ",
        "\n> ",
        "\n1. ",
        "\n```py\n",
        "\n```\n",
        "\n   ```\n",
        "\n~~~\n",
        "\n# ",
        "\u202e",
        "请",
        "ก",
        "ß",
    ),
    *(
        "/merge",
        "\n/merge",
        "bors r+",
        "dependabot merge",
        "Release-As: 9",
        "BREAKING CHANGE: x",
        "[skip ci]",
    ),
    *(
        "\nHob-Task: 1",
        "\n* BREAKING-CHANGE x",
        "Co-authored-by: S <a@stranger>",
        "x",
        "é",
        "\U000e0041",
        "\ud800",
    ),
    *("$", "`$", "$`", ".", ",", ":", ";", "!", "?", "-", "+", "=", "/", "@", "#", "1", "[x](y)", "- [ ] "),
)
HOSTILE = st.lists(st.sampled_from(ATOMS) | st.text(max_size=3), min_size=1, max_size=14).map("".join)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(HOSTILE)
@example('See https://ok.example/`<img src="https://evil.example/?d=1">`')
@example("http://e` @stranger fixes maintainer/other#1 `")
@example("/merge\\@stranger")
@example("fixes \\#1")
@example("@stranger~~~fixes #1")
@example("a*~~fi**x**es #1")
@example("fixes GH\\-5x@stranger.example\n# ")
@example("x\\_re~~sol~~ved: o/r#2")
@example("请fixes #1")
@example("http://e\\<img src=https://evil.example/x>")
@example("http://e\u00a0`x` @stranger `")
@example("[ http://e/@stranger")
def test_hostile_text_is_dead_wherever_it_stands(text: str) -> None:
    assert_dead(defuse(text))
    assert_dead(f"- [ ] **{defuse_line(text)}** …\n- [x] {defuse_line(text)}")
    details = frozenset(["details", "summary"])
    assert_dead(fold_details("Last lines", fence(text)) + f"\n\n{defuse(text)}", own=details)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(HOSTILE)
@example("a\\")
@example("`a` | b")
def test_a_name_in_code_is_shown_as_it_is(text: str) -> None:
    for markdown in (
        f"see {code_span(text)} @",
        f"| a | b |\n|---|---|\n| {code_span(text, cell=True)} | @ |",
        f"- {code_span(text)} modified @",
    ):
        assert_dead(markdown)
        page = Page(render_as_github(markdown))
        assert "@" in page.text
        assert page.tags.count("code") == 1
        if "td" in page.tags:
            assert page.tags.count("td") == 2


def test_what_nobody_could_see_in_a_name_is_written_out() -> None:
    assert code_span(".github/work\u200cflows/\u202etxt.py") == r"`.github/work\u200cflows/\u202etxt.py`"
    assert code_span("修复/क्षि é 👩🏽.py") == "`修复/क्षि é 👩🏽.py`"


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(HOSTILE)
def test_a_commit_message_closes_nothing_and_bears_no_trailer_of_the_models(text: str) -> None:
    plain = defuse_plain_text(text)
    assert not MENTION.search(plain)
    assert not CLOSES.search(plain)
    assert not TRAILER.search(plain)
    assert "[skip ci]" not in plain


@pytest.mark.parametrize(
    "text",
    [
        "Keep #1, **kwargs and `a`",
        "Use `a | b` or `x<y`",
        "1 < 2 && 3 > 2",
        "see https://e.example/a?b=1&c=2.",
        "请修复 `x`",
    ],
)
def test_ordinary_text_is_not_changed(text: str) -> None:
    assert defuse(text) == text
    assert defuse_plain_text(text) == text
