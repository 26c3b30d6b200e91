"""A test for the examples of a bug report, written like the repository's own, or the one that is there."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from .. import layout
from ..source import FUNCTIONS


class FailingExample(Protocol):
    """What is needed of an example."""

    call: str
    expected: str
    expected_error: str
    imports: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenTest:
    """A new file with tests; ``names`` are their ids as pytest has them."""

    path: str
    text: str
    names: list[str]


def write_test(root: Path, command: str, examples: Sequence[FailingExample]) -> WrittenTest:
    """One test function for each example, in a file of its own beside the tests that are nearest."""
    files = [path for path in layout.list_python_files(root) if _is_test_module(path)]
    name = _name_call(examples[0].call)
    path = _choose_path(root, files, name, examples[0].imports)
    unittest = _is_unittest(root, command, files)
    imports = sorted({line for each in examples for line in each.imports})
    raises = any(each.expected_error for each in examples)
    outside = ["import unittest"] if unittest else ["import pytest"] if raises else []
    errors = {each.expected_error for each in examples if each.expected_error}
    homes = _find_errors(root, errors)
    head = "\n".join([*outside, *([""] if outside else []), *sorted({*imports, *homes})])
    made: list[str] = []
    names: list[str] = []
    for number, each in enumerate(examples, start=1):
        title = f"test_{_name_call(each.call)}_as_reported{f'_{number}' if number > 1 else ''}"
        body = _write_assertion(each, unittest=unittest)
        indent = "    " if unittest else ""
        made.append(f"{indent}def {title}({'self' if unittest else ''}):\n{body}")
        names.append(f"{path}::{'ReportedTest::' if unittest else ''}{title}")
    about = '"""What a bug report shows, as tests."""'
    if unittest:
        text = f"{about}\n\n{head}\n\n\nclass ReportedTest(unittest.TestCase):\n" + "\n\n".join(made) + "\n"
    else:
        text = f"{about}\n\n{head}\n\n\n" + "\n\n\n".join(made) + "\n"
    return WrittenTest(path=path, text=text, names=names)


def _write_assertion(each: FailingExample, *, unittest: bool) -> str:
    indent = "        " if unittest else "    "
    if each.expected_error:
        guard = (
            f"self.assertRaises({each.expected_error})"
            if unittest
            else f"pytest.raises({each.expected_error})"
        )
        return f"{indent}with {guard}:\n{indent}    {each.call}"
    if each.expected in ("None", "True", "False"):
        if unittest:
            return f"{indent}self.assertIs({each.call}, {each.expected})"
        return f"{indent}assert {each.call} is {each.expected}"
    if unittest:
        how = "assertAlmostEqual" if _is_float(each.expected) else "assertEqual"
        return f"{indent}self.{how}({each.call}, {each.expected})"
    if _is_float(each.expected):
        return f"{indent}assert abs({each.call} - {each.expected}) < 1e-9"
    return f"{indent}assert {each.call} == {each.expected}"


def _is_float(value: str) -> bool:
    return bool(re.fullmatch(r"-?\d+\.\d+(e-?\d+)?", value))


def _name_call(call: str) -> str:
    """``shop.cart.total([1])`` is about ``total``; ``Cart([1]).total()`` too."""
    node = ast.parse(call, mode="eval").body
    while not isinstance(node, (ast.Call, ast.Name)) and (inner := next(ast.iter_child_nodes(node), None)):
        if not isinstance(inner, ast.expr):
            break
        node = inner
    function = node.func if isinstance(node, ast.Call) else node
    name = getattr(function, "attr", None) or getattr(function, "id", "example")
    return re.sub(r"(?<=[a-z\d])(?=[A-Z])", "_", str(name)).lower().strip("_") or "example"


def _is_test_module(path: Path) -> bool:
    name = path.name
    return name.startswith("test") or name.endswith(("_test.py", "_tests.py"))


def _choose_path(root: Path, files: list[Path], name: str, imports: Sequence[str]) -> str:
    """Beside the test file that speaks of the same module, else where most tests are."""
    words = {word for line in imports for word in re.findall(r"\w+", line)} - {"from", "import"}
    best: Counter[Path] = Counter()
    for path in files:
        try:
            text = (root / path).read_text("utf-8")
        except (OSError, ValueError):
            continue
        best[path.parent] += 1 + 3 * sum(bool(re.search(rf"\b{word}\b", text)) for word in words)
    folder = best.most_common(1)[0][0] if best else Path("tests") if (root / "tests").is_dir() else Path()
    last = sum(path.name.endswith("_test.py") for path in files)
    pattern = "{}_test.py" if files and last > len(files) / 2 else "test_{}.py"
    stem, number = f"reported_{name}", 1
    while (root / folder / pattern.format(stem)).exists():
        number += 1
        stem = f"reported_{name}_{number}"
    return (folder / pattern.format(stem)).as_posix()


def _is_unittest(root: Path, command: str, files: list[Path]) -> bool:
    """Whether the tests are unittest's: by the command, else by most of the files."""
    if re.search(r"\bunittest\b|manage\.py", command):
        return True
    texts = []
    for path in files[:200]:
        try:
            texts.append((root / path).read_text("utf-8"))
        except (OSError, ValueError):
            continue
    cases = sum("TestCase)" in text for text in texts)
    return bool(texts) and cases > len(texts) / 2


