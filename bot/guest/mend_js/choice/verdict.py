"""When a change that passes is shown and not claimed: as ``mend/choice/verdict.py`` has it."""

from __future__ import annotations

import re

from ..candidates import JsCandidate
from ..search import JsBaseline
from ..syntax.source import SourceFile
from .weigh import JsComparison, JsRival

SHOWN = 3  # failing tests that show that a condition is meant another way
MATURE = 60  # passing tests, among which one that is the wrong way round would have been seen
NEAR = 0.33  # how likely another change may be, beside the likeliest, before neither is claimed
FEW_NEAR = 0.2  # the same where few failing tests of a large suite show the fault
DIFFERENT = (
    0.1  # of the calls that either changes: the share for which two have to differ, but for tests' calls
)
ENOUGH = 100  # calls that were made up, to tell by them
NARROW = 0.01  # the share of them that an edit has to change at least
SELDOM = 0.1  # how likely an edit has to be where few tests show the fault
_CALL = 160  # signs of a call, and of what it gives, in a sentence
BLIND = "the working folder is too large for me to see what trying edits changes in it"
_TURNS = {
    "boolean-operator": "joins conditions the other way",
    "branches": "changes which branch runs",
    "comparison": "turns a comparison round",
    "condition": "changes a condition",
    "negation": "turns a condition round",
    "removed-statement": "leaves a statement out",
}
_NAMES = frozenset(("attribute", "called-name", "variable"))  # edits that put in another name
_VALUES = frozenset(("number", "pattern", "string", "text"))  # edits that put in a value
_NEAR = ({"<", "<="}, {">", ">="}, {"===", "=="}, {"!==", "!="}, {"||", "??"})  # but for where they end
_SIGNS = b"<>=!&|?"


def find_doubt(compared: JsComparison, data: bytes, base: JsBaseline) -> str:
    """Why the likeliest change, of a file's text ``data``, is not to be claimed; "" when it is."""
    answer = compared.ranked[0]
    turned, passed = len(base.asked), list(base.everything.values()).count("passed")
    few = turned < SHOWN and passed >= MATURE
    turn = describe_turn(answer, data)
    if turn and few and answer.passing != 0:  # what no passing test runs, none could notice
        tests = "one failing test is" if turned == 1 else f"{turned} failing tests are"
        return (
            f"the likeliest edit {turn}, which none of the {passed} passing tests notices; "
            f"{tests} too little to tell whether that is meant"
        )
    least = (FEW_NEAR if few else NEAR) * compared.likely[0]
    near = [
        each
        for each in compared.find_rivals()
        if each.likely >= least and (each.by_tests or each.share >= DIFFERENT)
    ]
    if near:
        return _name_rivals(near)
    uncompared = [each for each, likely in compared.find_uncompared() if likely >= least]
    if uncompared:
        return (
            f"I found {len(uncompared) + 1} edits that pass and could not compare what they give"
            f"{', as a call near those of the tests had no end' if compared.hung else ''}, "
            "so I cannot tell which is meant"
        )
    if turned < SHOWN and answer.edit.template in _VALUES and (reason := _find_narrow(compared)):
        return reason
    if few and compared.likely[0] < SELDOM:
        return "the edit that passes is of a kind and at a place that are seldom the fix, and few tests fail"
    return ""


def _find_narrow(compared: JsComparison) -> str:
    """Why another value only fits its test: hardly a call near those of the tests is changed by it."""
    changed, made = compared.count_changed()
    if made < ENOUGH or changed > NARROW * made:
        return ""
    return (
        "the likeliest edit puts in a value that mends little but the failing test's own call: "
        f"of {made} calls near those of the tests, it changes {changed or 'none'}"
    )


def _name_rivals(near: list[JsRival]) -> str:
    """That several edits pass, and the call for which the likeliest two differ."""
    one = near[0]
    return (
        f"I found {len(near) + 1} edits that pass and cannot tell which is meant: "
        f"{_quote(one.call)} gives {_quote(one.this)} with one and {_quote(one.other)} with the other"
    )


def _quote(text: str) -> str:
    """A code span of what a program gave: on one line, not too long, with no sign that would end it."""
    line = "".join(sign if sign.isprintable() else " " for sign in text)
    line = line if len(line) <= _CALL else f"{line[:_CALL]}…"
    fence = "`" * (1 + max((len(each) for each in re.findall("`+", line)), default=0))
    edge = " " if line[:1] in ("`", "") or line[-1:] == "`" else ""
    return f"{fence}{edge}{line}{edge}{fence}"


def describe_damage(path: str, did: str) -> str:
    """Why nothing is claimed where what was done with changes, "tried" or "compared", altered a file."""
    return f"while I {did} edits, {_quote(path)} changed in the working folder, so I report no edit"


def describe_left(path: str) -> str:
    """That the tree is not as it was, as it could not be put back."""
    return (
        f"running the tests with edits changed {_quote(path)} in the working folder, "
        "and I could not put it back as it was"
    )


def describe_turn(answer: JsCandidate, data: bytes) -> str:
    """How a change sends what passed before another way; "" when it does not."""
    if answer.edit.template in ("comparison", "boolean-operator") and _is_near(answer, data):
        return ""
    if answer.edit.template in _NAMES and _is_in_condition(answer, data):
        return "has a condition look at something else"
    return _TURNS.get(answer.edit.template, "")


def _is_in_condition(answer: JsCandidate, data: bytes) -> bool:
    source = SourceFile(path=answer.path, data=data)
    return any(
        node.start_byte <= answer.edit.start
        and answer.edit.end <= node.end_byte
        and source.is_condition(node)
        for node in source.nodes
    )


def _is_near(answer: JsCandidate, data: bytes) -> bool:
    """Whether an operator is exchanged for one that differs at one end only; an edit has but what differs."""
    start, end = answer.edit.start, answer.edit.end
    while start > 0 and data[start - 1] in _SIGNS:
        start -= 1
    while end < len(data) and data[end] in _SIGNS:
        end += 1
    before = data[start:end].decode("utf-8", "replace")
    new = data[start : answer.edit.start].decode("utf-8", "replace") + answer.edit.new
    return {before, new + data[answer.edit.end : end].decode("utf-8", "replace")} in _NEAR
