"""Make text from a model or a repository harmless on GitHub: no link, mention or command in it works.

What is code stays code, but only where every reading of Markdown agrees that it is: a fence that begins in
the first column, or a span that opens and closes on one line and does not follow a bare address, which GitHub
reads up to the next blank, backticks included. All other backticks become entities, so no text can end a span
that is put around a mention here. GitHub finds mentions and references after rendering
(https://github.github.com/gfm/), so entities, backslashes and HTML in prose are shown as they were written.
A description may become the message of a squashed commit, so lines that tools read there are broken too.
``tests/unit/text/test_defuse_fuzz.py`` holds all of this against cmark-gfm.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from bot.text.invisible import write_out_invisible
from bot.text.terminal import show_controls

# ASCII: what ends an address for cmark-gfm; Unicode's other blanks do not.
_BLANK = r" \t\n\v\f\r"
_URL = rf"(?P<url>(?:(?:https?|ftp)://|\bwww\.)[^{_BLANK}<`|]+)"
_COMMAND = r"^(?P<space>[^\S\n]*)(?P<command>(?:/[a-z]|bors\b|dependabot\b)[\w./-]*)"
# An address of mail, whole: cmark-gfm makes a link of it, and nobody is mentioned.
_MAIL = r"(?<![^\s(])(?P<mail>[A-Za-z0-9.+-]{0,64}[A-Za-z0-9]@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+(?![\w@/.-]))"
# A mention up to its end, with any other that is glued to it: cut in two, the rest would be one of its own.
_MENTION = r"(?P<mention>@[A-Za-z0-9](?:[\w./@-]*\w)?)"
_REFERENCE = r"(?P<reference>(?<![\w./-])[\w./-]{1,140}#[0-9]+|(?<!&)#[0-9]+|(?<![A-Za-z0-9])GH-[0-9]+)"
_FLAGS = re.MULTILINE | re.IGNORECASE
_LIVE = re.compile(f"{_COMMAND}|{_URL}|{_MAIL}|{_MENTION}", _FLAGS)
_LIVE_OR_REFERENCE = re.compile(f"{_COMMAND}|{_URL}|{_REFERENCE}|{_MAIL}|{_MENTION}", _FLAGS)
# In ASCII, as GitHub bounds words: a letter of another script before it does not hide it. Marks of emphasis
# may stand between its letters, and may be shown or not.
_MARKS = r"[*_~\\]*+"
_CLOSER = re.compile(
    rf"(?<![A-Za-z0-9])(?:{'|'.join(map(_MARKS.join, ('close', 'fix', 'resolve')))})"
    rf"(?:{_MARKS}e)?(?:{_MARKS}[sd])?(?![A-Za-z0-9])",
    re.IGNORECASE,
)
_IN_URL = re.compile(r"://|www\.", re.IGNORECASE)

# A table's cell ends at |, code or not; where there is no table, a span may hold one.
_SPAN_IN_TABLE = re.compile(r"(?<![\\`])(`+)(?!`)[^|\n]*?[^`|\n]\1(?!`)")
_SPAN = re.compile(r"(?<![\\`])(`+)(?!`)[^\n]*?[^`\n]\1(?!`)")
_TABLE = re.compile(r"^(?=[ \t>*+|:0-9.)]*+-)[ \t>*+\-|:0-9.)]*+$", re.MULTILINE)
_FENCE = re.compile(r"(`{3,})[ \t]*([\w+#.-]*)[^`]*")
_DRAWN = frozenset(["mermaid", "geojson", "topojson", "stl", "math"])  # GitHub shows these as pictures
_ORDER = re.compile(r"^(?=/[a-z]|bors\b|@?dependabot\b)", _FLAGS)

_ISSUE_URL = re.compile(r"/(?:issues|pull)/[0-9]", re.IGNORECASE)
_SKIP = re.compile(r"\[((?:skip|no) ?(?:ci|actions)|(?:ci|actions) skip)\]", re.IGNORECASE)
# What git and release tools read at a line's beginning in a commit's message
_TRAILER = re.compile(
    r"^([ \t]*[a-z0-9]+(?:-[a-z0-9]+)*-(?:as|by|checks|for|id|in|run|task|to|url|with))(?=[ \t]*:)", _FLAGS
)
_BREAKING = re.compile(r"^((?:[^\S\n]|[|*])*+BREAKING)[ -](?=CHANGES?\b)", _FLAGS)
_OVERRIDE = re.compile(r"\b(BEGIN|END)_(?=COMMIT_OVERRIDE|NESTED_COMMIT)")
_INDENTED_BLOCK = re.compile(r"^(?:([#>+*-]|[|])|([0-9]{1,9})([.)]))(?=[ \t#>+*-]|$)")

# What ends a code span or a table's cell, or is not shown as it stands: controls, bidirectional ones too.
_UNFIT = re.compile(r"[`|<>\s\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")

_MARKUP = frozenset("@#`<>[]()*_~|\\!&")
LONGEST_CODE = 300


def defuse(text: str) -> str:
    """Markdown without effect: no mention, closer, image, hidden link, HTML or command outside code.

    A fence that is left open is closed, so that what comes after it is seen. Control characters are shown as
    what they are.
    """
    text = _SKIP.sub(_keep_together, show_controls(text))
    return "\n".join(_render_block(lines, fence) for lines, fence in _split_blocks(text))


def defuse_line(text: str) -> str:
    """``defuse`` for text within a line, where no block can begin; line breaks become blanks."""
    line = _SKIP.sub(_keep_together, show_controls(" ".join(text.split())))
    return _INDENTED_BLOCK.sub(_escape_block, _defuse_prose(line))


def strip_markup(text: str) -> str:
    """``text`` with a blank for each character of Markdown."""
    return "".join(" " if char in _MARKUP else char for char in text)


def code_span(text: str, *, cell: bool = False) -> str:
    """``text`` as code within a line, as it is: backticks, entities and ``<`` too.

    Controls and characters without a glyph are written out, so that no path looks like another.

    ``cell``: within a table, where ``|`` needs a backslash even in code. At most 300 characters.
    """
    text = _SKIP.sub(_keep_together, write_out_invisible(show_controls(" ".join(text.split()))))
    if len(text) > LONGEST_CODE:
        text = text[: LONGEST_CODE - 1] + "…"
    if cell:
        text = text.replace("|", r"\|")
        text += " " if text.endswith("\\") else ""
    if not text:
        return "` `"
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    ticks = "`" * (longest + 1)
    pad = " " if text[0] == "`" or text[-1] == "`" else ""
    return f"{ticks}{pad}{text}{pad}{ticks}"


def table_cell(text: str) -> str:
    """Text that stays inside a code span of a table's cell, and looks like what it is."""
    return _UNFIT.sub(" ", text).strip()[:LONGEST_CODE]


