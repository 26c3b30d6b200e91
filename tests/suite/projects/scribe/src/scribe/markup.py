"""A little Markdown: headings, lists, emphasis, code, links."""

import html
import re
from dataclasses import dataclass

from scribe.words import slug, unique

_HEADING = re.compile(r"(#{1,6})\s+(.*?)\s*#*")
_ITEM = re.compile(r"[-*]\s+(.*)")
_STRONG = re.compile(r"\*\*(.+?)\*\*")
_EMPHASIS = re.compile(r"\*(.+?)\*")
_LINK = re.compile(r"\[([^\]]+)\]\(([^)\s]+)\)")
_CODE = re.compile(r"`([^`]+)`")


@dataclass(frozen=True)
class Heading:
    """``anchor`` is unique within its text."""

    level: int
    text: str
    anchor: str


def headings(text):
    """All headings outside code fences, in order."""
    found, taken, fenced = [], set(), False
    for line in text.splitlines():
        if line.startswith("```"):
            fenced = not fenced
            continue
        match = None if fenced else _HEADING.fullmatch(line)
        if match:
            anchor = unique(slug(match[2]), taken)
            taken.add(anchor)
            found.append(Heading(len(match[1]), match[2], anchor))
    return found


def contents(text, deepest=3):
    """A list of links to the headings down to a level, indented by level."""
    shown = [heading for heading in headings(text) if heading.level <= deepest]
    top = min((heading.level for heading in shown), default=1)
    return "\n".join(f"{'  ' * (each.level - top)}- [{each.text}](#{each.anchor})" for each in shown)


def inline(text):
    """Emphasis, code and links of one line as HTML."""
    kept = []

    def keep(match):
        kept.append(f"<code>{html.escape(match[1])}</code>")
        return f"\0{len(kept) - 1}\0"

    text = html.escape(_CODE.sub(keep, text), quote=False)
    text = _STRONG.sub(r"<strong>\1</strong>", text)
    text = _EMPHASIS.sub(r"<em>\1</em>", text)
    text = _LINK.sub(_link, text)
    return re.sub(r"\0(\d+)\0", lambda match: kept[int(match[1])], text)


def _link(match):
    target = match[2]
    if re.match(r"(?i)(?:javascript|data):", target):
        return match[1]
    return f'<a href="{target}">{match[1]}</a>'


def to_html(text):
    """Blocks: headings, lists, code fences, paragraphs."""
    blocks, paragraph, items = [], [], []

    def flush():
        if paragraph:
            blocks.append(f"<p>{inline(' '.join(paragraph))}</p>")
            paragraph.clear()
        if items:
            blocks.append("<ul>" + "".join(f"<li>{inline(item)}</li>" for item in items) + "</ul>")
            items.clear()

    code = None
    for line in text.splitlines():
        if line.startswith("```"):
            if code is None:
                flush()
                code = []
            else:
                blocks.append("<pre>" + html.escape("\n".join(code), quote=False) + "</pre>")
                code = None
        elif code is not None:
            code.append(line)
        elif heading := _HEADING.fullmatch(line):
            flush()
            level = len(heading[1])
            blocks.append(f"<h{level}>{inline(heading[2])}</h{level}>")
        elif item := _ITEM.fullmatch(line):
            if paragraph:
                flush()
            items.append(item[1])
        elif line.strip():
            if items:
                flush()
            paragraph.append(line.strip())
        else:
            flush()
    flush()
    return "\n".join(blocks)
