"""Examples in a bug report: calls with what they give and what they should give, such as
``add(2, 3) returns -1, expected 5``.

Nothing is run here; ``bot/guest/mend/report`` looks up the names and makes the calls inside the sandbox.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from bot.domain import Brief

MOST = 4  # examples of one request
LONGEST = 200  # characters of a call
LOOKED_AT = 6000  # characters of a request

Said = tuple[str, str]  # role, value


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A call in Python's words, and what the request says of its result; values are literals, "" if unsaid.

    ``shown`` stands beside the call without a word that says whether it is the result as it is or as it
    should be. ``expected_error`` and ``actual_error`` are names of exceptions.
    """

    call: str
    expected: str = ""
    actual: str = ""
    shown: str = ""
    expected_error: str = ""
    actual_error: str = ""

    @property
    def says_more(self) -> bool:
        """Whether anything is said of the result."""
        return any(value for name, value in asdict(self).items() if name != "call")


_CALL = re.compile(r"(?<![\w.@])(?:[A-Za-z_]\w{0,60}\.){0,4}[A-Za-z_]\w{0,60}\(")
_QUOTED = re.compile(r"^[ \t]*>(?!>>).*$", re.M)
_SESSION = re.compile(r"^[ \t]*>>> ?(.*)\n[ \t]*(?!>>>)(\S.*)$", re.M)
_FENCE = re.compile(r"^[ \t]*(?:```|~~~).*$", re.M)
_END = re.compile(r"[.!?](?=\s|$)|;|\n")
_OPEN, _CLOSE = "([{", ")]}"

_RESULT = r"(?:result|value|output|answer|return value|behaviou?r|outcome)"
_VERB = r"(?:return|give|be|equal|yield|produce|result in|evaluate to|print|output|come out as|read|say|show)"
_CUES = re.compile(
    rf"""
    (?P<wrong>\bshould(?:n't|\ not|\ never)\ {_VERB}\b|\bmust(?:n't|\ not)\ {_VERB}\b)
    |(?P<expect>\b(?:should|must|ought\ to|has\ to|is\ supposed\ to|supposed\ to|needs?\ to)
        \ (?:\w{1, 20}ly\ )?
        (?:{_VERB}|have\ (?:been|returned|given)|raise|throw|fail\ with)\b
        |\binstead\ of\b|\brather\ than\b|\bto\ (?:{_VERB}|raise|throw)\b
        |\bexpect(?:ed|s|ing|ation)?\b(?:\ {_RESULT})?(?:\ (?:is|was|would\ be|an|a)\b)?
        |\b(?:correct|right|desired|wanted)\ {_RESULT}(?:\ (?:is|was|would\ be))?
        |\b(?:want|wanted|hoped\ for)\b)
    |(?P<actual>\bactual(?:ly)?\b(?:\ {_RESULT})?(?:\ (?:is|was))?
        |\b(?:returns?|returned|returning|gives?|gave|giving|yields?|yielded|produces?|produced|prints?|printed
            |evaluates?\ to|outputs?|results?\ in|comes?\ out\ as|becomes?|became|got|get|gets|getting|says
            |shows|equals|is|was|are|raises?|raised|throws?|threw|crash(?:es|ed)?\ with|fails?\ with
            |failed\ with|dies\ with|ends\ (?:in|with)|blows\ up\ with)\b
        |->|=>|→|⇒|⟶)
    |(?P<not>,?\ (?:but\ |and\ )?not\b)
    |(?P<weak>\b(?:where|while|but|whereas|and|now|then)\b|;)
    |(?P<shown>==|=(?!=)|\#)
    """,
    re.X | re.I,
)
_FILLER = re.compile(
    r"(?:[\s:,*]|\b(?:the|a|an|value|string|text|list|number|integer|float|tuple|dict|set|just|now|only|always|"
    r"me|us|back|empty|back\s+the|still|wrongly|incorrectly|of|as|be|it|is|to|was|returned|that|with|error|exception)\b"
    r"(?![\w(]))*",
    re.I,
)
_AFTER_RIGHT = re.compile(
    r"\s*(?:(?:is|was|would be|would have been|were)\s+)?"
    r"(?:expected|correct|right|wanted|meant|what i (?:want|expect)\w*)\b",
    re.I,
)
_AFTER_WRONG = re.compile(
    r"\s*(?:(?:is|was)\s+(?:wrong|returned|given|incorrect)|(?:comes?|came) (?:back|out))", re.I
)
_ERROR = re.compile(
    r"(?:[A-Za-z_]\w{0,60}\.){0,4}([A-Z]\w{0,60}(?:Error|Exception|Warning|Iteration|Interrupt|Exit))\b"
)
_NAMED_ERROR = re.compile(r"(?:[A-Za-z_]\w{0,60}\.){0,4}([A-Z]\w{0,60})\b(?!\()")  # behind "raises"
_INNER = re.compile(r"`([^`\n]+)`")


