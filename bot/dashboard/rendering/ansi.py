"""Lines with a terminal's colours as HTML: text in spans with classes of our stylesheet, and nothing else."""

from __future__ import annotations

from functools import lru_cache

from markupsafe import Markup, escape
from rich.ansi import AnsiDecoder
from rich.color import ColorSystem
from rich.style import Style
from rich.text import Text

_FLAGS = ("bold", "dim", "italic", "underline", "strike", "reverse")


def render_lines(text: str) -> Markup:
    """Each line of a text in an element of its own; a colour ends with its line at the latest."""
    return Markup("").join(
        Markup('<span class="line">{}\n</span>').format(_render_line(line)) for line in text.split("\n")
    )


def _render_line(line: str) -> Markup:
    if "\x1b" not in line:
        return escape(line)
    decoded: Text = AnsiDecoder().decode_line(line)
    pieces, at = Markup(""), 0
    for span in sorted(decoded.spans):
        names = _find_classes(span.style) if isinstance(span.style, Style) else ""
        if not names or span.start < at:
            continue
        pieces += escape(decoded.plain[at : span.start])
        code = decoded.plain[span.start : span.end]
        pieces += Markup('<span class="{}">{}</span>').format(names, code)
        at = span.end
    return pieces + escape(decoded.plain[at:])


@lru_cache(maxsize=512)
def _find_classes(style: Style) -> str:
    """The classes for a style: its flags, and of colours the nearest of a terminal's sixteen."""
    names = [f"a-{flag}" for flag in _FLAGS if getattr(style, flag)]
    for prefix, colour in (("a-c", style.color), ("a-b", style.bgcolor)):
        if colour is not None and not colour.is_default:
            names.append(f"{prefix}{colour.downgrade(ColorSystem.STANDARD).number}")
    return " ".join(names)
