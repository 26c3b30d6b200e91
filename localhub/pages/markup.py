"""Markdown as GitHub shows it, safe to put on a page.

CommonMark with tables, strikethrough, task lists, hard line breaks and links for bare addresses, ``@login``,
``#7`` and commits. Raw HTML goes through nh3 with about the tags that GitHub keeps; images become links, as
the pages load nothing from elsewhere, and HTML comments (where bots hide their markers) are not shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from markupsafe import Markup

TAGS = set(
    """
    a b blockquote br code dd del details div dl dt em h1 h2 h3 h4 h5 h6 hr i input ins kbd li ol p pre q s
    samp span strike strong sub summary sup table tbody td tfoot th thead tr tt ul var
    """.split()  # noqa: SIM905 - sixty strings would be less readable
)
ATTRIBUTES = {
    "a": {"href", "title"},
    "code": {"class"},
    "details": {"open"},
    "input": {"checked"},
    "li": {"class"},
    "ol": {"start"},
    "td": {"align", "colspan", "rowspan"},
    "th": {"align", "colspan", "rowspan"},
    "ul": {"class"},
}
SCHEMES = {"http", "https", "mailto"}
CLASSES = re.compile(r"language-[\w+#.-]+|task")

REFERENCE = re.compile(
    r"(?P<address>https?://[^\s<>\"']*[^\s<>\"'.,;:!?)\]}*_~])"
    r"|(?<![\w/.@`])@(?P<login>[A-Za-z0-9](?:[A-Za-z0-9-]{0,37}[A-Za-z0-9])?)(?![\w@/])"
    r"|(?<![\w/#&])#(?P<number>[1-9]\d{0,8})(?!\w)"
    r"|(?<![\w/.@-])(?P<commit>(?=[a-f]*\d)[0-9a-f]{12,40})(?![\w-])"
)
TASK = re.compile(r"\[([ xX])\]\s+")


def render(text: str | None, *, repo_path: str = "") -> Markup:
    """The HTML of a comment; ``repo_path`` (``/owner/name``) is where ``#7`` leads, else it stays text."""
    html = MARKDOWN.render(text or "", {"repo_path": repo_path})
    safe = nh3.clean(
        html,
        tags=TAGS,
        attributes=ATTRIBUTES,
        attribute_filter=_filter_attribute,
        set_tag_attribute_values={"input": {"type": "checkbox", "disabled": ""}},
        url_schemes=SCHEMES,
        link_rel="nofollow noopener",
    )
    return Markup(safe)  # noqa: S704 - what nh3 lets through


def _filter_attribute(tag: str, attribute: str, value: str) -> str | None:
    if attribute == "class" and not CLASSES.fullmatch(value):
        return None
    return value


def _references(state: StateCore) -> None:
    """Links for bare addresses, people and issues in text that is not inside a link already."""
    for token in state.tokens:
        if token.type != "inline" or token.children is None:
            continue
        children: list[Token] = []
        depth = 0
        for child in token.children:
            depth += {"link_open": 1, "link_close": -1}.get(child.type, 0)
            if child.type == "text" and not depth:
                children.extend(_link_references(child.content, state.env.get("repo_path", "")))
            else:
                children.append(child)
        token.children = children


def _link_references(text: str, repo_path: str) -> Iterator[Token]:
    end = 0
    for match in REFERENCE.finditer(text):
        target = _target(match, repo_path)
        if target is None:
            continue
        yield Token("text", "", 0, content=text[end : match.start()])
        yield Token("link_open", "a", 1, attrs={"href": target})
        shown = match.group()[:7] if match["commit"] else match.group()
        yield Token("text", "", 0, content=shown)
        yield Token("link_close", "a", -1)
        end = match.end()
    yield Token("text", "", 0, content=text[end:])


def _target(match: re.Match[str], repo_path: str) -> str | None:
    if match["address"]:
        return match["address"]
    if match["login"]:
        return f"/{match['login']}"
    if not repo_path:
        return None
    return (
        f"{repo_path}/commit/{match['commit']}"
        if match["commit"]
        else f"{repo_path}/issues/{match['number']}"
    )


def _task_lists(state: StateCore) -> None:
    """``- [ ]`` and ``- [x]`` at the start of a list's item become boxes that nobody can tick."""
    for index, token in enumerate(state.tokens[2:], start=2):
        item = state.tokens[index - 2]
        if token.type != "inline" or item.type != "list_item_open" or not token.children:
            continue
        first = token.children[0]
        match = TASK.match(first.content) if first.type == "text" else None
        if match is None:
            continue
        first.content = first.content[match.end() :]
        checked: dict[str, str | int | float] = {} if match[1] == " " else {"checked": ""}
        box = Token("task_box", "input", 0, attrs=checked)
        token.children.insert(0, box)
        item.attrSet("class", "task")


def _task_box(
    self: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    return f"<input{self.renderAttrs(tokens[index])}> "


def _cell(self: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
    """Alignment as an attribute: the pages allow no style attributes."""
    token = tokens[index]
    style = token.attrs.pop("style", None)
    if isinstance(style, str):
        token.attrSet("align", style.removeprefix("text-align:"))
    return self.renderToken(tokens, index, options, env)


def _image(
    self: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    token = tokens[index]
    alt = self.renderInlineAsText(token.children, options, env) or "image"
    link: Any = Token("link_open", "a", 1, attrs={"href": token.attrGet("src") or ""})
    return f"<a{self.renderAttrs(link)}>{_escape(alt)}</a>"


def _escape(text: str) -> str:
    return str(Markup.escape(text))


def _markdown() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": True, "breaks": True}).enable(["table", "strikethrough"])
    parser.core.ruler.push("references", _references)
    parser.core.ruler.push("task_lists", _task_lists)
    parser.add_render_rule("task_box", _task_box)
    parser.add_render_rule("th_open", _cell)
    parser.add_render_rule("td_open", _cell)
    parser.add_render_rule("image", _image)
    return parser


MARKDOWN = _markdown()
