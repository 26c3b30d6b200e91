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
from bot.offline.examples.code import CALL, find_calls, measure_value, parse_value
from bot.offline.examples.layouts import put_results_in, read_assertions, read_tables
from bot.offline.examples.words import (
    AFTER_RIGHT,
    AFTER_WRONG,
    ARROWS,
    ASKED,
    ASKED_VERB,
    BARE,
    CUES,
    ERROR,
    FILLER,
    GOT_INSTEAD,
    NAMED_ERROR,
)

MOST = 4  # examples of one request
LOOKED_AT = 6000  # characters of a request

Said = tuple[str, str]  # role, value


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A call in Python's words, and what the request says of its result; values are literals, "" if unsaid.

    ``shown`` stands beside the call without a word that says whether it is the result as it is or as it
    should be. ``expected_error`` and ``actual_error`` are names of exceptions. ``bare``: values stood without
    quotes, so they are to be believed only where ``actual`` is what the call gives.
    """

    call: str
    expected: str = ""
    actual: str = ""
    shown: str = ""
    expected_error: str = ""
    actual_error: str = ""
    bare: str = ""

    @property
    def says_more(self) -> bool:
        """Whether anything is said of the result."""
        return any(value for name, value in asdict(self).items() if name != "call")


_QUOTED = re.compile(r"^[ \t]*>(?!>>).*$", re.M)
_SESSION = re.compile(r"^[ \t]*>>> ?(.*)\n[ \t]*(?!>>>)(\S.*)$", re.M)
_FENCE = re.compile(r"^[ \t]*(?:```|~~~).*$", re.M)
_END = re.compile(r"[.!?](?=\s|$)|;|\n")

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
    text = read_assertions(read_tables(text))
    text = put_results_in(text)
    text = _SESSION.sub(lambda each: f"{each[1]} # {each[2]}", text)
    text = _INNER.sub(lambda each: _unwrap(each[1]), text)
    calls = list(find_calls(text))
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
    if parse_value(code) or CALL.search(code) or re.search(r"[=<>]", code):
        return code
    if re.fullmatch(r"[A-Za-z_][\w.]*", code) and not re.fullmatch(r"[a-z]{1,3}", code):
        return code  # a name
    return repr(code) if re.search(r"\W", code) and not ERROR.match(code) else code


def _read_around(text: str, call: str, before: tuple[int, int], after: tuple[int, int]) -> Example:
    """What is said of a call: in its sentence, then in the sentences after it."""
    rest, end = _read_sentence(text, *after)
    said = [*_read_question(text, before, (after[0], rest)), *_read_values(text, after[0], rest)]
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


def _read_question(text: str, before: tuple[int, int], after: tuple[int, int]) -> Iterator[Said]:
    """``Why does f(1) return 2``, ``shouldn't f(1) be 3``: the verb's two parts stand around the call."""
    begun, done = ASKED.search(text, *before), ASKED_VERB.match(text, *after)
    if begun is None or done is None:
        return
    filled = FILLER.match(text, done.end(), after[1])
    place = filled.end() if filled else done.end()
    if size := measure_value(text[place : after[1]]):
        role = "expected" if begun["meant"] else "actual"
        yield role, repr(ast.literal_eval(text[place : place + size].strip()))


def _has_expected(said: list[Said]) -> bool:
    return any(role.startswith("expected") for role, _ in said)


def _read_sentence(text: str, start: int, limit: int) -> tuple[int, int]:
    """Where the sentence ends that goes on at ``start``, and where the next begins; not inside literals."""
    at = start
    while at < limit:
        if text[at] in "'\"" and (size := measure_value(text[at:limit])):
            at += size
            continue
        if match := _END.match(text, at):
            return at, match.end()
        at += 1
    return limit, limit


def _read_values(text: str, start: int, end: int) -> Iterator[Said]:
    """Every value that a word introduces, or that a word behind it tells apart, with its role."""
    at, last, denied = start, "", False
    filled = FILLER.match(text, start, end)
    first = filled.end() if filled else start
    size = measure_value(text[first:end])
    if (error := ERROR.match(text, first, end)) and AFTER_RIGHT.match(text, error.end(), end):
        yield "expected_error", error[1]
    elif size and (role := _judge_by_what_follows(text, first + size, end)):
        yield role, repr(ast.literal_eval(text[first : first + size].strip()))
    while at < end and (cue := CUES.search(text, at, end)):
        at = cue.end()
        filled = FILLER.match(text, at, end)
        place = filled.end() if filled else at
        role = cue.lastgroup or ""
        negated = {"expect": "actual", "actual": "expected", "shown": "expected", "wrong": "actual"}
        role = {"wrong": "actual", "not": negated.get(last, "expected")}.get(role, role)
        role = "expect" if role == "weak" and denied else role  # "should not be 3 but 4"
        named = NAMED_ERROR if re.search(r"raise|throw", cue.group(), re.I) else ERROR
        if error := named.match(text, place, end):
            at, last = error.end(), "expect" if role in ("expect", "expected") else "actual"
            denied = cue.lastgroup == "wrong"
            if error[1] != "AssertionError":  # it is the reporter's own check
                yield ("expected_error" if last == "expect" else "actual_error"), error[1]
        elif size := measure_value(text[place:end]):
            value, at = text[place : place + size], place + size
            told = _judge_by_what_follows(text, at, end)
            if cue.group() in ARROWS and _is_followed_by_another(text, at, end):
                told = "expected"
            role = {"expected": "expect"}.get(told, told) or role
            said = ast.literal_eval(value.strip())
            if role == "weak":
                continue
            if cue.lastgroup == "wrong" and isinstance(said, bool):
                role, said = "expect", not said
            denied = cue.lastgroup == "wrong"
            last = "expect" if role == "expected" else role
            yield {"expect": "expected"}.get(role, role), repr(said)
        elif role in ("expect", "expected", "actual") and (bare := _match_bare(text, at, place, end)):
            at, last = bare.end(), "expect" if role == "expected" else role
            yield {"expect": "expected"}.get(role, role), repr(bare.group())
            yield "bare", "yes"


def _match_bare(text: str, start: int, place: int, end: int) -> re.Match[str] | None:
    """A text without quotes right behind the word that introduces it, or behind what fills the gap."""
    blank = start + len(text[start:end]) - len(text[start:end].lstrip(" :"))
    return BARE.match(text, blank, end) or BARE.match(text, place, end)


def _is_followed_by_another(text: str, at: int, end: int) -> bool:
    """Whether the words behind a value say what was got in its place: "f(1) -> 2 but I get 3"."""
    got = GOT_INSTEAD.match(text, at, end)
    if got is None:
        return False
    filled = FILLER.match(text, got.end(), end)
    return bool(measure_value(text[filled.end() if filled else got.end() : end]))


def _judge_by_what_follows(text: str, at: int, end: int) -> str:
    """The role of a value by the words behind it: expected, actual, or "" when they say nothing."""
    if AFTER_RIGHT.match(text, at, end):
        return "expected"
    return "actual" if AFTER_WRONG.match(text, at, end) else ""
