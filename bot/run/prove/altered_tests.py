"""Which of the base's tests a change weakens: changed or removed assertions, skips, whole tests gone.

Tests that only gain statements do not count: a good change adds tests.
"""

from __future__ import annotations

import ast
import re

from bot.domain import ChangeKind, ChangeSet
from bot.run.prove.judge_files import is_test
from bot.run.prove.named_files import ReadBase
from bot.text.python_source import parse_pieces

_SKIPS = re.compile(
    r"\b(skip|skipif|skipIf|skipUnless|skipTest|xfail|importorskip|expectedFailure|todo)\b"
    r"|\b(xit|xtest|xdescribe|fit|fdescribe)\b|\.only\b|#\[ignore|\bt\.Skip|__test__\s{0,5}=\s{0,5}False|collect_ignore"
)
_COMMENT = re.compile(r"^\s*(#|//|/\*|\*|\"\"\"|$)")
_IMPORT = re.compile(r"^\s*(import|from|use|const .{0,200}require|\}\s*from|[})\];,]*$)")


def find_altered_tests(tests: ChangeSet, read_base: ReadBase) -> tuple[str, ...]:
    """The tests that the change alters, as ``path::name`` where they are Python's, else as paths."""
    added = [each.data for each in tests.files if each.kind is not ChangeKind.DELETED and is_test(each.path)]
    kept = {function for data in added for function in _list_functions(data).items()}
    found = []
    for change in tests.files:
        if change.kind is ChangeKind.ADDED or not is_test(change.path):
            continue
        before = read_base(change.path) or b""
        after = b"" if change.kind is ChangeKind.DELETED else change.data
        if change.path.endswith(".py"):
            found += [
                f"{change.path}::{name}" if name else change.path
                for name in _compare_python(before, after, kept)
            ]
        elif before not in added and alters_lines(before, after):
            found.append(change.path)
    return tuple(found)


def list_test_names(data: bytes) -> set[str]:
    """The dotted names of a Python file's functions; none where it cannot be read."""
    return set(_list_functions(data))


def list_weaker_functions(before: bytes, after: bytes) -> list[str]:
    """The dotted names of functions of a Python file that are gone, or lack a statement that they had."""
    return _compare_python(before, after, set())


def _compare_python(before: bytes, after: bytes, kept: set[tuple[str, str]]) -> list[str]:
    """Names of weaker functions, '' for the rest of the file. ``kept``: all functions that remain."""
    old, new = _list_functions(before), _list_functions(after)
    if not old and before.strip():
        return [""] if alters_lines(before, after) else []
    names = []
    for name, dump in old.items():
        if (name, dump) in kept:
            continue
        if name not in new or not _is_extended(dump, new[name]):
            names.append(name)
    return names


def _list_functions(data: bytes) -> dict[str, str]:
    """Test functions, fixtures and other functions by their dotted name, each as one line per statement."""
    found: dict[str, str] = {}
    rests: dict[str, list[str]] = {}

    def walk(body: list[ast.stmt], prefix: str) -> None:
        rest = rests.setdefault(prefix, [])
        for node in body:
            if isinstance(node, ast.ClassDef):
                walk(node.body, f"{prefix}{node.name}.")
                rest += [ast.dump(each) for each in node.decorator_list]
            elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                marks = [f"@{ast.dump(each)}" for each in node.decorator_list]
                found[f"{prefix}{node.name}"] = "\n".join(
                    [*marks, ast.dump(node.args), *map(ast.dump, node.body)]
                )
            elif not isinstance(node, (ast.Import, ast.ImportFrom)) and not _is_text(node):
                rest.append(ast.dump(node))

    try:
        for piece in parse_pieces(data.decode("utf-8-sig")):
            walk(piece.body, "")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}
    return found | {prefix: "\n".join(rest) for prefix, rest in rests.items() if rest}


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _is_extended(before: str, after: str) -> bool:
    """Whether ``after`` has every statement of ``before`` in order, and no new mark, skip or early end."""
    lines = iter(after.splitlines())
    if not all(any(line == other for other in lines) for line in before.splitlines()):
        return False
    known = set(before.splitlines())
    new = [line for line in after.splitlines() if line not in known]
    return not any(line.startswith(("@", "Return", "Raise")) or _SKIPS.search(line) for line in new)


def alters_lines(before: bytes, after: bytes) -> bool:
    """Whether a meaningful line was removed, or a skip added."""
    old, new = (data.decode("utf-8", "replace").splitlines() for data in (before, after))
    there, known = set(map(str.strip, new)), set(map(str.strip, old))
    gone = [line for line in old if line.strip() not in there]
    come = [line for line in new if line.strip() not in known]
    removed = any(not _COMMENT.match(line) and not _IMPORT.match(line) for line in gone)
    return removed or any(_SKIPS.search(line) for line in come)
