"""Formulas and diagrams that may hide what they say: colours, overlaps, definitions, comments, data of maps.

What MathJax or Mermaid would draw cannot be determined here, so one with such a command is taken out as a
whole. https://docs.github.com/en/get-started/writing-on-github/working-with-advanced-formatting
"""

from __future__ import annotations

import re

_FORMULA = re.compile(
    r"\$\$[^$]{1,5000}\$\$|\$`[^`\n]{1,2000}`\$|\$(?![\s$])(?:[^$\n]|\n(?!\n)){1,2000}(?<!\s)\$(?!\w)"
    r"|^[ \t>]{0,20}(?:`{3}|~{3})[ \t]*math\b[^`~]{0,5000}(?:`{3}|~{3})",
    re.MULTILINE,
)
_HIDES = re.compile(
    r"\\(?:[hv]?phantom|(?:text)?color|f?colorbox|definecolor|bbox|rlap|llap|math[rlc]lap|smash|style|class|cssId"
    r"|label|tag|def|let|(?:re)?newcommand|newenvironment|mathchoice|require|if[a-z]{1,20}|tiny|scriptscriptstyle"
    r"|raise|lower|kern|mkern|hskip|mskip|moveleft|moveright|href|unicode|tooltip|toggle|action|enclose)(?![A-Za-z])"
    r"|(?<!\\)%"
)
_DIAGRAM = re.compile(
    r"^[ \t>]{0,20}(?P<fence>`{3,20}|~{3,20})[ \t]*(?P<kind>mermaid|geojson|topojson|stl)\b[^\n]*\n"
    r"(?P<inside>(?:(?![ \t>]{0,20}(?:`{3}|~{3}))[^\n]*\n){0,5000})",
    re.MULTILINE | re.IGNORECASE,
)
_HIDES_IN_DIAGRAM = re.compile(
    r"%%|\b(?:accTitle|accDescr|classDef|linkStyle|style|click|href|callback)\b|\A\s{0,20}---"
)


def remove_hiding_drawings(text: str) -> tuple[str, list[str]]:
    """The text without formulas and diagrams that may hide words, and those."""
    removed: list[str] = []

    def judge_formula(match: re.Match[str]) -> str:
        if not _HIDES.search(match[0]):
            return match[0]
        removed.append(match[0][:500])
        return "$$"

    def judge_diagram(match: re.Match[str]) -> str:
        if match["kind"].lower() == "mermaid" and not _HIDES_IN_DIAGRAM.search(match["inside"]):
            return match[0]
        if not match["inside"].strip():
            return match[0]
        removed.append(match["inside"][:500])
        return match[0][: match.start("inside") - match.start()]

    if "$" in text or "math" in text:
        text = _FORMULA.sub(judge_formula, text)
    lowered = text.lower()
    if any(kind in lowered for kind in ("mermaid", "geojson", "topojson", "stl")):
        text = _DIAGRAM.sub(judge_diagram, text)
    return text, removed
