"""Tables, assertions and variables for a result, rewritten so that each call stands beside its values."""

from __future__ import annotations

import ast
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


_RAISES = re.compile(
    r"^[ \t]{0,40}with (?:pytest\.raises|self\.assertRaises\w{0,5})\((\w{1,60})[^\n]{0,100}\):"
    r"\s{0,40}(\S[^\n]{0,200})$",
    re.M,
)
_ASSERTED = re.compile(r"^[ \t]{0,40}self\.(assert\w{1,20})(\([^\n]{1,300}\))[ \t]{0,20}$", re.M)
_SINGLE = {"assertTrue": "True", "assertFalse": "False", "assertIsNone": "None"}
_PAIRS = frozenset(("assertEqual", "assertEquals", "assertIs", "assertAlmostEqual", "assertListEqual",
                    "assertDictEqual", "assertTupleEqual", "assertSetEqual"))  # fmt: skip


def read_assertions(text: str) -> str:
    """``with pytest.raises(E): f(1)`` and unittest's assertions as sentences; a plain ``assert`` stays."""
    text = _RAISES.sub(lambda each: f"{each[2]} should raise {each[1]}.", text)
    return _ASSERTED.sub(lambda each: _read_unittest(each[1], each[2]) or each[0], text)


def _read_unittest(name: str, arguments: str) -> str:
    try:
        call = ast.parse(f"f{arguments}", mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    given = [ast.unparse(each) for each in call.args] if isinstance(call, ast.Call) else []
    if name in _SINGLE and len(given) == 1:
        return f"{given[0]} should be {_SINGLE[name]}."
    if name not in _PAIRS or len(given) < 2:
        return ""
    one, two = given[:2] if is_call(given[0]) else (given[1], given[0])
    return f"{one} should be {two}."
