"""When a change that passes is shown and not claimed: as ``mend/choice/verdict.py`` has it."""

from __future__ import annotations

from .candidates import JsCandidate
from .search import JsBaseline

SHOWN = 3  # failing tests that show that a condition is meant another way
MATURE = 60  # passing tests, among which one that is the wrong way round would have been seen
_TURNS = {
    "boolean-operator": "joins conditions the other way",
    "branches": "changes which branch runs",
    "comparison": "turns a comparison round",
    "condition": "changes a condition",
    "negation": "turns a condition round",
    "removed-statement": "leaves a statement out",
}
_NEAR = ({"<", "<="}, {">", ">="}, {"===", "=="}, {"!==", "!="}, {"||", "??"})  # but for where they end
_SIGNS = b"<>=!&|?"


def find_doubt(answer: JsCandidate, data: bytes, base: JsBaseline) -> str:
    """Why a change of a file's text ``data`` is not to be claimed; "" when it is."""
    turned, passed = len(base.asked), list(base.everything.values()).count("passed")
    turn = describe_turn(answer, data)
    if not turn or turned >= SHOWN or passed < MATURE:
        return ""
    tests = "one failing test is" if turned == 1 else f"{turned} failing tests are"
    return (
        f"the likeliest edit {turn}, which none of the {passed} passing tests notices; "
        f"{tests} too little to tell whether that is meant"
    )


def describe_turn(answer: JsCandidate, data: bytes) -> str:
    """How a change sends what passed before another way; "" when it does not."""
    if answer.edit.template in ("comparison", "boolean-operator") and _is_near(answer, data):
        return ""
    return _TURNS.get(answer.edit.template, "")


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