def find_examples(brief: Brief) -> list[Example]:
    """The calls that the request shows, in its order; those of the thread's own text when it shows none."""
    texts = [f"{brief.title}\n{brief.request}" if brief.title not in brief.request else brief.request]
    texts += [each.text for each in brief.texts if re.match(r"(?:issue|pull request) #\d+$", each.where)]
    for text in texts:
        if found := read_examples(text):
            return found
    return []


def read_examples(text: str) -> list[Example]:
    """The calls in a text of which it says what they give or should give."""
    text = _QUOTED.sub("", text[:LOOKED_AT].replace("\r\n", "\n"))
    text = _FENCE.sub("", text)
    text = _SESSION.sub(lambda each: f"{each[1]} # {each[2]}", text)
    text = _INNER.sub(lambda each: _unwrap(each[1]), text)
    calls = list(_find_calls(text))
    found: dict[str, Example] = {}
    for number, (start, end, call) in enumerate(calls):
        last = calls[number - 1][1] if number else 0
        following = calls[number + 1][0] if number + 1 < len(calls) else len(text)
        one = _read_around(text, call, (last, start), (end, following))
        if one.says_more and (call not in found or not found[call].expected):
            found[call] = one
    return list(found.values())[:MOST]


def _unwrap(code: str) -> str:
    """Code in backticks as the text around it is read: text that is no Python value becomes a string."""
    code = code.strip()
    if _parse_value(code) or _CALL.search(code) or re.search(r"[=<>]", code):
        return code
    if re.fullmatch(r"[A-Za-z_][\w.]*", code) and not re.fullmatch(r"[a-z]{1,3}", code):
        return code  # a name
    return repr(code) if re.search(r"\W", code) and not _ERROR.match(code) else code


def _find_calls(text: str) -> Iterator[tuple[int, int, str]]:
    """Start, end and text of every outermost call whose arguments are literals or calls themselves."""
    position = 0
    while match := _CALL.search(text, position):
        end = _find_end(text, match.end() - 1)
        position = match.end()
        while end and end < len(text) and text[end] in "([.":
            further = re.compile(r"\.[A-Za-z_]\w*").match(text, end)
            after = further.end() if further else _find_end(text, end)
            if not after or not _is_call(text[match.start() : after]):
                break
            end = after
        if end and _is_call(code := text[match.start() : end]):
            position = end
            wrapped = re.fullmatch(r"(?:print|repr)\((.*)\)", code, re.S)
            yield match.start(), end, wrapped[1] if wrapped and _is_call(wrapped[1]) else code


def _find_end(text: str, start: int) -> int:
    """Behind the bracket that closes the one at ``start``; 0 when none does in reach."""
    depth, quote, at = 0, "", start
    while at < min(len(text), start + LONGEST):
        sign = text[at]
        if quote:
            at += sign == "\\"
            quote = "" if sign == quote else quote
        elif sign in "'\"":
            quote = sign
        elif sign in _OPEN:
            depth += 1
        elif sign in _CLOSE:
            depth -= 1
            if depth == 0:
                return at + 1
        at += 1
    return 0


_PLAIN = (
    ast.Expression, ast.Call, ast.Attribute, ast.Name, ast.Constant, ast.List, ast.Tuple, ast.Set, ast.Dict,
    ast.UnaryOp, ast.BinOp, ast.Subscript, ast.Slice, ast.keyword, ast.expr_context, ast.operator,
    ast.unaryop,
)  # fmt: skip