def fence(text: str, language: str = "") -> str:
    """A code block whose fence is longer than any run of backticks in the text; controls are written out.

    A ``diff`` is a patch, to be taken as it stands: a line of one begins with its sign, and is no command.
    """
    text = show_controls(text)
    if language != "diff":
        text = _break_orders(_SKIP.sub(_keep_together, text))
    longest = max((len(run) for run in re.findall(r"`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"


def _keep_together(skip: re.Match[str]) -> str:
    """``[skip ci]`` with a blank that a reader cannot tell from it, and a workflow can."""
    said = skip[0].replace(" ", "\u00a0")
    return said if " " in skip[0] else f"[\u00a0{said[1:]}"


def _escape_block(start: re.Match[str]) -> str:
    return f"\\{start[1]}" if start[1] else f"{start[2]}\\{start[3]}"


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
            language = "text" if begins[2].lower() in _DRAWN else begins[2]
            lines, opening = [], begins[1] + language
        else:
            lines.append(line)
    if lines or opening:
        yield lines, opening


def _render_block(lines: list[str], fence: str) -> str:
    text = "\n".join(lines)
    if not fence:
        return _defuse_prose(text)
    return "\n".join([fence, *([_break_orders(text)] if lines else []), "`" * fence.count("`")])


def _break_orders(code: str) -> str:
    """Code whose lines no other tool takes for a command to it, or for a trailer."""
    return _BREAKING.sub(r"\1_", _TRAILER.sub(r" \1", _ORDER.sub(" ", code)))


def _defuse_prose(text: str) -> str:
    live = _LIVE_OR_REFERENCE if _CLOSER.search(text) else _LIVE
    spans = _SPAN_IN_TABLE if "|" in text and _TABLE.search(text) else _SPAN
    pieces, at = [], 0
    for span in spans.finditer(text):
        pieces += [*_defuse_running_text(text[at : span.start()], live), span.group()]
        at = span.end()
    return _join([*pieces, *_defuse_running_text(text[at:], live)])


def _defuse_running_text(text: str, live: re.Pattern[str]) -> Iterator[str]:
    """Running text without any code: whatever is put into backticks here is the only code in it."""
    text = re.sub(r"\\(?=[`<&@/:])|\\(?=#[0-9])|(?<=\w)\\(?=-)", "", text)
    text = re.sub(r"&(?=#?\w+;)", "&amp;", text)
    text = re.sub(r"<(?=[A-Za-z/!?])", "&lt;", text)
    text = text.replace("`", "&#96;")
    text = re.sub(r"~{3,}", lambda run: "&#126;" * len(run.group()), text)
    text = text.replace("![", r"!\[").replace("](", "] (").replace("]:", "] :")
    text = _BREAKING.sub(r"\1&#32;", _TRAILER.sub(r"\1\\", _OVERRIDE.sub(r"\1&#95;", text)))
    at = 0
    for match in live.finditer(text):
        yield text[at : match.start()]
        yield from _render_live(match)
        at = match.end()
    yield text[at:]


def _render_live(match: re.Match[str]) -> Iterator[str]:
    """What would do something on GitHub, as text that does not."""
    found = match.groupdict()
    if url := found["url"]:
        closes = "reference" in found and _ISSUE_URL.search(url)
        yield f"`{url}`" if closes else url.replace("@", "%40")
    elif found["mail"]:
        yield found["mail"]
    else:
        yield found["space"] or ""
        yield f"`{found['command'] or found.get('reference') or found['mention']}`"


def _join(pieces: Iterable[str]) -> str:
    """The pieces in a row, with a blank before code that would run into what stands before it.

    That is other code, a backslash, or a bare address, which for GitHub goes on to the next blank.
    """
    joined: list[str] = []
    last, in_url = "", False
    for piece in pieces:
        if not piece:
            continue
        is_code = piece.startswith("`")
        if is_code and (in_url or last.endswith(("`", "\\"))):
            joined.append(" ")
        joined.append(piece)
        word = re.split(f"[{_BLANK}<]", piece)[-1]
        in_url = not is_code and (bool(_IN_URL.search(word)) or (in_url and len(word) == len(piece)))
        last = piece
    return "".join(joined)
