"""A sentence for each template of the search: a title's beginning, and what was wrong with the line.

In the explanations ``{old}`` and ``{new}`` stand for the few characters that differ.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_TOKEN = re.compile(r"\w+|\s+|[^\w\s]+")


@dataclass(frozen=True, slots=True)
class Phrase:
    """``title`` is followed by the function's name; ``swap``, ``add`` and ``drop`` say what the edit did."""

    title: str
    swap: str = "It said {old} where {new} is meant."
    add: str = "{new} was missing."
    drop: str = "{old} does not belong here."


PLAIN = Phrase("Fix")
PHRASES = {
    "learned-pattern": Phrase(
        "Fix expression in", "It said {old}; fixes elsewhere made such an expression {new}."
    ),
    "comparison": Phrase("Fix comparison in", "It compared with {old} where {new} is meant."),
    "boolean-operator": Phrase("Fix condition in", "The conditions were joined by {old} instead of {new}."),
    "negation": Phrase(
        "Fix inverted condition in",
        add="The condition was the wrong way round.",
        drop="The condition was inverted.",
    ),
    "arithmetic": Phrase("Fix arithmetic in", "It calculated with {old} where {new} is meant."),
    "parentheses": Phrase(
        "Fix operator precedence in", add="Without parentheses the operators bind differently."
    ),
    "off-by-one": Phrase(
        "Fix off-by-one in",
        add="The value was off by one: {new} was missing.",
        drop="{old} made the value off by one.",
    ),
    "sign": Phrase("Fix sign in", add="The sign was missing.", drop="The sign was wrong."),
    "assignment-operator": Phrase("Fix assignment in", "It assigned with {old} where {new} is meant."),
    "number": Phrase("Fix constant in", "The number {old} has to be {new}."),
    "truth-value": Phrase("Fix value in", "The value {old} has to be {new}."),
    "string": Phrase("Fix string in"),
    "pattern": Phrase("Fix regular expression in", "The pattern was {old} where {new} is meant."),
    "text": Phrase("Fix text in"),
    "slice": Phrase("Fix slice in", "The slice or index {old} has to be {new}."),
    "variable": Phrase("Use the right variable in", "It used {old} where {new} is meant."),
    "attribute": Phrase("Use the right attribute in", "It used {old} where {new} is meant."),
    "other-object": Phrase("Use the right object in", "It read from {old} where {new} is meant."),
    "called-name": Phrase("Call the right function in", "It called {old} where {new} is meant."),
    "swapped-arguments": Phrase("Fix order of arguments in", "Two arguments stood in each other's place."),
    "arguments": Phrase(
        "Fix arguments in", add="The argument {new} was missing.", drop="The argument {old} is too many."
    ),
    "missing-method": Phrase("Add missing call in", add="The call {new} was missing."),
    "missing-call": Phrase("Add missing call in", add="The call {new} was missing."),
    "missing-await": Phrase(
        "Wait for the result in", add="The result was not waited for: {new} was missing."
    ),
    "declaration": Phrase("Fix declaration in", "It was declared with {old} where {new} is meant."),
    "needless-call": Phrase("Remove needless call in", drop="The call {old} is too many."),
    "lookup": Phrase(
        "Fix lookup in", "A key that is absent was not handled as it is meant: {old} has to be {new}."
    ),
    "fallback": Phrase("Handle missing value in", add="A value that is absent or empty was not handled."),
    "conditional-value": Phrase("Handle edge case in", add="One case was not handled: {new} was missing."),
    "missing-guard": Phrase("Handle edge case in", add="The case was not handled before what follows."),
    "wrapped-guard": Phrase("Add missing condition in", add="The statement ran even where it must not."),
    "condition": Phrase("Fix condition in", add="The condition lacked {new}."),
    "keyword-value": Phrase("Fix arguments in", "Two options had each other's value."),
    "membership": Phrase("Fix membership test in"),
    "jump": Phrase("Fix loop control in", "The loop has to {new} here, not to {old}."),
    "missing-jump": Phrase("Fix loop control in", add="{new} was missing, so what follows ran as well."),
    "missing-return": Phrase("Return the result of", add="The result was computed and not returned."),
    "early-return": Phrase("Return the right value from", "It returned {old} where {new} is meant."),
    "block": Phrase(
        "Fix indentation in", "A statement stood in the wrong block.", "A statement stood in the wrong block."
    ),
    "branches": Phrase("Fix branches in", "The branches were chosen wrongly."),
    "else-branch": Phrase("Fix branches in", add="The statement belongs to the other branch only."),
    "exception-type": Phrase(
        "Fix exception type in", "{old} is the wrong exception: {new} is meant.", "{new} was not covered."
    ),
    "removed-statement": Phrase("Remove wrong statement from", drop="The statement does not belong here."),
    "statement-order": Phrase("Fix order of statements in", "The statements ran in the wrong order."),
    "mutable-default": Phrase(
        "Stop sharing a default between calls of", add="All calls shared one default value."
    ),
    "parameters": Phrase("Fix parameters of", "The parameters were wrong."),
    "decorator": Phrase("Fix decorator of", add="{new} was missing."),
    "class-state": Phrase(
        "Stop sharing state between objects of", add="All objects shared one value of the class."
    ),
    "base-class": Phrase("Fix base class of", "The base class {old} has to be {new}."),
    "missing-statement": Phrase("Add missing statement in", add="This statement was missing."),
    "kept-result": Phrase(
        "Keep the result of a call in", add="The call returns a new value, which was thrown away."
    ),
    "aliasing": Phrase(
        "Copy instead of sharing in", add="The object itself was handed over, so later changes leaked."
    ),
    "missing-term": Phrase("Fix calculation in", add="The term {new} was missing."),
    "swapped-parts": Phrase("Fix order of operands in", "Two parts stood in each other's place."),
    "needless-term": Phrase("Fix calculation in", drop="The term {old} is too many."),
    "comprehension-filter": Phrase("Filter the items in", add="The filter {new} was missing."),
    "missing-import": Phrase("Add missing import in", add="The import {new} was missing."),
    "import": Phrase("Fix import in", "It imported {old} where {new} is meant."),
    "name": Phrase("Fix name in", "There is no {old}: {new} is meant."),
    "missing-f": Phrase("Fill in the names in", add="The `f` in front of the text was missing."),
    "conversion": Phrase("Fix format in", "The format {old} has to be {new}."),
    "missing-item": Phrase("Add missing item in", add="The item {new} was missing."),
    "named-argument": Phrase("Fix arguments in", add="The argument {new} was missing."),
    "missing-handler": Phrase("Handle exception in", add="The exception was not handled."),
    "export": Phrase("Give a name that the package lacks in", add="The package did not give {new}."),
    "arm-order": Phrase("Fix order of branches in", "The branches were asked in the wrong order."),
    "needless-loop": Phrase("Fix value in", "Each value was changed where it is meant as it is."),
    "replaced-sign": Phrase("Fix text in", add="A sign has to be replaced: {new} was missing."),
    "needless-index": Phrase("Fix value in", drop="The index {old} does not belong here."),
    "case-folding": Phrase(
        "Compare without regard to case in",
        "Small and capital letters were not taken as the same: {old} has to be {new}.",
        "Small and capital letters were not taken as the same.",
    ),
    "wider-type": Phrase("Accept more types in", add="The type {new} was not accepted."),
    "predicate": Phrase("Compute the answer in", "It gave {old} whatever it got, where {new} is meant."),
    "unused-parameter": Phrase("Use the parameter in", "It used {old} where the parameter {new} is meant."),
    "expected-value": Phrase("Fix value in", "The value {old} has to be {new}."),
    "table-row": Phrase("Add missing row in", add="The row {new} was missing."),
    "whole-text": Phrase("Fix regular expression in", "The pattern did not mean the whole text."),
    "alternative": Phrase("Fix regular expression in", "The pattern {old} lacked a part: {new} is meant."),
    "missing-else": Phrase("Add missing branch in", add="The other branch gave no value."),
    "kept-key": Phrase("Handle missing key in", "The key may not be there yet: {old} has to be {new}."),
    "new-arm": Phrase("Handle another case in", add="A case was not handled: {new} was missing."),
    "narrowed-else": Phrase("Fix branches in", "The last branch ran even where it must not."),
    "added-conjunct": Phrase("Fix condition in", add="The condition lacked {new}."),
    "exact-type": Phrase("Fix type test in", "The type was tested by {old} where {new} is meant."),
    "tested-type": Phrase(
        "Fix type test in",
        "The type was tested by {old} where {new} is meant.",
        "The type {new} was not accepted.",
    ),
    "wrapped-value": Phrase("Add missing call in", add="The call {new} was missing."),
    "wrapped-sides": Phrase("Fix comparison in", "It compared {old} where {new} is meant."),
    "other-callee": Phrase("Call the right function in", "It called {old} where {new} is meant."),
    "other-argument": Phrase("Fix value in", "The call {old} stands where {new} is meant."),
    "needless-choice": Phrase("Keep empty values in", "An empty value was taken for a missing one."),
    "named-value": Phrase("Use the right value in", "It used {old} where {new} is meant."),
    "own-class": Phrase(
        "Respect subclasses in", "It named the class {old}, so that subclasses got it too: {new} is meant."
    ),
    "like-object": Phrase("Keep the type in", "It made {old} where an object like the given one is meant."),
    "boxed": Phrase(
        "Fix value in", "It gave {old} where {new} is meant.", "{new} was missing around the value."
    ),
    "not-implemented": Phrase(
        "Let the other operand answer in", "It gave {old} for what it does not know, where {new} is meant."
    ),
    "raised-instead": Phrase("Raise the right exception in", "It said {old} where {new} is meant."),
    "shaped-value": Phrase(
        "Handle another kind of value in", add="The value was used as it came: {new} was missing."
    ),
    "after-loop": Phrase("Keep the last piece in", add="What a loop does was missing behind it: {new}."),
    "unfilled": Phrase("Fill what is asked in", add="Nothing was ever put in there: {new} was missing."),
    "missing-wraps": Phrase("Keep the name and words of what is decorated in", add="{new} was missing."),
    "rounding": Phrase("Fix rounding in", add="It was rounded the wrong way: {new} was missing."),
    "moved-call": Phrase("Fix calculation in", "The call went around {old} where {new} is meant."),
    "term-of-sibling": Phrase("Fix calculation in", add="The other end has it, here {new} was missing."),
    "added-up": Phrase("Keep all values in", "A later value took the place of an earlier one."),
    "absent-or-empty": Phrase("Fix default in", "The default was not used for what is there and empty."),
    "renewed": Phrase("Make a new one in", "It was emptied for those too who had been given it."),
    "grouped": Phrase(
        "Fix operator precedence in", add="Without parentheses the operators bind differently."
    ),
    "needless-condition": Phrase(
        "Remove wrong condition from", drop="The condition {old} does not belong here."
    ),
    "passed-on": Phrase("Pass on the argument in", add="The argument {new} was missing."),
    "starred": Phrase(
        "Fix arguments in", add="The arguments were given as one.", drop="One argument was given as several."
    ),
    "absent-key": Phrase("Fix lookup in", "A key that is absent was not handled: {old} has to be {new}."),
    "new-row": Phrase("Add missing row in", add="The row {new} was missing."),
    "new-name": Phrase("Add missing item in", add="The item {new} was missing."),
    "whole-value": Phrase("Fix format in", "A tuple was taken apart by the format: {new} is meant."),
    "absent-attribute": Phrase("Handle missing attribute in", "Some values have no such attribute."),
    "sibling-option": Phrase("Fix option in", "The option {old} has to be {new}."),
    "regex-part": Phrase("Fix regular expression in", "The pattern {old} did not fit: {new} is meant."),
    "not-none": Phrase("Keep empty values in", "An empty value was taken for a missing one."),
    "set-value": Phrase(
        "Handle empty value in",
        "What is there and empty was taken for a value: {old} has to be {new}.",
        "What is there and empty was taken for a value: {new} was missing.",
    ),
    "one-of": Phrase("Fix condition in", "The condition knew {old}, where {new} is meant."),
    "trimmed": Phrase("Fix text test in", add="The text was tested as it came: {new} was missing."),
    "foreign-operand": Phrase(
        "Let the other operand answer in",
        "Another type was not handled: {old} has to be {new}.",
        "Another type was not handled before what follows.",
    ),
    "unpacked-part": Phrase("Fix unpacking in", add="There were more values than names: {new} was missing."),
    "syntax": Phrase(
        "Fix syntax in", "The line was not valid Python.", "The line was not valid Python: {new} was missing."
    ),
}