def _is_call(code: str) -> bool:
    try:
        tree = ast.parse(code, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    nodes = list(ast.walk(tree))
    return (
        any(isinstance(node, ast.Call) for node in nodes)
        and all(isinstance(node, _PLAIN) for node in nodes)
        and not any(
            (getattr(node, "attr", None) or getattr(node, "id", None) or "").startswith("__")
            for node in nodes
        )
        and not any(isinstance(node, ast.Constant) and node.value is ... for node in nodes)
    )


def _read_around(text: str, call: str, before: tuple[int, int], after: tuple[int, int]) -> Example:
    """What is said of a call: in its sentence, then in the sentences after it."""
    rest, end = _read_sentence(text, *after)
    said = list(_read_values(text, after[0], rest))
    if not _has_expected(said):
        begin = max([before[0], *(match.end() for match in _END.finditer(text, *before))])
        said = [*_read_values(text, begin, before[1]), *said]
    if not _has_expected(said) and end < after[1]:
        said += _read_values(text, end, after[1])
    if not _has_expected(said) and not before[0]:
        said = [*_read_values(text, 0, before[1]), *said]
    roles: dict[str, str] = {}
    for role, value in said:
        roles.setdefault(role, value)
    if re.search(r"\bassert\s+$", text[before[0] : before[1]]) and "shown" in roles:
        roles.setdefault("expected", roles.pop("shown"))
    return Example(call=call, **roles)


def _has_expected(said: list[Said]) -> bool:
    return any(role.startswith("expected") for role, _ in said)


def _read_sentence(text: str, start: int, limit: int) -> tuple[int, int]:
    """Where the sentence ends that goes on at ``start``, and where the next begins; not inside literals."""
    at = start
    while at < limit:
        if text[at] in "'\"" and (size := _measure_value(text[at:limit])):
            at += size
            continue
        if match := _END.match(text, at):
            return at, match.end()
        at += 1
    return limit, limit


def _read_values(text: str, start: int, end: int) -> Iterator[Said]:
    """Every value that a word introduces, with its role."""
    at, last = start, ""
    while at < end and (cue := _CUES.search(text, at, end)):
        at = cue.end()
        filled = _FILLER.match(text, at, end)
        place = filled.end() if filled else at
        role = cue.lastgroup or ""
        negated = {"expect": "actual", "actual": "expected", "shown": "expected", "wrong": "actual"}
        role = {"wrong": "actual", "not": negated.get(last, "expected")}.get(role, role)
        named = _NAMED_ERROR if re.search(r"raise|throw", cue.group(), re.I) else _ERROR
        if error := named.match(text, place, end):
            at, last = error.end(), "expect" if role in ("expect", "expected") else "actual"
            yield ("expected_error" if last == "expect" else "actual_error"), error[1]
        elif size := _measure_value(text[place:end]):
            value, at = text[place : place + size], place + size
            if _AFTER_RIGHT.match(text, at, end):
                role = "expect"
            elif _AFTER_WRONG.match(text, at, end):
                role = "actual"
            said = ast.literal_eval(value.strip())
            if role == "weak":
                continue
            if cue.lastgroup == "wrong" and isinstance(said, bool):
                role, said = "expect", not said
            last = "expect" if role == "expected" else role
            yield {"expect": "expected"}.get(role, role), repr(said)


_LITERAL = re.compile(
    r"[bru]{0,2}'(?:[^'\\\n]|\\.){0,300}'|[bru]{0,2}\"(?:[^\"\\\n]|\\.){0,300}\""
    r"|-?(?:\d[\d_]{0,40}(?:\.\d{1,40})?|\.\d{1,40})(?:[eE][+-]?\d{1,3})?(?![\w])"
    r"|(?:None|True|False)\b|set\(\)",
)


def _measure_value(text: str) -> int:
    """How many characters the Python value at the beginning of a text has; 0 when there is none."""
    if text[:1] and text[0] in _OPEN:
        end = _find_end(text, 0)
        return end if end and _parse_value(text[:end]) else 0
    match = _LITERAL.match(text)
    return match.end() if match and _parse_value(match.group()) else 0


def _parse_value(text: str) -> bool:
    try:
        ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        return False
    return True
