"""Make text from a model or a repository harmless on GitHub: no link, mention or command in it works.

What is code stays code, but only where every reading of Markdown agrees that it is: a fence that begins in
the first column, or a span that opens and closes on one line. All other backticks become entities, so no text
can end a span that is put around a mention here. GitHub finds mentions and references after rendering
(https://github.github.com/gfm/), so entities, backslashes and HTML in prose are shown as they were written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

# A mention up to its end, with any other that is glued to it: cut in two, the rest would be one of its own.
_MENTION = r"(?<![A-Za-z0-9\\])\\*(?P<mention>@[A-Za-z0-9](?:[\w./@-]*\w)?)"
_COMMAND = r"^(?P<space>[ \t]*)(?P<command>(?:/[a-z]|bors\b|dependabot\b)[\w./@-]*)"
_REFERENCE = r"(?P<reference>https?://[^\s`]{0,400}?/(?:issues|pull)/[0-9][^\s`]*|(?:(?<![\w.-])[\w.-]{1,100}/[\w.-]{1,100})?#[0-9]+|\bGH-[0-9]+)"
_FLAGS = re.MULTILINE | re.IGNORECASE
_LIVE = re.compile(f"{_COMMAND}|{_MENTION}", _FLAGS)
_LIVE_OR_REFERENCE = re.compile(f"{_COMMAND}|{_REFERENCE}|{_MENTION}", _FLAGS)
_CLOSER = re.compile(r"\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?)\b", re.IGNORECASE)

_SPAN = re.compile(r"(?<![\\`])(`+)(?!`)[^|\n]*?[^`|\n]\1(?!`)")  # a table's cell ends at |, code or not
_FENCE = re.compile(r"(`{3,})[ \t]*([\w+#.-]*)[^`]*")
_ORDER = re.compile(r"^(?=/[a-z]|bors\b|@?dependabot\b)", _FLAGS)

_ISSUE_URL = re.compile(r"https?://(?=\S{0,400}?/(?:issues|pull)/[0-9])", re.IGNORECASE)
_SKIP = re.compile(r"\[((?:skip|no) ?(?:ci|actions)|(?:ci|actions) skip)\]", re.IGNORECASE)
_SIGNED = re.compile(r"^([ \t]*[\w-]+-(?:by|checks))[ \t]*:", _FLAGS)

# What ends a code span or a table's cell, or is not shown as it stands: controls, bidirectional ones too.
_UNFIT = re.compile(r"[`|<>\s\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")

_MARKUP = frozenset("@#`<>[]()*_~|\\!&")


def defuse(text: str) -> str:
    """Markdown without effect: no mention, closer, image, hidden link, HTML or command outside code.

    A fence that is left open is closed, so that what comes after it is seen.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return "\n".join(_render_block(lines, fence) for lines, fence in _split_blocks(text))


def defuse_line(text: str) -> str:
    """``defuse`` for text within a line, where no fence can begin; line breaks become blanks."""
    return _defuse_prose(" ".join(text.split()))


def defuse_plain_text(text: str) -> str:
    """``defuse`` for what is no Markdown: titles and commit messages, where GitHub knows no code."""
    text = _SIGNED.sub(r"\1 -", _SKIP.sub(r"(\1)", text.replace("\r", "\n")))
    text = re.sub(r"(?<![A-Za-z0-9])@(?=[A-Za-z0-9])", "@ ", text)
    if _CLOSER.search(text):
        text = re.sub(r"#(?=[0-9])", "", _ISSUE_URL.sub("", text))
        text = re.sub(r"\bGH-(?=[0-9])", "GH ", text, flags=re.IGNORECASE)
    return text


def strip_markup(text: str, *, keep: str = "") -> str:
    """``text`` with a blank for each character of Markdown but those in ``keep``."""
    return "".join(" " if char in _MARKUP and char not in keep else char for char in text)


def table_cell(text: str) -> str:
    """Text that stays inside a code span of a table's cell, and looks like what it is."""
    return _UNFIT.sub(" ", text).strip()[:300]


def fence(text: str, language: str = "") -> str:
    """A code block whose fence is longer than any run of backticks in the text."""
    longest = max((len(run) for run in re.findall(r"`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{language}\n{_ORDER.sub(' ', text.rstrip())}\n{fence}"


def _split_blocks(text: str) -> Iterator[tuple[list[str], str]]:
    """Runs of lines with the fence they stand in, '' for prose; the fences' own lines are not among them."""
    lines: list[str] = []
    opening = ""
    for line in text.split("\n"):
        begins = _FENCE.fullmatch(line)
        if opening and re.fullmatch(rf" {{0,3}}`{{{opening.count('`')},}}[ \t]*", line):
            yield lines, opening
            lines, opening = [], ""
        elif not opening and begins:
            if lines:
                yield lines, ""
            lines, opening = [], begins[1] + begins[2]
        else:
            lines.append(line)
    if lines or opening:
        yield lines, opening


def _render_block(lines: list[str], fence: str) -> str:
    text = "\n".join(lines)
    if not fence:
        return _defuse_prose(text)
    return "\n".join([fence, *([_ORDER.sub(" ", text)] if lines else []), "`" * fence.count("`")])


def _defuse_prose(text: str) -> str:
    live = _LIVE_OR_REFERENCE if _CLOSER.search(text) else _LIVE
    defused, at = "", 0
    for span in _SPAN.finditer(text):
        defused = _join(_join(defused, _defuse_running_text(text[at : span.start()], live)), span.group())
        at = span.end()
    return _join(defused, _defuse_running_text(text[at:], live))


def _defuse_running_text(text: str, live: re.Pattern[str]) -> str:
    """Running text without any code: whatever is put into backticks here is the only code in it."""
    text = re.sub(r"&(?=#?\w+;)", "&amp;", text)
    text = re.sub(r"<(?=[A-Za-z/!?])", "&lt;", text)
    text = re.sub(r"\\?`", "&#96;", text)
    text = re.sub(r"~{3,}", lambda run: "&#126;" * len(run.group()), text)
    text = text.replace("![", r"!\[").replace("](", "] (").replace("]:", "] :")
    return live.sub(_render_code, text).replace("``", "` `")


def _render_code(match: re.Match[str]) -> str:
    found = match.groupdict()
    said = found["command"] or found.get("reference") or found["mention"]
    return f"{found['space'] or ''}`{said}`"


def _join(left: str, right: str) -> str:
    """Two pieces in a row, with a blank between where their backticks would run together."""
    return f"{left} {right}" if left.endswith("`") and right.startswith("`") else left + right
