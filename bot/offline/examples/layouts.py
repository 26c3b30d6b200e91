"""Tables, and variables that stand for a result, rewritten so that each call stands beside its values."""

from __future__ import annotations

import re

from bot.offline.examples.code import CALL, is_call, parse_value

_ROW = re.compile(r"^[ \t]*\|(.+)\|[ \t]*$", re.M)
_RULE = re.compile(r"[\s|:-]+")
_HEAD_EXPECTED = re.compile(r"expect|should|correct|want|desired|right|soll|erwart|attend|esper", re.I)
_HEAD_ACTUAL = re.compile(r"actual|got|current|result|return|gives?\b|output|now|is\b|ist\b|obten", re.I)


def read_tables(text: str) -> str:
    """Rows of a Markdown table with calls, and columns of what they give and should give, as sentences."""
    roles: list[str] = []

    def read_row(row: re.Match[str]) -> str:
        cells = [each.strip() for each in row[1].split("|")]
        if _RULE.fullmatch(row[1]):
            return row[0]
        heads = [
            "expected" if _HEAD_EXPECTED.search(each) else "returns" if _HEAD_ACTUAL.search(each) else ""
            for each in cells
        ]
        if "expected" in heads and not any(CALL.search(each) for each in cells):
            roles[:] = heads
            return row[0]
        calls = [each for each, role in zip(cells, roles, strict=False) if not role and CALL.search(each)]
        if len(cells) != len(roles) or len(calls) != 1:
            return row[0]
        said = sorted(
            (f"{role} {_shield(each)}" for each, role in zip(cells, roles, strict=True) if role and each),
            reverse=True,
        )
        return f"{calls[0]} {', '.join(said)}."

    return _ROW.sub(read_row, text)


def _shield(cell: str) -> str:
    """A cell in backticks, unless it is a value as it stands."""
    return cell if cell.startswith("`") or parse_value(cell) else f"`{cell}`"


_ASSIGNED = re.compile(r"^[ \t]*(?:>>> ?)?([A-Za-z_]\w{0,40}) = (.{3,200}?)[ \t]*$\n?", re.M)


def put_results_in(text: str) -> str:
    """``x = f(1)`` and later ``x == 2`` as ``f(1) == 2``, where nothing is done to ``x`` in between."""
    for match in list(_ASSIGNED.finditer(text))[:10]:
        name, call = match[1], match[2]
        if not is_call(call) or text.count(match[0]) != 1:
            continue
        use = re.compile(rf"(?<![\w.'\"]){re.escape(name)}(?=[ \t]*(?:[!=]=|[)#,→]|->|is\b|$))", re.M)
        before, after = text[: text.index(match[0])], text[text.index(match[0]) + len(match[0]) :]
        if len(re.findall(rf"\b{re.escape(name)}\b", after)) in (1, 2) and use.search(after):
            text = before + use.sub(lambda _, call=call: call, after, count=1)  # type: ignore[misc]
    return text
