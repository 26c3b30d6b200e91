"""Whatever a model writes is dead on GitHub's page: hostile Markdown, rendered by cmark-gfm and CommonMark.

cmark-gfm is GitHub's own renderer, so its HTML is looked at as GitHub's filters look at it: mentions and
closing keywords count in text outside code and links. ``make fuzz`` plays many more examples.
"""

from __future__ import annotations

import os
import re
from html.parser import HTMLParser

import cmarkgfm
import pytest
from cmarkgfm.cmark import Options
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from bot.run.messages.fold import fold_details
from bot.text.commit_text import defuse_plain_text
from bot.text.defuse import code_span, defuse, defuse_line, fence

EXAMPLES = int(os.environ.get("HOB_FUZZ_EXAMPLES", "100"))
MENTION = re.compile(r"(?:^|[^A-Za-z0-9])@stranger", re.IGNORECASE)
CLOSES = re.compile(
    r"(?<![a-z0-9])(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?):?\s+(?:[\w.-]+/[\w.-]+)?(?:#[0-9]|GH-[0-9]|https?://\S+/issues/[0-9])",
    re.IGNORECASE,
)
COMMAND = re.compile(r"^(?:/merge|bors r|@?dependabot m)", re.MULTILINE)
TRAILER = re.compile(
    r"^(?:(?:[a-z0-9]+-)+(?:as|by|task)[ \t]*:|[\s|*]*breaking[ -]change)", re.MULTILINE | re.IGNORECASE
)
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
EXTENSIONS = ["table", "autolink", "strikethrough", "tasklist"]
OPTIONS = Options.CMARK_OPT_UNSAFE | Options.CMARK_OPT_FOOTNOTES | Options.CMARK_OPT_GITHUB_PRE_LANG


class _Page(HTMLParser):
    """The page's text outside code and links, its tags, and each link with what it shows."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.text, self.tags, self.links = "", [], []
        self._quiet = 0
        self._link = ""
        self._shown = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag == "a":
            self._link, self._shown = dict(attrs).get("href") or "", ""
        if tag in ("code", "pre", "a"):
            self._quiet += 1
        elif tag in ("p", "li", "td", "th", "tr", "h1", "h2", "blockquote", "br", "hr"):
            self.text += "\n"

    def handle_endtag(self, tag: str) -> None:
        if tag == "a":
            self.links.append((self._link, self._shown))
        if tag in ("code", "pre", "a"):
            self._quiet -= 1
            self.text += "\x01"  # another node of the document

    def handle_data(self, data: str) -> None:
        self._shown += data
        if not self._quiet:
            self.text += data


ALLOWED_TAGS = frozenset(
    [
        "p",
        "a",
        "code",
        "pre",
        "em",
        "strong",
        "del",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "ul",
        "ol",
        "li",
        "blockquote",
        "hr",
        "br",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "input",
    ]
)


def _render_as_github(markdown: str) -> str:
    return cmarkgfm.cmark.markdown_to_html_with_extensions(markdown, OPTIONS, EXTENSIONS)


def _render_as_commonmark(markdown: str) -> str:
    return MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(markdown)


def assert_dead(markdown: str, *, own: frozenset[str] = frozenset()) -> None:
    """Nothing in it does anything on either page."""
    for html in (_render_as_github(markdown), _render_as_commonmark(markdown)):
        page = _Page(html)
        assert "img" not in page.tags, html
        assert set(page.tags) <= ALLOWED_TAGS | own, html
        assert not MENTION.search(page.text), html
        assert not CLOSES.search(page.text), html
        for link, shown in page.links:
            bare = re.sub(r"^(?:mailto:|xmpp:|http://)?", "", link.replace("%60", "`"))
            assert _squash(bare) in _squash(shown) or not bare.strip(), html
    assert not COMMAND.search(markdown)
    assert "[skip ci]" not in markdown
    assert not TRAILER.search(markdown)
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\u202a-\u202e\u2028]", markdown)


def _squash(address: str) -> str:
    """An address without what a renderer writes in another way."""
    return re.sub(r"%[0-9A-Fa-f]{2}|[^\w./]", "", address, flags=re.ASCII).lower()


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(HOSTILE)
@example('See https://ok.example/`<img src="https://evil.example/?d=1">`')
@example("http://e` @stranger fixes maintainer/other#1 `")
@example("/merge\\@stranger")
@example("fixes \\#1")
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
        page = _Page(_render_as_github(markdown))
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
