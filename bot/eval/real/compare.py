"""Is a mend what the true fix is? By its syntax tree, else by what the changed functions give."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from unidiff.patch import PatchSet

from bot.agent.tools.context import GUEST
from bot.eval.real.cases import RealCase
from bot.eval.real.history import normalise
from bot.workspace.checkout import Checkout
from sandbox.spec import Command

MARK = "HOB-COMPARE-RESULT "


class Likeness(StrEnum):
    """How a mend compares with the true fix."""

    SAME_TREE = "same syntax tree"
    SAME_OUTPUTS = "same outputs"  # of the changed functions, for inputs made from the tests'
    DIFFERS = "differs"  # an input shows it
    UNKNOWN = "unknown"  # nothing could be called


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedMend:
    """The judgement, and a sentence with what it rests on."""

    likeness: Likeness
    detail: str = ""


async def compare_with_fix(found: Checkout, case: RealCase, diff: str) -> ComparedMend:
    """Compare a change, given as a diff, with the true fix of its case."""
    fix = {each.path: each for each in case.fix.sources}
    texts = await _read_texts(found, diff, tuple(fix))
    changed = {path: text for path, (before, text) in texts.items() if text != before}
    after = {path: each.after for path, each in fix.items()}
    if is_same_tree(changed, after):
        return ComparedMend(likeness=Likeness.SAME_TREE)
    if is_same_tree(
        *({path: blank_messages(text) for path, text in each.items()} for each in (changed, after))
    ):
        return ComparedMend(likeness=Likeness.SAME_TREE, detail="but for the words of an exception")
    told = {
        "test": found.checks.test,
        "failing": list(case.fail_to_pass),
        "fix": {path: each.after for path, each in fix.items()},
        "found": changed,
    }
    sandbox = await found.open()
    try:
        argv = ("python", "-I", f"{GUEST}/mend", "--compare")
        done = await sandbox.run(Command(argv=argv, stdin=json.dumps(told).encode(), env=found.policy.env))
    finally:
        await sandbox.aclose()
    return read_answer(done.text)


async def _read_texts(found: Checkout, diff: str, names: tuple[str, ...]) -> dict[str, tuple[str, str]]:
    """Path to (text before, text after) of every Python file of code that the change touches."""
    paths = sorted(
        {file.path for file in PatchSet(diff) if file.path.endswith(".py") and not file.is_added_file}
    )
    sandbox = await found.open()
    try:
        before = {path: (await sandbox.run(Command(argv=("cat", path)))).text for path in paths}
        argv = ("git", "apply", "--whitespace=nowarn", "-")
        await sandbox.run(Command(argv=argv, stdin=diff.encode("utf-8", "surrogateescape")))
        after = {path: (await sandbox.run(Command(argv=("cat", path)))).text for path in paths}
    finally:
        await sandbox.aclose()
    return {path: (before[path], after[path]) for path in paths}


def blank_messages(text: str) -> str:
    """The code with every ``raise`` of a class without its message; the text itself where it is no Python.

    The tests do not say which words are meant.
    """
    try:
        tree = ast.parse(text)
        for node in ast.walk(tree):
            match node:
                case ast.Raise(exc=ast.Call(func=kind, args=args, keywords=[])) if all(map(_is_words, args)):
                    node.exc = kind
        return ast.unparse(tree)
    except (SyntaxError, ValueError, RecursionError):
        return text


def _is_words(node: ast.expr) -> bool:
    match node:
        case ast.Call(func=ast.Attribute(value=value, attr="format")):
            return _is_words(value)
        case ast.BinOp(left=left, op=ast.Mod()):
            return _is_words(left)
        case ast.Constant(value=value):
            return isinstance(value, str)
    return isinstance(node, ast.JoinedStr)


def is_same_tree(found: Mapping[str, str], fix: Mapping[str, str]) -> bool:
    """Whether the same files have the same syntax trees."""
    if not found or found.keys() != fix.keys():
        return False
    try:
        return all(normalise(text) == normalise(fix[path]) for path, text in found.items())
    except (SyntaxError, ValueError, RecursionError):
        return False


def read_answer(text: str) -> ComparedMend:
    """What the guest's program printed, beside which the project's own code may print anything."""
    lines = [line for line in text.splitlines() if line.startswith(MARK)]
    if not lines:
        return ComparedMend(likeness=Likeness.UNKNOWN, detail="the comparison did not come to an end")
    try:
        told = json.loads(lines[-1].removeprefix(MARK))
    except (ValueError, RecursionError):
        told = None
    match told:
        case {"state": "same", "inputs": int(inputs), "function": str(function)}:
            return ComparedMend(likeness=Likeness.SAME_OUTPUTS, detail=f"{inputs} inputs of {function}"[:400])
        case {"state": "differs", "call": str(call), "fix": str(fix), "found": str(found)}:
            detail = f"{call} gives {fix} by the fix, {found} by the mend"
            return ComparedMend(likeness=Likeness.DIFFERS, detail=detail[:400])
        case {"state": str(), "why": str(why)}:
            return ComparedMend(likeness=Likeness.UNKNOWN, detail=why[:300])
    return ComparedMend(likeness=Likeness.UNKNOWN, detail="what the comparison printed cannot be read")