def find_difference(before: str, after: str) -> tuple[str, str]:
    """The part of two texts that differs, by whole words and signs, without white space around it."""
    one, two = _TOKEN.findall(before), _TOKEN.findall(after)
    shorter = min(len(one), len(two))
    start = next((at for at in range(shorter) if one[at] != two[at]), shorter)
    most = shorter - start
    end = next((at for at in range(most) if one[-1 - at] != two[-1 - at]), most)
    return "".join(one[start : len(one) - end]).strip(), "".join(two[start : len(two) - end]).strip()


_OF_PATTERNS = frozenset(("pattern", "whole-text", "alternative", "regex-part"))
_TEXT = re.compile(r"[rRbBuUfF]{0,2}'[^'\n]{0,300}'|[rRbBuUfF]{0,2}\"[^\"\n]{0,300}\"")


def _find_changed_text(before: str, after: str) -> tuple[str, str] | None:
    """The literal text that differs, whole: a part of a regular expression says little."""
    pairs = zip(_TEXT.findall(before), _TEXT.findall(after), strict=False)
    return next(((one, two) for one, two in pairs if one != two), None)


def explain_edit(template: str, before: str, after: str) -> str:
    """One sentence on what was wrong with the lines ``before``."""
    phrase = PHRASES.get(template, PLAIN)
    old, new = find_difference(before, after)
    if template in _OF_PATTERNS and (texts := _find_changed_text(before, after)):
        old, new = texts
    sentence = phrase.swap if old and new else phrase.add if new else phrase.drop
    shown = {"old": f"`{_shorten(old)}`", "new": f"`{_shorten(new)}`"}
    return sentence.format(**shown)


def _shorten(text: str) -> str:
    line = " ".join(text.split()).replace("`", "'")
    return line if len(line) <= 80 else f"{line[:77]}..."