def _find_errors(root: Path, errors: set[str]) -> list[str]:
    """Import lines for the exceptions that are the repository's own."""
    lines: list[str] = []
    for path in layout.list_python_files(root, 3000) if errors else ():
        if layout.is_test(path.as_posix()):
            continue
        try:
            text = (root / path).read_text("utf-8")
        except (OSError, ValueError):
            continue
        found = [name for name in errors if re.search(rf"^class {re.escape(name)}\b", text, re.M)]
        for base in map(Path, layout.find_import_roots(root)):
            if found and (root / path).is_relative_to(base):
                parts = list((root / path).relative_to(base).with_suffix("").parts)
                module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
                lines += [f"from {module} import {name}" for name in found]
                errors = errors - set(found)
                break
    return lines


def find_same_test(root: Path, call: str, expected: str) -> str:
    """The id of a test that compares the same call with the same value; "" when none does."""
    if not expected:
        return ""
    wanted = {_dump(ast.parse(call, mode="eval").body), _dump(ast.parse(expected, mode="eval").body)}
    name = _name_call(call)
    for path in layout.list_python_files(root):
        if not _is_test_module(path):
            continue
        try:
            text = (root / path).read_text("utf-8")
            tree = ast.parse(text) if name in text.lower() else ast.Module([], [])
        except (OSError, ValueError, SyntaxError):
            continue
        for owner, function in _list_tests(tree):
            if any(wanted <= sides for sides in _list_comparisons(function)):
                return "::".join([path.as_posix(), *([owner] if owner else []), function.name])
    return ""


def _list_tests(tree: ast.Module) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for node in tree.body:
        inside = node.body if isinstance(node, ast.ClassDef) else [node]
        for each in inside:
            if isinstance(each, FUNCTIONS) and each.name.startswith("test"):
                yield node.name if isinstance(node, ast.ClassDef) else "", each


def _list_comparisons(function: ast.AST) -> Iterator[set[str]]:
    """Both sides of every comparison, as text without module names."""
    for node in ast.walk(function):
        if isinstance(node, ast.Compare) and len(node.comparators) == 1:
            yield {_dump(node.left), _dump(node.comparators[0])}
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", "").startswith("assert"):
            yield {_dump(each) for each in node.args[:2]}


def _dump(node: ast.AST) -> str:
    """The expression's text; ``module.name(...)`` counts as ``name(...)``."""
    return re.sub(r"(?<![\w.)])(?:[a-z_]\w*\.)+(?=\w+\()", "", ast.unparse(node))
