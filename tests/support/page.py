"""What a text does on GitHub's page: its HTML by cmark-gfm, looked at as GitHub's filters look at it.

Mentions and closing keywords count in text outside code and links. CommonMark's own renderer is asked too.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser

import cmarkgfm
from cmarkgfm.cmark import Options
from markdown_it import MarkdownIt

MENTION = re.compile(r"(?:^|[^A-Za-z0-9])@stranger", re.IGNORECASE)
CLOSES = re.compile(
    r"(?<![a-z0-9])(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?):?\s+(?:[\w.-]+/[\w.-]+)?(?:#[0-9]|GH-[0-9]|https?://\S+/issues/[0-9])",
    re.IGNORECASE,
)
COMMAND = re.compile(r"^(?:/merge|bors r|@?dependabot m)", re.MULTILINE)
TRAILER = re.compile(
    r"^(?:(?:[a-z0-9]+-)+(?:as|by|task)[ \t]*:|[\s|*]*breaking[ -]change)", re.MULTILINE | re.IGNORECASE
)
EXTENSIONS = ["table", "autolink", "strikethrough", "tasklist"]
OPTIONS = Options.CMARK_OPT_UNSAFE | Options.CMARK_OPT_FOOTNOTES | Options.CMARK_OPT_GITHUB_PRE_LANG


class Page(HTMLParser):
    """The page's text outside code and links, its tags, and each link with what it shows."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.text = ""
        self.tags: list[str] = []
        self.links: list[tuple[str, str]] = []
        self._quiet = 0
        self._link = self._shown = ""
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
        *(
            "p",
            "a",
            "code",
            "pre",
            "em",
            "strong",
            "del",
            "s",
            "h1",
            "h2",
            "h3",
            "h4",
            "h5",
            "h6",
            "ul",
            "ol",
            "li",
        ),
        *("ul", "ol", "li", "blockquote", "hr", "br", "table", "thead", "tbody", "tr", "th", "td", "input"),
    ]
)


def render_as_github(markdown: str) -> str:
    """The HTML of a comment, by GitHub's own renderer."""
    return cmarkgfm.cmark.markdown_to_html_with_extensions(markdown, OPTIONS, EXTENSIONS)


def _render_as_commonmark(markdown: str) -> str:
    return MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(markdown)


def assert_dead(markdown: str, *, own: frozenset[str] = frozenset()) -> None:
    """Nothing in it does anything on either page."""
    for html in (render_as_github(markdown), _render_as_commonmark(markdown)):
        page = Page(html)
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
