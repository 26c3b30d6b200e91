"""What tests use of the source under test as their own base: base classes, decorators, hooks, data.

    class CalcTest(Checks, unittest.TestCase)   # Checks.assertEqual of the source may do nothing
    from calc import *                          # the source's setup_module comes with it
    json.load(open("cases.json"))               # what is expected

A change of these alters how it is judged itself. No run can show whether that is right, so it is reported.
"""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Collection, Iterable, Iterator

from bot.domain import ChangeKind, ChangeSet, FileChange
from bot.run.prove.named_files import ReadBase
from bot.run.prove.suspect.test_files import read_test_files
from bot.text.python_source import parse_pieces

# Hooks that runners look for in a test module.
_HOOK = re.compile(
    r"load_tests|(setUp|tearDown)(Module|Class)?|(setup|teardown)(_(module|class|function|method))?"
    r"|pytest_\w+|pytestmark|__test__|collect_ignore(_glob)?"
)
_ROOTS = ("", "src/", "lib/", "python/", "source/")
_DATA = re.compile(
    r"\.(json[5cl]?|ya?ml|toml|csv|tsv|txt|xml|html?|svg|ini|cfg|dat|sql|out|log|md|rst|ndjson|geojson)$",
    re.I,
)
# Documents that change along with good changes, and whose names tests use for files that they make.
_ABOUT_THE_PROJECT = re.compile(
    r"(?:^|/)(?:docs?/|(?:readme|changes|changelog|history|news|contributing|authors|licen[cs]e)\b)"
    r".{0,200}\.(?:md|rst|txt)$",
    re.I,
)
_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def find_changed_scaffolding(
    source: ChangeSet, tests: Collection[str], read_base: ReadBase
) -> tuple[str, ...]:
    """Changed classes and functions that Python tests inherit from, are decorated with, or use as hooks:
    ``path::name``.

    ``tests`` are all that ran on base, by name.
    """
    changed = {change.path: change for change in source.files if change.path.endswith(".py")}
    if not changed:
        return ()
    found: list[str] = []
    for path, text in read_test_files(tests, read_base).items():
        used = list(_list_used(text, path))
        for module, name in used:
            for where in _list_places(module):
                if where in changed:
                    found += _compare(changed[where], name, read_base)
    return tuple(dict.fromkeys(found))


def find_named_data(source: ChangeSet, tests: Collection[str], read_base: ReadBase) -> tuple[str, ...]:
    """Changed data files that test files name, which may hold expected values."""
    changed = [
        change.path
        for change in source.files
        if change.kind is not ChangeKind.ADDED
        and _DATA.search(change.path)
        and not _ABOUT_THE_PROJECT.search(change.path)
    ]
    if not changed:
        return ()
    texts = read_test_files(tests, read_base).values()
    names = {path: posixpath.basename(path) for path in changed}
    pattern = r"(?<![\w.-]){}(?![\w-])"
    return tuple(
        path
        for path, name in names.items()
        if any(name in text and re.search(pattern.format(re.escape(name)), text) for text in texts)
    )


def _list_used(text: str, path: str) -> Iterator[tuple[str, str]]:
    """Module and name of what a file's tests use as their base; the name is '' for all hooks of runners."""
    try:
        nodes = [node for piece in parse_pieces(text) for node in ast.walk(piece)]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    modules: dict[str, str] = {}
    names: dict[str, tuple[str, str]] = {}
    for node in nodes:
        if isinstance(node, ast.Import):
            modules |= {each.asname or each.name: each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = _resolve(node, path)
            for alias in node.names:
                names[alias.asname or alias.name] = (module, alias.name)
                modules[alias.asname or alias.name] = f"{module}.{alias.name}"
                if alias.name == "*":
                    yield module, ""
                elif _HOOK.fullmatch(alias.asname or alias.name):
                    yield module, alias.name
    stars = [module for module, name in names.values() if name == "*"]
    for node in nodes:
        if not isinstance(node, _Definition) or not _is_test(node):
            continue
        bases = node.bases if isinstance(node, ast.ClassDef) else []
        for each in (*bases, *node.decorator_list):
            word = each.func if isinstance(each, ast.Call) else each
            if isinstance(word, ast.Name) and word.id in names:
                yield names[word.id]
            elif isinstance(word, ast.Name):
                yield from ((module, word.id) for module in stars)
            elif isinstance(word, ast.Attribute):
                yield modules.get(ast.unparse(word.value), ""), word.attr


def _is_test(node: _Definition) -> bool:
    if isinstance(node, ast.ClassDef):
        inner = (each for each in node.body if isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef)))
        return any(each.name.startswith("test") for each in inner) or "test" in node.name.lower()
    return node.name.startswith("test") or _HOOK.fullmatch(node.name) is not None


def _resolve(node: ast.ImportFrom, path: str) -> str:
    """The module of an import, a relative one resolved from the file."""
    if not node.level:
        return node.module or ""
    parts = path.split("/")[: -node.level]
    return ".".join([*parts, *([node.module] if node.module else [])])


def _list_places(module: str) -> Iterator[str]:
    """The paths that a module may have."""
    for root in _ROOTS:
        place = root + module.replace(".", "/")
        yield f"{place}.py"
        yield f"{place}/__init__.py"


def _compare(change: FileChange, name: str, read_base: ReadBase) -> Iterator[str]:
    """``path::name`` of the definitions that the change alters: that name's, or those of all hooks."""
    before = _list_definitions(read_base(change.path) or b"")
    after = _list_definitions(b"" if change.kind is ChangeKind.DELETED else change.data)
    wanted: Iterable[str] = [name] if name else filter(_HOOK.fullmatch, after)
    above = {name: _list_above(name, after) for name in wanted}
    for each, names in above.items():
        if any(before.get(one, ("", ()))[0] != after.get(one, ("", ()))[0] for one in names):
            yield f"{change.path}::{each}"


def _list_above(name: str, known: dict[str, tuple[str, tuple[str, ...]]]) -> list[str]:
    """The name and the classes of the same file that it inherits from."""
    found = [name]
    for each in found:
        found += [base for base in known.get(each, ("", ()))[1] if base in known and base not in found]
    return found


def _list_definitions(data: bytes) -> dict[str, tuple[str, tuple[str, ...]]]:
    """A module's definitions and assignments by name: each as text, and the names of a class's bases."""
    found: dict[str, tuple[str, tuple[str, ...]]] = {}
    try:
        for piece in parse_pieces(data.decode("utf-8-sig")):
            for node in piece.body:
                if isinstance(node, _Definition):
                    bases = node.bases if isinstance(node, ast.ClassDef) else []
                    names = tuple(each.id for each in bases if isinstance(each, ast.Name))
                    found[node.name] = (ast.dump(node), names)
                elif isinstance(node, ast.Assign):
                    dump = ast.dump(node.value)
                    found |= {each.id: (dump, ()) for each in node.targets if isinstance(each, ast.Name)}
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}
    return found
